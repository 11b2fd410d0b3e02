"""Optional speed-ups of this process, each of which an environment variable can leave out."""

import ctypes
import functools
import os
import platform
import sys

from .errors import ParameterError, did_you_mean

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_KEEP_BYTES = (1 << 31) - 1

WITHOUT = "CONVSCOPE_WITHOUT"
"""Environment variable with the comma-separated names of tunings to turn off."""

TUNINGS = {
    "flush-denormals": "denormal numbers count as 0; they can make arithmetic many times slower",
    "keep-memory": "freed memory is kept for the next batch instead of being returned to the system",
    "rest-threads": "waiting threads spin for microseconds, then sleep, so that other programs do not stall them",
    "channels-last": "feature maps are stored channels last; convolution and pooling are faster",
}


def left_out() -> frozenset[str]:
    """Return the tunings that the environment variable CONVSCOPE_WITHOUT turns off.

    Raises:
        ParameterError: it names an unknown tuning.
    """
    names = [name.strip() for name in os.environ.get(WITHOUT, "").split(",")]
    for name in filter(None, names):
        if name not in TUNINGS:
            known = ", ".join(TUNINGS)
            raise ParameterError(
                f"The environment variable {WITHOUT} must name tunings among {known}. Got {name!r}."
                f"{did_you_mean(name, list(TUNINGS))}"
            )
    return frozenset(filter(None, names))


def keeps_memory_on(system: str) -> bool:
    """Return whether the allocator of a system can keep freed memory (Linux only)."""
    return system.startswith("Linux")


@functools.cache
def keep_memory() -> bool:
    """Make the allocator of glibc keep freed memory for the next batch; return whether it does.

    Training frees and allocates the same tens of megabytes in every step; returning them to the system each time costs
    more (page faults) than the arithmetic on them. The setting only delays the return, and is not restored.
    """
    if not keeps_memory_on(platform.system()) or "keep-memory" in left_out():
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        return bool(library.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES) and library.mallopt(_M_MMAP_MAX, 0))
    except (OSError, AttributeError):
        return False


def let_idle_threads_rest() -> None:
    """Make waiting threads spin for microseconds, then sleep; call it before torch is loaded.

    If another program uses a core, threads that spin for long (the default) wait for one that cannot run, and steps
    take many times as long. Not spinning at all costs a fifth on an idle machine. No effect if the user has set
    OMP_WAIT_POLICY, or torch is loaded.
    """
    is_off = "rest-threads" in os.environ.get(WITHOUT, "") or "OMP_WAIT_POLICY" in os.environ
    if "torch" not in sys.modules and not is_off:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
