"""Atomic output: a file is complete or absent; devices, pipes and open streams are written in place.

A file is written beside its target, flushed, closed, and then renamed. No other module opens a file for writing, except
in folders that are renamed as a whole (`tests/test_architecture.py` has the list).
"""

import contextlib
import errno
import io
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

from .errors import StorageError
from .streams import open_stream
from .targets import check_folder, check_output, explain, refuse_existing, refuse_unwritable, target_of
from .temporaries import discard, open_new, open_temporary
from .text import printable

__all__ = [
    "Output",
    "check_folder",
    "check_output",
    "explain",
    "explained",
    "open_own",
    "refuse_existing",
    "refuse_unwritable",
    "remove",
    "replacing",
    "write_bytes",
    "write_new",
    "write_text",
]

_MOUNTED = (errno.EBUSY, errno.EXDEV)  # a single file mounted into a container cannot be renamed over


@final
class Output:
    """One output in progress: write to `stream`, then call `finish`, `save_partial` or `abandon`.

    Args:
        path: of the output. Links are followed; a device, a pipe or an open stream is written in place. An existing
            file stays intact until `finish`.

    Raises:
        StorageError: the path is not writable.
    """

    stream: BinaryIO

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target, self._temporary = target_of(path), None
        with explained(path, streams=self._target.is_stream):
            if self._target.is_stream:
                self.stream = open_stream(self._target)
                return
            self._target.resolved.parent.mkdir(parents=True, exist_ok=True)
            self._target.try_opening()
            self._temporary, self.stream = open_temporary(self._target.resolved)
            _copy_permissions(self.stream.fileno(), self._target.status)

    @property
    def is_file(self) -> bool:
        """Whether the output is a file, not a stream."""
        return self._temporary is not None

    def finish(self) -> None:
        """Flush the file to disk and rename it to its path.

        Raises:
            StorageError: that fails. The previous file is intact; if it could only be overwritten in place, the
                complete new file is beside it, and the message names it.
        """
        with explained(self.path, streams=not self.is_file):
            self.close()
            if self._temporary is not None:
                self._put(self._temporary, self._target.resolved)
                discard(self._temporary)

    def _put(self, temporary: Path, destination: Path) -> None:
        try:
            temporary.replace(destination)
        except OSError as error:
            if error.errno not in _MOUNTED:
                raise
            with temporary.open("rb") as source, destination.open("r+b") as file:
                self._overwrite(source, file)
        _sync_folder(destination.parent)

    def _overwrite(self, source: BinaryIO, file: BinaryIO) -> None:
        """Overwrite the existing file; if that fails, its content is lost, and the new file is saved beside it.

        Raises:
            StorageError: the file cannot be written.
        """
        try:
            with file:  # closed here, because closing may fail, too
                shutil.copyfileobj(source, file)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except BaseException as error:
            source.close()  # Windows does not rename an open file
            part = self.save_partial()
            if not isinstance(error, OSError) or part is None:
                raise
            raise StorageError(
                f"{explain(error, self.path)} The file there is incomplete now; the complete new one is "
                f"{printable(os.fsdecode(part))}."
            ) from error

    def close(self) -> None:
        """Flush all bytes to the disk, and verify the size.

        Raises:
            OSError: that fails.
        """
        if self.stream.closed:
            return
        self.stream.flush()
        if self._temporary is None:
            self.stream.close()
            return
        size = self.stream.seek(0, os.SEEK_END)
        os.fsync(self.stream.fileno())
        self.stream.close()
        if self._temporary.stat().st_size != size:
            raise OSError(errno.EIO, "the file was truncated")

    def save_partial(self) -> Path | None:
        """Save the incomplete output beside its path, as ``<name>.part`` or ``<name>.<number>.part``; return that path.

        No file is replaced. None if that fails, or if the output is a stream; then nothing is saved.
        """
        try:
            with contextlib.suppress(OSError):
                self.close()
                return None if self._temporary is None else _put_aside(self._temporary, self._target.resolved)
            return None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Remove the temporary file, unless the output is finished."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.close()
        if self._temporary is not None:
            discard(self._temporary)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give the stream of an `Output`, finished at the end of the block, and abandoned on an error.

    Raises:
        StorageError: the path is not writable, or the disk is full.
    """
    output = Output(path)
    try:
        with explained(path, streams=not output.is_file):
            yield output.stream
        output.finish()
    finally:
        output.abandon()


@contextlib.contextmanager
def explained(path: Path, *, streams: bool = False) -> Iterator[None]:
    """Turn an OSError while writing `path` into a StorageError; with `streams`, a BrokenPipeError stays one.

    Raises:
        StorageError: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageError) or (streams and isinstance(error, BrokenPipeError)):
            raise
        raise explain(error, path) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with replacing(path) as stream:
        stream.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8, with unchanged line ends."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_new(path: Path, text: str) -> None:
    """Write `text` to `path` unless the path exists, possibly as a broken link.

    Raises:
        OSError: the file cannot be written.
    """
    with contextlib.suppress(FileExistsError), open_new(path) as stream:
        stream.write(text.encode())


@contextlib.contextmanager
def open_own(path: Path) -> Iterator[BinaryIO]:
    """Give the stream of a file that is read and updated in place; it is created if it does not exist.

    Raises:
        StorageError: the path is not a regular file; links are not followed.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            raise StorageError(f"{path} already exists and is a link. Move it elsewhere.")
        descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StorageError(f"{path} already exists and is not a regular file. Move it elsewhere.")
    with io.BufferedRandom(io.FileIO(descriptor, "r+")) as stream:
        yield stream


def remove(path: Path) -> None:
    """Remove an existing output file; links and streams stay.

    Raises:
        StorageError: it cannot be removed.
    """
    target = target_of(path)
    if target.status is not None and not target.is_stream:
        with explained(path):
            target.resolved.unlink(missing_ok=True)


def _copy_permissions(descriptor: int, status: os.stat_result | None) -> None:
    """Give a new file the permissions and, if allowed, the owner of the file that it replaces."""
    if status is None or sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)


def _put_aside(temporary: Path, destination: Path) -> Path:
    """Rename a temporary file to the first free name with ``.part``."""
    number = 1
    while True:
        part = destination.with_name(f"{destination.name}.{number}.part" if number > 1 else f"{destination.name}.part")
        try:
            open_new(part).close()
        except FileExistsError:
            number += 1
            continue
        try:
            temporary.replace(part)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return part


def _sync_folder(folder: Path) -> None:
    """Flush the folder's entry, where the system supports it (not Windows, nor every network file system)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
