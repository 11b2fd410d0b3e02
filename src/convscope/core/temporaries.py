"""Temporary files beside their targets: created exclusively, recognized by name, removed when their process is gone."""

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
_STALE_S = 24 * 3600.0
_own: set[str] = set()  # names of those that this process writes


def open_temporary(target: Path) -> tuple[Path, BinaryIO]:
    """Return a new file beside `target`, and its stream for reading and writing; links are not followed.

    Stale temporary files in the folder are removed.

    Raises:
        OSError: it cannot be created.
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
    """Return the stream of a new file at `path`; links are not followed.

    Raises:
        FileExistsError: the path exists, possibly as a broken link.
        OSError: the file cannot be created.
    """
    return _stream(os.open(path, _EXCLUSIVE, 0o666))


def is_temporary(name: str) -> bool:
    """Return whether a file has the name of a temporary one."""
    return _NAME.fullmatch(name) is not None


def discard(path: Path) -> None:
    """Remove a temporary file, if it still exists under this name."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    _own.discard(path.name)


def temporary_folder() -> Path:
    """Return a new folder in the system's folder for temporary files; the caller removes it.

    Raises:
        StorageError: there is no writable folder.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="convscope-"))
    except OSError as error:
        raise _no_folder(error) from error


def unnamed_file() -> BinaryIO:
    """Return an anonymous temporary file, which is removed when it is closed.

    Raises:
        StorageError: there is no writable folder.
    """
    try:
        return cast("BinaryIO", tempfile.TemporaryFile())
    except OSError as error:
        raise _no_folder(error) from error


def remove_stale(folder: Path) -> None:
    """Remove the temporary files in `folder` whose processes are gone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name) if entry.name.endswith(".part") else None
            if match is not None and match[1] == host_mark() and entry.name not in _own:
                _remove_if_stale(Path(entry.path), int(match[2]))


def _stream(descriptor: int) -> BinaryIO:
    """Return the stream of an open file, locked while it is open."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # no locks on this file system
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return BufferedRandom(FileIO(descriptor, "r+"))


def _remove_if_stale(path: Path, maker: int) -> None:
    """Remove a temporary file of process `maker` unless it is being written."""
    if sys.platform == "win32":  # Windows does not remove an open file
        with contextlib.suppress(OSError):
            path.unlink()
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            old_s = time.time() - os.fstat(descriptor).st_mtime
            if not (is_gone(maker) or old_s > _STALE_S):
                return
            if _is_locked(descriptor):
                return
            path.unlink()
        finally:
            os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Return whether another process has locked an open file; False where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_gone(process: int) -> bool:
    """Return whether a process of this machine is gone; the current process id was then reused."""
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
        f"There must be a writable folder for temporary files. Got none ({error.strerror or error}). Set TMPDIR to one."
    )


def host_mark() -> str:
    """Return digits that identify this machine."""
    return hashlib.blake2b(socket.gethostname().encode(errors="replace"), digest_size=4).hexdigest()
