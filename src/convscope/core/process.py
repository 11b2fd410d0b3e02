"""The process itself: how long it has been there, and how often it looks for objects that nobody uses."""

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import StorageError

_MANY_OBJECTS = 200_000


def seconds_since_start() -> float:
    """Return the seconds on the clock since this process began; where nothing says when, those that it computed for.

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
    """Look for cycles of unused objects after very many new ones only, while the block runs.

    Importing torch makes some 300,000 objects that stay; looking through them again and again takes about an eighth of
    the time of the import. What no cycle holds is freed at once in any case.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], _MANY_OBJECTS) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def refuse_lost_folder() -> None:
    """Refuse to go on in a current folder that was removed: a library of torch ends the process there.

    Raises:
        StorageError: it is not there any more.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise StorageError(
            "The current folder is not there any more. Change to another, for example with: cd"
        ) from error


def end_soon() -> None:
    """Let the process, which has nothing left to do, end without looking for cycles of unused objects once more.

    With torch loaded that takes a third of a second, and the system takes back all memory anyway.
    """
    gc.freeze()
