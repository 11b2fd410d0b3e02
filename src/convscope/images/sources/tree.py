"""A folder and all folders below it, listed once, with the images and other files in each."""

import dataclasses
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from convscope.core.errors import DataError
from convscope.images.decoding.decoder import EXTENSIONS

from .naming import extension, is_clutter, is_other, natural_key

_REASONS = {
    errno.ENOENT: "it is not there any more",
    errno.EACCES: "there is no permission to read it",
    errno.EPERM: "there is no permission to read it",
    errno.ELOOP: "it is a link that leads back to itself",
    errno.ENAMETOOLONG: "its path is too long",
}


@dataclasses.dataclass(kw_only=True, eq=False)
class Folder:
    """One listed folder.

    relative: its path from the top, "" for the top. images: names of files with an image's extension. others:
    names of other files. folders: the folders in it. All are in natural order. broken: names of entries that cannot be
    read (those of folders end in /), each with the reason.
    """

    relative: str
    images: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)
    folders: list["Folder"] = dataclasses.field(default_factory=list)
    broken: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.relative.rpartition("/")[2]

    def inside(self, name: str) -> str:
        """Return the path of an entry, relative to the top."""
        return f"{self.relative}/{name}" if self.relative else name

    def every(self) -> Iterator["Folder"]:
        """Give this folder and all folders below, parents first."""
        waiting = [self]  # no recursion: folders may be nested deeper than Python's stack
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += reversed(folder.folders)

    def every_image(self) -> Iterator[str]:
        """Give the path of every image in and below this folder, relative to the top."""
        return (folder.inside(image) for folder in self.every() for image in folder.images)

    def every_broken(self) -> Iterator[tuple[str, str]]:
        """Give the path of every unreadable entry in and below this folder, with the reason."""
        return ((folder.inside(name), reason) for folder in self.every() for name, reason in folder.broken)

    def count(self) -> int:
        """Return the number of images in and below this folder."""
        return sum(len(folder.images) for folder in self.every())


def list_tree(root: Path) -> tuple[Folder, list[str]]:
    """Return the top folder with everything below it, and the links to folders that were not followed.

    Hidden files and operating-system clutter are ignored. A link to a file counts as the file; a link to a folder
    is followed unless that folder is listed already, so that cycles end. An unreadable folder or link is `broken` in
    its parent, and listing continues.

    Raises:
        DataError: the top folder is unreadable.
    """
    top = Folder(relative="")
    seen: set[tuple[int, int]] = set()
    links: list[tuple[Folder, str]] = []
    waiting = [(top, top)]
    skipped = []
    while waiting:
        while waiting:  # real folders first: a folder reached both ways keeps its real name
            parent, folder = waiting.pop()
            try:
                state = os.stat(_join(root, folder.relative))
                seen.add((state.st_dev, state.st_ino))
                waiting += [(folder, child) for child in _list_folder(root, folder, links)]
            except OSError as error:
                if folder is top:
                    raise DataError(
                        f"`{root}` must be a folder that can be read. Got: {error.strerror}. Check it."
                    ) from None
                parent.folders.remove(folder)
                parent.broken.append((f"{folder.name}/", _reason(error)))
        links.sort(key=lambda link: natural_key(link[0].inside(link[1])), reverse=True)
        while links and not waiting:
            parent, name = links.pop()
            try:
                state = os.stat(_join(root, parent.inside(name)))
            except OSError as error:
                parent.broken.append((name, _reason(error, of_link=True)))
                continue
            if (state.st_dev, state.st_ino) in seen:
                skipped.append(parent.inside(name))
                continue
            child = Folder(relative=parent.inside(name))
            waiting.append((parent, child))
            parent.folders.append(child)
            parent.folders.sort(key=lambda child: natural_key(child.name))
    return top, skipped


def _list_folder(root: Path, folder: Folder, links: list[tuple[Folder, str]]) -> list[Folder]:
    """Fill `folder`, add its links to folders to `links`, and return the real folders in it."""
    with os.scandir(_join(root, folder.relative)) as entries:
        for entry in entries:
            if is_clutter(entry.name):
                continue
            try:
                _take(entry, folder, links)
            except OSError as error:  # of one entry: a circular or forbidden link
                folder.broken.append((entry.name, _reason(error, of_link=True)))
    folder.images.sort(key=natural_key)
    folder.others.sort(key=natural_key)
    folder.folders.sort(key=lambda child: natural_key(child.name))
    folder.broken.sort(key=lambda entry: natural_key(entry[0]))
    return list(folder.folders)


def _take(entry: "os.DirEntry[str]", folder: Folder, links: list[tuple[Folder, str]]) -> None:
    """Add an entry to its folder.

    Raises:
        OSError: it is a broken link that may have been a folder, or its type is unknown.
    """
    name = entry.name
    is_image = extension(name) in EXTENSIONS
    if is_image and entry.is_file(follow_symlinks=False):  # nearly all entries: fast path
        folder.images.append(name)
    elif entry.is_dir(follow_symlinks=False):
        folder.folders.append(Folder(relative=folder.inside(name)))
    elif is_image:
        mode = _mode(entry)
        if mode is not None and stat.S_ISDIR(mode):
            links.append((folder, name))
        elif mode is None or stat.S_ISREG(mode):  # None: the image is named as unreadable later
            folder.images.append(name)
        else:
            folder.others.append(name)
    elif entry.is_symlink() and stat.S_ISDIR((_mode(entry) or 0) if is_other(name) else entry.stat().st_mode):
        links.append((folder, name))
    else:
        folder.others.append(name)


def _mode(entry: "os.DirEntry[str]") -> int | None:
    """Return the mode of the target of an entry, None if it does not exist or is inaccessible."""
    try:
        return entry.stat().st_mode
    except OSError:
        return None


def _reason(error: OSError, *, of_link: bool = False) -> str:
    if of_link and error.errno == errno.ENOENT:
        return "it is a link that leads nowhere"
    return _REASONS.get(error.errno or 0, f"it cannot be read: {error.strerror or type(error).__name__}")


def _join(root: Path, relative: str) -> str:
    return os.path.join(root, relative)
