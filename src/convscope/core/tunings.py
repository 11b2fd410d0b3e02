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
"""The environment variable that names tunings to leave out, with commas between."""

TUNINGS = {
    "flush-denormals": "numbers too small to matter count as 0; they could make arithmetic many times slower",
    "keep-memory": "freed memory is kept for the next batch, not given back to the system and asked for again",
    "rest-threads": "threads that wait spin for microseconds, then sleep, so that other programs do not stall them",
    "channels-last": "maps lie in memory place by place, not map by map; convolutions and pooling go faster",
}


def left_out() -> frozenset[str]:
    """Return the tunings that the environment variable CONVSCOPE_WITHOUT names.

    Raises:
        ParameterError: it names something else.
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
    """Return whether the allocator of a system can be told to keep memory: that of Linux can."""
    return system.startswith("Linux")


@functools.cache
def keep_memory() -> bool:
    """Ask the allocator of glibc to keep freed memory for the next batch; return whether it took it.

    Training frees and takes the same tens of megabytes in every step; giving them back to the system each time
    costs more than the arithmetic on them (page faults). There is nothing to put back: it only delays giving back.
    """
    if not keeps_memory_on(platform.system()) or "keep-memory" in left_out():
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
    unwanted = "rest-threads" in os.environ.get(WITHOUT, "") or "OMP_WAIT_POLICY" in os.environ
    if "torch" not in sys.modules and not unwanted:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
