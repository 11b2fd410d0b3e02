"""The one writer of outputs: a file is whole or not there, what is no file is written to as it is.

A file is written beside its place, flushed, closed, and then renamed. Nothing else in the package opens a file to write
it, but for what lies in a folder that is renamed as a whole (`tests/test_architecture.py` has the list).
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
from .temporaries import forget, open_new, open_temporary
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

_MOUNTED = (errno.EBUSY, errno.EXDEV)  # one file of a container is mounted there: nothing can be renamed over it


@final
class Output:
    """One output on its way: `stream` takes its bytes, then `finish` it, `keep` what there is of it, or `abandon` it.

    Args:
        path: where it goes. Links are followed; what is no file (a device, a pipe, an open stream) is written to as it
            is. What stands there stays intact until `finish`.

    Raises:
        StorageError: it cannot be written there.
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
            _take_over(self.stream.fileno(), self._target.status)

    @property
    def is_file(self) -> bool:
        """Whether it will stand somewhere, and not only pass through."""
        return self._temporary is not None

    def finish(self) -> None:
        """Put it into its place, all of it being on the disk.

        Raises:
            StorageError: that fails. What stood there before is intact; where it could only be overwritten in place,
                the whole new file is beside it, and the sentence names it.
        """
        with explained(self.path, streams=not self.is_file):
            self.close()
            if self._temporary is not None:
                self._put(self._temporary, self._target.resolved)
                forget(self._temporary)

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
        """Copy over what stands there; where that fails, what stood there is lost, and the new file is kept.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            with file:  # closed in here, for that may fail, too
                shutil.copyfileobj(source, file)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except BaseException as error:
            source.close()  # Windows renames nothing that is open
            part = self.save_partial()
            if not isinstance(error, OSError) or part is None:
                raise
            raise StorageError(
                f"{explain(error, self.path)} The file there is incomplete now; the whole new one is "
                f"{printable(os.fsdecode(part))}."
            ) from error

    def close(self) -> None:
        """Bring all bytes to the disk, and look that they are there.

        Raises:
            OSError: they are not.
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
            raise OSError(errno.EIO, "the file was cut")

    def save_partial(self) -> Path | None:
        """Put what there is beside its place, as ``<name>.part`` or ``<name>.<number>.part``; return where it is.

        Nothing is replaced. None where that fails, or where it went into a stream: then nothing of it is left.
        """
        try:
            with contextlib.suppress(OSError):
                self.close()
                return None if self._temporary is None else _put_aside(self._temporary, self._target.resolved)
            return None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Remove what there is of it, if it is not in its place."""
        with contextlib.suppress(OSError, ValueError):
            self.stream.close()
        if self._temporary is not None:
            forget(self._temporary)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give the stream of an `Output` to `path`; it is finished when the block ends well, and abandoned otherwise.

    Raises:
        StorageError: it cannot be written there, or the disk is full.
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
    """Turn what the system says about writing `path` into one sentence; of `streams`, a reader that left stays one.

    Raises:
        StorageError: the block raised another OSError.
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
    """Write `text` to `path` atomically, as UTF-8, its line ends as they are."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_new(path: Path, text: str) -> None:
    """Write `text` to `path` where nothing stands, be it a link to nothing; else leave that as it is.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.suppress(FileExistsError), open_new(path) as stream:
        stream.write(text.encode())


@contextlib.contextmanager
def open_own(path: Path) -> Iterator[BinaryIO]:
    """Give the stream of a file that is read and written where it is, run after run; it is made if it is not there.

    Raises:
        StorageError: something else stands there, such as a link, which is not followed.
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
    """Remove an earlier output at `path`: behind all links, which stay; what is no file stays too.

    Raises:
        StorageError: it cannot be removed.
    """
    target = target_of(path)
    if target.status is not None and not target.is_stream:
        with explained(path):
            target.resolved.unlink(missing_ok=True)


def _take_over(descriptor: int, status: os.stat_result | None) -> None:
    """Give a new file the permissions and, where that is allowed, the owner of the one that it replaces."""
    if status is None or sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)


def _put_aside(temporary: Path, destination: Path) -> Path:
    """Rename a temporary file to the first name with ``.part`` that is free."""
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
    """Flush the folder's entry, where the system knows how (not on Windows, nor on every network's disk)."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
