"""A folder and all folders in it, listed once: which pictures and which other files each holds."""

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from convscope.core.errors import DataError
from convscope.images.decoding.pictures import EXTENSIONS

from .naming import extension, is_clutter, natural_key


@dataclasses.dataclass(kw_only=True, eq=False)
class Folder:
    """One listed folder.

    relative: its path from the top, "" for the top. pictures: names of files with a picture's extension. others:
    names of other files. folders: the folders in it. All are in natural order.
    """

    relative: str
    pictures: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)
    folders: list["Folder"] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.relative.rpartition("/")[2]

    def inside(self, name: str) -> str:
        """Return the path of an entry, from the top."""
        return f"{self.relative}/{name}" if self.relative else name

    def every(self) -> Iterator["Folder"]:
        """Give it and all folders below, each before those in it."""
        yield self
        for folder in self.folders:
            yield from folder.every()

    def every_picture(self) -> Iterator[str]:
        """Give the path of every picture in it and below, from the top."""
        return (folder.inside(picture) for folder in self.every() for picture in folder.pictures)

    def count(self) -> int:
        """Return how many pictures are in it and below."""
        return len(self.pictures) + sum(folder.count() for folder in self.folders)


def list_tree(root: Path) -> tuple[Folder, list[str]]:
    """Return the top folder with everything below it, and the links to folders that were not followed.

    Hidden files and what operating systems leave behind are passed over. A link to a file counts as the file; a link
    to a folder is followed unless that folder was listed already, so that cycles end.

    Raises:
        DataError: a folder cannot be read.
    """
    top = Folder(relative="")
    seen: set[tuple[int, int]] = set()
    links: list[tuple[Folder, str]] = []
    waiting = [top]
    skipped = []
    while waiting:
        while waiting:  # real folders first: what is reached both ways keeps its real name
            folder = waiting.pop()
            state = os.stat(_join(root, folder.relative))
            seen.add((state.st_dev, state.st_ino))
            waiting += _list_folder(root, folder, links)
        links.sort(key=lambda link: natural_key(link[0].inside(link[1])), reverse=True)
        while links and not waiting:
            parent, name = links.pop()
            state = os.stat(_join(root, parent.inside(name)))
            if (state.st_dev, state.st_ino) in seen:
                skipped.append(parent.inside(name))
                continue
            waiting.append(Folder(relative=parent.inside(name)))
            parent.folders.append(waiting[0])
            parent.folders.sort(key=lambda child: natural_key(child.name))
    return top, skipped


def _list_folder(root: Path, folder: Folder, links: list[tuple[Folder, str]]) -> list[Folder]:
    """Fill `folder`, add its links to folders to `links`, and return the real folders in it."""
    path = _join(root, folder.relative)
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if is_clutter(name):
                    continue
                if extension(name) in EXTENSIONS and entry.is_file(follow_symlinks=False):  # nearly all; go on fast
                    folder.pictures.append(name)
                elif entry.is_dir(follow_symlinks=False):
                    folder.folders.append(Folder(relative=folder.inside(name)))
                elif entry.is_symlink() and entry.is_dir():
                    links.append((folder, name))
                elif extension(name) in EXTENSIONS and _is_link_to_file(entry):
                    folder.pictures.append(name)
                else:
                    folder.others.append(name)
    except OSError as error:
        raise DataError(f"`{path}` must be a folder that can be read. Got: {error.strerror}. Check it.") from None
    folder.pictures.sort(key=natural_key)
    folder.others.sort(key=natural_key)
    folder.folders.sort(key=lambda child: natural_key(child.name))
    return list(folder.folders)


def _is_link_to_file(entry: "os.DirEntry[str]") -> bool:
    """Return whether the entry is a link that is broken (named as unreadable later) or leads to a regular file."""
    try:
        return entry.is_symlink() and stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return True


def _join(root: Path, relative: str) -> str:
    return os.path.join(root, relative)
