"""How long this process has been there."""

import contextlib
import os
import time
from pathlib import Path


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
