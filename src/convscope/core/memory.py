"""Memory available to this process, within the limits of machine, container and process."""

import contextlib
import ctypes
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 62


def available_bytes() -> int:
    """Return the bytes that this process can use without forcing others out of memory; 2**62 if unknown.

    The minimum of: the available memory that Linux or Windows reports (elsewhere all physical memory), the rest of the
    control groups of the process, which containers set, and the rest of its address-space limit.

    Examples:
        >>> available_bytes() > 1_000_000
        True
    """
    return min([_of_machine(), *_of_groups(), _of_process()])


def return_free_memory() -> None:
    """Return freed memory to the system, where the allocator would keep it for the thread that freed it."""
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """Return malloc_trim of glibc, None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    with contextlib.suppress(OSError, AttributeError):
        function: Callable[[int], int] = ctypes.CDLL("libc.so.6").malloc_trim
        return function
    return None


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
    """Give the bytes left in each control group (version 2 or 1), from that of the process to the outermost."""
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
    """Return the bytes left by the address-space limit (``ulimit -v``)."""
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
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # exists on Windows only
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
    """Return a number of memory.stat, for example cached files, which are dropped when memory is needed."""
    return next((int(line.split()[1]) for line in _lines(file) if line.split()[:1] == [name]), 0)
