"""Files that are whole or not there: written beside their place, flushed to the disk, then renamed."""

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import StorageError


def explain(error: OSError, path: Path) -> StorageError:
    """Return the error of the operating system as one sentence about `path`."""
    reasons = {
        errno.ENOSPC: "the disk is full. Free some space or choose another place",
        errno.EDQUOT: "the disk quota is used up. Free some space or choose another place",
        errno.EACCES: "there is no permission to write there. Choose another place",
        errno.EPERM: "there is no permission to write there. Choose another place",
        errno.EROFS: "the file system is read-only. Choose another place",
        errno.ENOTDIR: "a part of the path is a file, not a folder. Choose another place",
        errno.ENAMETOOLONG: "the name is too long. Choose a shorter one with -o",
    }
    reason = reasons.get(error.errno or 0, error.strerror or str(error))
    return StorageError(f"Cannot write {path}: {reason}.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it is flushed and renamed over `path`, on failure removed.

    What stood at `path` before stays intact until the rename, which is atomic.

    Raises:
        StorageError: the folder cannot be written or the disk is full.
    """
    stem = path.name.encode("utf-8", errors="ignore")[:100].decode(errors="ignore")  # file systems count bytes
    temporary = path.with_name(f".{stem}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise explain(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8, its line ends as they are."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise StorageError if something stands at `path`, unless `force`."""
    if path.exists() and not force:
        raise StorageError(f"{path} is already there and is not overwritten. Give another name, or --force.")


def refuse_unwritable(path: Path) -> None:
    """Raise StorageError if no file could be written at `path` now; nothing is left there.

    Where its folder is not there yet, the nearest one above that is decides.
    """
    folder = next((parent for parent in path.absolute().parents if parent.exists()), Path.cwd())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise explain(error, path) from error


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entry, where the system knows how (not on Windows, nor on every network's disk)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
