"""Locks on open files, kept while the file or a mapping of it is open; the system drops them when a process ends."""

import sys
from typing import IO

if sys.platform != "win32":
    import fcntl


def hold(file: IO[bytes]) -> None:
    """Mark an open file as in use. On Windows nothing is needed: a mapped file cannot be removed there."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:  # no locks on this file system: what is mapped stays readable even when it is removed
            return


def is_held(file: IO[bytes]) -> bool:
    """Return whether another open file is marked as in use."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return False
