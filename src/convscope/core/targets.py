"""Where an output really goes: links are followed, devices and pipes are known, what cannot be written is refused."""

import errno
import os
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import final

from .errors import StorageError
from .temporaries import remove_stale
from .text import printable

_MOST_LINKS = 40  # as Linux
_STANDARD = ("stdin", "stdout", "stderr")
_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up. Free some space or choose another place",
    errno.EFBIG: "the file is larger than is allowed there. Choose another place",
    errno.EACCES: "there is no permission to write there. Choose another place",
    errno.EPERM: "there is no permission to write there. Choose another place",
    errno.EROFS: "the file system is read-only. Choose another place",
    errno.ENOENT: "its folder is not there. Choose another place",
    errno.ENOTDIR: "a part of the path is a file, not a folder. Choose another place",
    errno.EEXIST: "it already exists and is not a folder. Choose another place",
    errno.EISDIR: "it is a folder. Give the name of a file",
    errno.ELOOP: "it is a link that leads back to itself. Remove the link, or choose another place",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one with -o",
    errno.EBADF: "it is not open for writing. Choose another place",
}


def explain(error: OSError, path: Path) -> StorageError:
    """Return the error of the operating system as one sentence about `path`."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    name = printable(str(path))
    return StorageError(f"Cannot write {name if len(name) < 300 else f'{name[:200]}…'}: {reason}.")


@final
@dataclass(frozen=True, kw_only=True)
class Target:
    """What stands where an output goes.

    Attributes:
        path: as it was named.
        place: behind all links.
        descriptor: number of the open stream that is meant, as by ``/dev/stdout``; None for anything that has a place.
        status: of what stands there; None where nothing does.
    """

    path: Path
    resolved: Path
    descriptor: int | None
    status: os.stat_result | None

    @property
    def is_stream(self) -> bool:
        """Whether it is written to as it is: a device, pipe or socket, or a stream that is open."""
        mode = 0 if self.status is None else self.status.st_mode
        return self.descriptor is not None or not (mode == 0 or stat.S_ISREG(mode) or stat.S_ISDIR(mode))

    @property
    def is_folder(self) -> bool:
        """Whether a folder stands there."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def holds_data(self) -> bool:
        """Whether something is there that writing would destroy: a file, or a whole disk."""
        mode = 0 if self.status is None or self.descriptor is not None else self.status.st_mode
        return stat.S_ISREG(mode) or stat.S_ISBLK(mode)

    def try_opening(self) -> None:
        """Raise OSError where a file stands that may not be written; it stays as it is."""
        if self.status is not None:
            os.close(os.open(self.resolved, os.O_WRONLY))

    @property
    def identity(self) -> tuple[object, ...]:
        """What two names of the same place have in common."""
        if self.status is None:
            return ("new", os.path.realpath(self.resolved))
        return (
            (self.status.st_dev, self.status.st_ino)
            if self.status.st_ino
            else ("there", os.path.realpath(self.resolved))
        )


def target_of(path: Path) -> Target:
    """Return where an output named `path` goes.

    Raises:
        StorageError: a link leads nowhere or in a circle, or the path cannot be.
    """
    if "\0" in str(path):
        raise StorageError(f"Cannot write {printable(str(path))}: no name has a zero byte in it. Give another.")
    resolved = path
    try:
        for _ in range(_MOST_LINKS):
            descriptor = _descriptor(resolved)
            if descriptor is not None:
                return Target(path=path, resolved=resolved, descriptor=descriptor, status=_status_of(path, descriptor))
            if not resolved.is_symlink():
                break
            resolved = resolved.parent / resolved.readlink()
        status = resolved.stat()
    except FileNotFoundError:
        status = None
    except OSError as error:
        raise explain(error, path) from error
    if status is None and resolved != path and not resolved.parent.is_dir():
        raise StorageError(
            f"Cannot write {printable(str(path))}: it is a link to {printable(str(resolved))}, whose folder is "
            "not there. Make that folder, or remove the link."
        )
    return Target(path=path, resolved=resolved, descriptor=None, status=status)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise StorageError if writing to `path` would replace a file, unless `force`, or if a folder stands there."""
    target = target_of(path)
    if target.is_folder:
        raise StorageError(f"{printable(str(path))} is a folder. Give the name of a file.")
    if target.holds_data and not force:
        raise StorageError(
            f"{printable(str(path))} is already there and is not overwritten. Give another name, or --force."
        )


def refuse_unwritable(path: Path) -> None:
    """Raise StorageError if no file could be written at `path` now; nothing is left there.

    Where its folder is not there yet, the nearest one above that is decides.
    """
    target = target_of(path)
    try:
        if target.is_folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.is_stream:
            _refuse_closed(target)
            return
        target.try_opening()
        _try_folder(target.resolved.parent)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise explain(error, path) from error


def check_output(path: Path, *, force: bool) -> None:
    """Refuse, before anything takes time, an output that would replace a file, or could not be written in the end.

    Raises:
        StorageError: a file stands there and `force` is not given, a folder does, or nothing can be written there.
    """
    refuse_existing(path, force=force)
    refuse_unwritable(path)


def check_folder(path: Path) -> None:
    """Refuse, before anything takes time, a folder for outputs that could not be made or written into.

    Raises:
        StorageError: something else stands there, or nothing can be written there.
    """
    target = target_of(path)
    try:
        if target.status is not None and not target.is_folder:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if target.status is None and path.is_symlink():
            raise StorageError(
                f"Cannot write {printable(str(path))}: it is a link to the folder {printable(str(target.resolved))}, "
                "which is not there. Make that folder, or remove the link."
            )
        _try_folder(target.resolved)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise explain(error, path) from error


def _try_folder(folder: Path) -> None:
    """Write something into the folder, or the nearest one above it that is there, and leave nothing."""
    above = folder
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if above == folder:
        remove_stale(folder)
    with tempfile.TemporaryFile(dir=above, buffering=0) as file:
        file.write(b"\0")  # a full disk lets files be made, and nothing be written


def _descriptor(resolved: Path) -> int | None:
    """Return the number of the open stream that a name stands for, as those in ``/dev/fd`` do."""
    if os.name != "posix" or not resolved.name.isdecimal():
        return None
    folder = os.path.realpath(resolved.parent)
    own = rf"/proc/(self|thread-self|{os.getpid()})(/task/\d+)?/fd|/dev/fd"
    return int(resolved.name) if re.fullmatch(own, folder) else None


def _status_of(path: Path, descriptor: int) -> os.stat_result:
    """Return what an open stream is.

    Raises:
        StorageError: it is not open.
    """
    closed = descriptor < len(_STANDARD) and getattr(sys, f"__{_STANDARD[descriptor]}__") is None
    try:
        if not closed:
            return os.fstat(descriptor)
    except OSError:
        closed = True
    raise StorageError(f"Cannot write {printable(str(path))}: that stream is closed. Give the name of a file.")


def _refuse_closed(target: Target) -> None:
    if target.descriptor is not None:
        import fcntl  # there are no such names elsewhere

        if fcntl.fcntl(target.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    elif not os.access(target.resolved, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
