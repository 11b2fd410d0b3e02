"""This process: its age, its current folder and its garbage collection."""

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import StorageError

_MANY_OBJECTS = 200_000


def seconds_since_start() -> float:
    """Return the seconds since this process began; where the start is unknown, its processor time.

    Examples:
        >>> 0 < seconds_since_start() < 1e9
        True
    """
    with contextlib.suppress(OSError, ValueError, AttributeError, IndexError):
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        began = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # proc(5): field 22, ticks since the machine started
        return max(time.clock_gettime(time.CLOCK_BOOTTIME) - began, 0.0) or time.process_time()
    return time.process_time()


@contextlib.contextmanager
def seldom_collecting() -> Iterator[None]:
    """Collect garbage rarely while the block runs.

    Importing torch creates some 300,000 permanent objects; scanning them again and again takes about an eighth of the
    import time. Objects outside reference cycles are freed at once in any case.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _MANY_OBJECTS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def refuse_lost_folder() -> None:
    """Validate that the current folder exists: without one, a library of torch ends the process.

    Raises:
        StorageError: the current folder was removed.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise StorageError("The current folder no longer exists. Change to another, for example with: cd") from error


def end_soon() -> None:
    """Skip the last garbage collection of a process that is about to exit.

    With torch loaded it takes a third of a second, and the system frees all memory anyway.
    """
    gc.freeze()
