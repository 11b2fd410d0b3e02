"""Temporary files beside what they become: made exclusively, known by their names, removed when their maker is dead."""

import contextlib
import hashlib
import os
import re
import secrets
import socket
import sys
import tempfile
import time
from io import BufferedRandom, FileIO
from pathlib import Path
from typing import BinaryIO, cast

from .errors import StorageError

if sys.platform != "win32":
    import fcntl

_EXCLUSIVE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_NAME = re.compile(r"\..*\.convscope-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.part", re.DOTALL)
_FORGOTTEN_S = 24 * 3600.0
_own: set[str] = set()  # names of those that are being written here


def open_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """Return a new file beside `place`, and the stream that writes and reads it; no link is followed.

    Temporary files that processes have left in the folder that are no longer there are removed.

    Raises:
        OSError: it cannot be made.
    """
    remove_stale(target.parent)
    stem = target.name.encode("utf-8", errors="ignore")[:100].decode(errors="ignore")  # file systems count bytes
    path = target.with_name(f".{stem}.convscope-{host_mark()}-{os.getpid()}-{secrets.token_hex(4)}.part")
    _own.add(path.name)
    try:
        return path, _stream(os.open(path, _EXCLUSIVE, 0o666))
    except BaseException:
        _own.discard(path.name)
        raise


def open_new(path: Path) -> BinaryIO:
    """Return the stream of a new file at `path`; no link is followed.

    Raises:
        FileExistsError: something is there, be it a link to nothing.
        OSError: it cannot be made.
    """
    return _stream(os.open(path, _EXCLUSIVE, 0o666))


def forget(path: Path) -> None:
    """Remove a temporary file, if it is still there under this name."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    _own.discard(path.name)


def temporary_folder() -> Path:
    """Return a new folder of the system's for temporary files; whoever asks for it removes it.

    Raises:
        StorageError: there is none in which anything can be written.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="convscope-"))
    except OSError as error:
        raise _no_folder(error) from error


def unnamed_file() -> BinaryIO:
    """Return a file of the system's for temporary data, which ends with its stream.

    Raises:
        StorageError: there is no place for it.
    """
    try:
        return cast("BinaryIO", tempfile.TemporaryFile())
    except OSError as error:
        raise _no_folder(error) from error


def remove_stale(folder: Path) -> None:
    """Remove the temporary files in `folder` whose makers are no longer there; nothing else is touched."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name) if entry.name.endswith(".part") else None
            if match is not None and match[1] == host_mark() and entry.name not in _own:
                _remove_if_stale(Path(entry.path), int(match[2]))


def _stream(descriptor: int) -> BinaryIO:
    """Return the stream of an open file, marked as being written as long as it is open."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # no locks on this file system
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return BufferedRandom(FileIO(descriptor, "r+"))


def _remove_if_stale(path: Path, maker: int) -> None:
    """Remove a temporary file unless it is being written."""
    if sys.platform == "win32":  # which removes no file that is open
        with contextlib.suppress(OSError):
            path.unlink()
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            old_s = time.time() - os.fstat(descriptor).st_mtime
            if not (is_gone(maker) or old_s > _FORGOTTEN_S):
                return
            if _is_locked(descriptor):
                return
            path.unlink()
        finally:
            os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Return whether another process has marked an open file; where there are no locks, nobody has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_gone(process: int) -> bool:
    """Return whether a process of this machine is no longer there; the number of this one was then another's."""
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    return False


def _no_folder(error: OSError) -> StorageError:
    return StorageError(
        f"There must be a folder for temporary files that can be written. Got none ({error.strerror or error}). "
        "Set TMPDIR to one."
    )


def host_mark() -> str:
    """Return digits that stand for this machine."""
    return hashlib.blake2b(socket.gethostname().encode(errors="replace"), digest_size=4).hexdigest()
