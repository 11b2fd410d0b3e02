"""What the processor can do, and the settings that make training fast on it. Every setting can be put back."""

import contextlib
import ctypes
import functools
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_KEEP_BYTES = (1 << 31) - 1
_WORTH_SHARING = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine as convscope sees it.

    Attributes:
        processor: its name, as the system gives it.
        cores: physical cores that this process may use.
        bfloat16: whether products in bfloat16 are native (AVX-512 BF16 or AMX); elsewhere they are far slower.
        system: operating system and Python.
    """

    processor: str
    cores: int
    bfloat16: bool
    system: str


@functools.cache
def machine() -> Machine:
    """Return this machine; looked at once."""
    flags = _processor_fields()
    return Machine(
        processor=flags.get("model name") or platform.processor() or platform.machine(),
        cores=usable_cores(),
        bfloat16=native_bfloat16(flags.get("flags", "").split()),
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )


def native_bfloat16(flags: list[str]) -> bool:
    """Return whether a processor with these feature flags multiplies bfloat16 natively.

    Examples:
        >>> native_bfloat16(["avx2", "avx512f", "avx512_bf16"]), native_bfloat16(["avx2"])
        (True, False)
    """
    return "avx512_bf16" in flags or "amx_bf16" in flags


def usable_cores() -> int:
    """Return the cores that this process may use (its affinity), at most the physical ones."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(allowed, int(limit)) if limit.isdigit() and int(limit) > 0 else allowed


def _processor_fields() -> dict[str, str]:
    """Return the fields of the first processor in /proc/cpuinfo, where there is one."""
    fields: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").split("\n\n")[0].splitlines():
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
    return fields


@functools.cache
def keep_memory() -> bool:
    """Ask the allocator of glibc to keep freed memory for the next batch; return whether it took it.

    Training frees and takes the same tens of megabytes in every step; giving them back to the system each time
    costs more than the arithmetic on them (page faults). There is nothing to put back: it only delays giving back.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        return bool(library.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES) and library.mallopt(_M_MMAP_MAX, 0))
    except (OSError, AttributeError):
        return False


def let_idle_threads_rest() -> None:
    """Let threads that wait for each other spin for microseconds, then sleep; to be called before torch is loaded.

    Where another program wants a core, threads that spin for long (which is the default) wait for one that cannot
    run: steps then take many times as long. Not spinning at all costs a fifth on a quiet machine. Has no effect where
    the user has chosen, or torch is there already.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def threads_for(multiply_adds: int) -> int:
    """Return how many threads pay for a step of so many multiply-adds forward: one where sharing costs too much.

    Examples:
        >>> threads_for(10_000_000)
        1
    """
    return usable_cores() if multiply_adds >= _WORTH_SHARING else 1


@contextlib.contextmanager
def tuned(threads: int | None = None) -> Iterator[Machine]:
    """Set torch's threads, flush denormal numbers and keep memory while the block runs; put back what can be.

    Denormal weights can make arithmetic many times slower (pytorch issue 23862).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads or machine().cores)
    torch.set_flush_denormal(True)
    keep_memory()
    try:
        yield machine()
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
