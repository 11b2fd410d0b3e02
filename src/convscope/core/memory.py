"""How much memory this process may still take: of the machine, of its container, and of its own limit."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 62


def available_bytes() -> int:
    """Return the bytes that can be taken without driving others out of memory; very many where nothing says.

    The least of: what Linux says is available (or, elsewhere, what Windows does, or all physical memory), what is left
    in the control groups that the process is in, as containers set them, and what its limit of address space leaves.

    Examples:
        >>> available_bytes() > 1_000_000
        True
    """
    return min([_of_machine(), *_of_groups(), _of_process()])


def _of_machine() -> int:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return _of_windows()
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _UNLIMITED


def _of_groups() -> Iterator[int]:
    """Give what each control group (version 2 or 1) leaves, from that of the process to the outermost."""
    for line in _lines(_OWN_GROUP):
        number, controllers, path = line.strip().split(":", 2)
        if number == "0" and not controllers:
            top, limit, used, cached = _CGROUPS, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            top, limit, used = _CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cached = "total_inactive_file"
        else:
            continue
        folder = top / path.lstrip("/")
        for group in (folder, *folder.parents):
            most = _number(group / limit)
            if most is not None:
                yield max(0, most - (_number(group / used) or 0) + _statistic(group / "memory.stat", cached))
            if group == top:
                break


def _of_process() -> int:
    """Return what the limit of address space (``ulimit -v``) leaves."""
    try:
        import resource
    except ImportError:  # Windows
        return _UNLIMITED
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return _UNLIMITED
    pages = next(iter(_lines(Path("/proc/self/statm"))), "0").split()[0]
    return max(0, most - int(pages) * resource.getpagesize())


def _of_windows() -> int:
    """Return ullAvailPhys of GlobalMemoryStatusEx."""
    status = (ctypes.c_ulonglong * 8)()  # dwLength and dwMemoryLoad share the first; the third is ullAvailPhys
    status[0] = ctypes.sizeof(status)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # there on Windows alone
    return int(status[2]) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else _UNLIMITED


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _number(file: Path) -> int | None:
    text = "".join(_lines(file)).strip()
    return int(text) if text.isdigit() else None


def _statistic(file: Path, name: str) -> int:
    """Return a figure of memory.stat: files kept in memory, for one, are given up when memory is wanted."""
    return next((int(line.split()[1]) for line in _lines(file) if line.split()[:1] == [name]), 0)
