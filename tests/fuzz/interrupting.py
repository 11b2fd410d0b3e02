"""Ways to disturb a process from within: it dies, or its disk fails, at a change, within a write, or at a moment."""

import ctypes
import errno
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import Random, pick
from .commands import contents

_CHANGING = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.rmtree")
_REMOVING = ("os.remove", "os.rmdir", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What an uninterrupted command comes to: its files (and which are always the same), its changes, its time."""

    files: dict[str, bytes]
    same: frozenset[str]
    changes: int
    largest: int
    seconds: float


def at_change(work: Path, counted: Path | None, act: Callable[[int, str], None] | None) -> None:
    """Call `act` with number (from 0 on) and name of every change of the disk below `work` just before it is made.

    Where `counted` is named, it gets one byte a change.
    """
    count = [0]
    below = str(work)
    out = None if counted is None else os.open(counted, os.O_WRONLY | os.O_CREAT)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(given[2], int) and given[2] & _WRITING
        changes = opened or event in _CHANGING
        if not changes or not isinstance(given[0], (str, bytes, os.PathLike)):
            return
        path = os.path.join(below, os.fsdecode(given[0]))  # noqa: PTH118  # absolute ones stay
        if not path.startswith(below + os.sep):
            return
        if out is not None:
            os.write(out, b".")
        if act is not None:
            act(count[0], event)
        count[0] += 1

    sys.addaudithook(hook)


def killer(work: Path, whole: Whole, random: Random) -> Callable[[], None]:
    """Return what makes the process kill itself: at a change, within a write, or at a moment."""
    what = int(random.integers(3))
    if what == 0:
        at = int(random.integers(max(1, whole.changes)))

        def die(number: int, event: str) -> None:
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return lambda: at_change(work, None, die)
    if what == 1:
        size = int(random.integers(0, whole.largest + 1))
        return lambda: _limit_files(size, signal.SIG_DFL)
    seconds = float(random.uniform(0.001, 1.1 * whole.seconds))

    def later() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process as a kill does: nothing of Python runs
        signal.setitimer(signal.ITIMER_REAL, seconds)

    return later


def failing(work: Path, whole: Whole, random: Random) -> Callable[[], None]:
    """Return what makes the disk fail: from one change on, once, or after a number of bytes in a file."""
    what = int(random.integers(3))
    if what == 2:
        size = int(random.integers(0, whole.largest + 1))
        return lambda: _limit_files(size, signal.SIG_IGN)
    at, number = int(random.integers(max(1, whole.changes))), int(pick(random, _ERRORS))

    def fail(count: int, event: str) -> None:
        if event in _REMOVING:
            return  # what was half-written can be taken away, and has to be
        if count == at or (what == 0 and count > at):
            raise OSError(number, os.strerror(number))

    return lambda: at_change(work, None, fail)


def _limit_files(size: int, action: Any) -> None:
    """Let no file grow beyond `size`: the write fails there, and with SIG_DFL ends the process in the middle."""
    signal.signal(signal.SIGXFSZ, action)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


_NEW_MOUNTS, _PRIVATE = 0x00020000, 0x44000


def can_mount() -> bool:
    """Return whether this process may mount a small disk for itself: Linux, as root."""
    return sys.platform == "linux" and os.geteuid() == 0


def mount_small(out: Path, size: int) -> None:
    """Put a disk with `size` free bytes in place of `out`, for this process alone; what is in `out` is there, too."""
    kept = out.with_name("kept")
    shutil.copytree(out, kept)
    taken = sum(-(-len(data) // 4096) * 4096 for data in contents(kept).values())
    libc = ctypes.CDLL(None, use_errno=True)
    names = b"none", str(out).encode(), b"tmpfs", f"size={taken + size}".encode()
    failed = libc.unshare(_NEW_MOUNTS) or libc.mount(b"none", b"/", None, _PRIVATE, None)
    if failed or libc.mount(names[0], names[1], names[2], 0, names[3]):
        raise OSError(ctypes.get_errno(), "no disk can be mounted here")
    shutil.copytree(kept, out, dirs_exist_ok=True)
    shutil.rmtree(kept)


def bring_back(out: Path) -> None:
    """Copy what is on the small disk to where other processes see it."""
    shutil.copytree(out, out.with_name("brought"))
