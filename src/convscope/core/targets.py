"""The resolved target of an output: links followed, devices and pipes recognized, unwritable paths refused."""

import errno
import os
import re
import stat
import sys
import tempfile
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from .errors import ParameterError, StorageError
from .temporaries import remove_stale
from .text import printable

_MOST_LINKS = 40  # as Linux
_STANDARD = ("stdin", "stdout", "stderr")
_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space or choose another path",
    errno.EDQUOT: "the disk quota is used up. Free some space or choose another path",
    errno.EFBIG: "the file is larger than is allowed there. Choose another path",
    errno.EACCES: "there is no permission to write there. Choose another path",
    errno.EPERM: "there is no permission to write there. Choose another path",
    errno.EROFS: "the file system is read-only. Choose another path",
    errno.ENOENT: "its folder does not exist and cannot be created. Choose another path",
    errno.ENOTDIR: "a component of the path is a file, not a folder. Choose another path",
    errno.EEXIST: "it already exists and is not a folder. Choose another path",
    errno.EISDIR: "it is a folder. Give the name of a file",
    errno.ELOOP: "it is a link that leads back to itself. Remove the link, or choose another path",
    errno.ENAMETOOLONG: "the name is too long. Choose a shorter one with -o",
    errno.EBADF: "it is not open for writing. Choose another path",
}


def explain(error: OSError, path: Path) -> StorageError:
    """Return an error of the operating system as a StorageError about `path`."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    if error.errno == errno.ENOENT and _has_folder(path):  # a system's own folder, such as /proc
        reason = f"nothing can be created in {printable(str(path.parent))}. Choose another path"
    name = printable(str(path))
    return StorageError(f"Cannot write {name if len(name) < 300 else f'{name[:200]}…'}: {reason}.")


def _has_folder(path: Path) -> bool:
    """Return whether the folder of `path` exists; not in a current folder that was removed."""
    try:
        return path.absolute().parent.is_dir()
    except OSError:
        return False


@final
@dataclass(frozen=True, kw_only=True)
class Target:
    """The resolved target of an output.

    Attributes:
        path: as given.
        resolved: path with all links followed.
        descriptor: of the open stream that the path names, such as ``/dev/stdout``; None for any other path.
        status: of the existing file or folder; None if there is none.
    """

    path: Path
    resolved: Path
    descriptor: int | None
    status: os.stat_result | None

    @property
    def is_stream(self) -> bool:
        """Whether it is written to in place: a device, pipe or socket, or an open stream."""
        mode = 0 if self.status is None else self.status.st_mode
        return self.descriptor is not None or not (mode == 0 or stat.S_ISREG(mode) or stat.S_ISDIR(mode))

    @property
    def is_folder(self) -> bool:
        """Whether it is an existing folder."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def holds_data(self) -> bool:
        """Whether writing would destroy data: of a file, or of a whole disk."""
        mode = 0 if self.status is None or self.descriptor is not None else self.status.st_mode
        return stat.S_ISREG(mode) or stat.S_ISBLK(mode)

    def try_opening(self) -> None:
        """Raise OSError if it is an existing file without write permission; the file stays unchanged."""
        if self.status is not None:
            os.close(os.open(self.resolved, os.O_WRONLY))

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two paths of the same file."""
        if self.status is None:
            return ("new", os.path.realpath(self.resolved))
        return (
            (self.status.st_dev, self.status.st_ino)
            if self.status.st_ino
            else ("there", os.path.realpath(self.resolved))
        )


def target_of(path: Path) -> Target:
    """Return the target of an output with this path.

    Raises:
        StorageError: a link is broken or circular, or the path is invalid.
    """
    if "\0" in str(path):
        raise StorageError(f"Cannot write {printable(str(path))}: a name cannot contain a zero byte. Give another.")
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
    """Raise StorageError if `path` is an existing file (unless `force`) or a folder."""
    target = target_of(path)
    if target.is_folder:
        raise StorageError(f"{printable(str(path))} is a folder. Give the name of a file.")
    if target.holds_data and not force:
        raise StorageError(
            f"{printable(str(path))} is already there and is not overwritten. Give another name, or --force."
        )


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[Path], *, endings: Container[str] = ()) -> None:
    """Raise an error for outputs that would destroy an input, by any name: links are followed; `force` is no help.

    Args:
        outputs: files, and folders that are replaced as a whole.
        inputs: files and folders that are read; what is not there is left out.
        endings: of files that are inputs, too, if they are in a folder of `inputs`.

    Raises:
        ParameterError: an output is an input, is in one, or has one in it.
    """
    there = [target for path in outputs if (target := target_of(path)).is_folder or target.holds_data]
    if not there:
        return
    for path in inputs:
        try:
            status, real = path.stat(), os.path.realpath(path)
        except OSError:
            continue
        for target in there:
            own = os.path.realpath(target.resolved)
            is_same = target.status is not None and os.path.samestat(status, target.status)
            holds = target.is_folder and Path(real).is_relative_to(own)
            is_held = Path(own).is_relative_to(real) and Path(own).suffix.lower() in endings
            if is_same or holds or is_held:
                raise ParameterError(
                    f"An output must be another file than the inputs. Got {printable(str(target.path))}, which is "
                    "read. Give another name."
                )


def refuse_unwritable(path: Path) -> None:
    """Raise StorageError if no file can be written at `path` now; nothing is left there.

    If its folder does not exist yet, the nearest existing parent is tested.
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
    """Validate an output path before a long computation.

    Raises:
        StorageError: a file exists and `force` is not given, a folder exists, or the path is not writable.
    """
    refuse_existing(path, force=force)
    refuse_unwritable(path)


def check_folder(path: Path) -> None:
    """Validate an output folder before a long computation.

    Raises:
        StorageError: the path is not a folder, or is not writable.
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
    """Write a temporary file into the folder, or its nearest existing parent."""
    above = folder
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if above == folder:
        remove_stale(folder)
    with tempfile.TemporaryFile(dir=above, buffering=0) as file:
        file.write(b"\0")  # on a full disk, files can be created, but not written


def _descriptor(resolved: Path) -> int | None:
    """Return the descriptor that a path names, as those in ``/dev/fd`` do; None for any other path."""
    if os.name != "posix" or not resolved.name.isdecimal():
        return None
    folder = os.path.realpath(resolved.parent)
    own = rf"/proc/(self|thread-self|{os.getpid()})(/task/\d+)?/fd|/dev/fd"
    return int(resolved.name) if re.fullmatch(own, folder) else None


def _status_of(path: Path, descriptor: int) -> os.stat_result:
    """Return the status of an open stream.

    Raises:
        StorageError: the stream is closed.
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
        import fcntl  # POSIX only, like such paths

        if fcntl.fcntl(target.descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    elif not os.access(target.resolved, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
