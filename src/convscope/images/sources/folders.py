"""A folder of pictures with one sub-folder a class, split or not into train, val and test, as a source."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted, printable

from .files import FileSource, unlabelled_files
from .labels import encode_labels
from .source import SPLIT_NAMES, SPLIT_WORDS, TRAIN, UNASSIGNED, settle_splits
from .tree import Folder, list_tree

_EXPECTED = "one sub-folder a class (or train/ and val/ or test/ with one sub-folder a class each)"


def open_folder(
    root: Path, *, empty_classes: bool = False, unlabelled: bool = False, known: Collection[str] | None = None
) -> FileSource:
    """Return the pictures below `root` as a source.

    Each innermost folder is a class, named by its path ("cat", "animals/cat"); if the top folders are train and val
    (valid, validation) or test, in any case, the classes are below those. Pictures directly in the top folder beside
    class folders, files without a picture's extension, and folders beside train/, val/ and test/ are `ignored`. An
    empty class folder is refused, or, with `empty_classes` and two classes that have pictures, named in `empty`. With
    `unlabelled`, a folder in which fewer than two folders hold pictures, or none that has the name of a `known` class,
    is taken as pictures of no class.

    Raises:
        DataError: no pictures, no sub-folders, one class only, an empty class folder, pictures beside sub-folders, or
            classes that differ between train and the rest.
    """
    top, skipped = list_tree(root)
    name = f"{root}/"
    if unlabelled and top.count() == 0:
        raise DataError(f"`{name}` must have pictures. Got {_found(top)}. Check the path.")
    if unlabelled and not _sorted_by_class(top, known):
        ignored = (*_others(top), *_linked(skipped))
        return unlabelled_files(root, tuple(top.every_picture()), name=name, ignored=ignored)
    if not top.folders:
        raise DataError(
            f"`{name}` must have {_EXPECTED}. Got {_found(top)}. Put the pictures into sub-folders by class."
        )
    if top.count() == 0:
        raise DataError(f"`{name}` must have pictures in {_EXPECTED}. Got {_found(top)}. Check the path.")
    parts, outside = _parts(top, name)
    files: list[str] = []
    labels: list[str] = []
    splits: list[int] = []
    empty: dict[str, Folder] = {}
    for split, part in parts:
        for label, folder in _classes(part, split, name):
            if not folder.pictures:
                empty[label] = folder
            start = f"{folder.relative}/"  # a class is never the top folder
            files += [start + picture for picture in folder.pictures]
            labels += [label] * len(folder.pictures)
            splits += [split] * len(folder.pictures)
    if empty and not (empty_classes and len(set(labels)) > 1):
        raise _without_pictures(next(iter(empty.values())), name)
    _refuse_strangers(labels, splits, name, empty)
    classes, places = encode_labels(labels, name)
    return FileSource(
        name=name,
        root=root,
        files=tuple(files),
        classes=classes,
        labels=places,
        splits=settle_splits(np.array(splits, np.uint8), name),
        ignored=(*_others(top), *outside, *_linked(skipped)),
        empty=tuple(f"{folder.relative}/" for folder in empty.values()),
        loose=tuple(top.pictures),
    )


def _sorted_by_class(top: Folder, known: Collection[str] | None) -> bool:
    """Return whether folders below `top` divide its pictures into classes: some that are `known`, where they are."""
    folders = [folder for folder in top.every() if folder is not top and folder.pictures]
    if len(folders) < 2 or known is None:
        return len(folders) >= 2
    ends = tuple(f"/{_comparable(name)}" for name in known)
    return any(f"/{_comparable(folder.relative)}".endswith(ends) for folder in folders)


def _comparable(name: str) -> str:
    """Return a name as those of a model are written, in any case: a slip of the keyboard is no other class."""
    return printable(unicodedata.normalize("NFC", name)).casefold()


def _linked(links: Iterable[str]) -> Iterator[str]:
    return (f"{link} (a link to a folder listed already)" for link in links)


def _parts(top: Folder, name: str) -> tuple[list[tuple[int, Folder]], list[str]]:
    """Return the folders that hold class folders, each with its split, and the names left out."""
    found: dict[int, Folder] = {}
    for folder in top.folders:
        split = SPLIT_WORDS.get(folder.name.lower(), UNASSIGNED)
        if split == UNASSIGNED:
            continue
        if split in found:
            raise DataError(
                f"`{name}` must have one {SPLIT_NAMES[split]} folder. "
                f"Got {found[split].name}/ and {folder.name}/. Merge them or take one away."
            )
        found[split] = folder
    if len(top.folders) == 1:
        only = top.folders[0]
        if TRAIN in found and only.folders:
            return [(TRAIN, only)], list(top.pictures)
        inner = {SPLIT_WORDS.get(folder.name.lower(), UNASSIGNED) for folder in only.folders}
        if TRAIN in inner and len(inner) > 1:  # an archive unpacked into a folder of its own
            parts, outside = _parts(only, name)
            return parts, list(top.pictures) + outside
    if TRAIN not in found or len(found) == 1:  # "train" may also be a class, beside "bus"
        _refuse_parts_beside_classes(top, found, name)
        if len(found) == len(top.folders) and (len(found) > 1 or top.folders[0].folders):
            names = " and ".join(f"{folder.name}/" for folder in top.folders)
            raise DataError(f"`{name}` must have a train/ folder beside {names}. Got none. Add it.")
        return [(UNASSIGNED, top)], [top.inside(picture) for picture in top.pictures]
    outside = [f"{folder.relative}/" for folder in top.folders if folder not in found.values()]
    return sorted(found.items()), [*(top.inside(picture) for picture in top.pictures), *outside]


def _refuse_parts_beside_classes(top: Folder, found: dict[int, Folder], name: str) -> None:
    """Raise DataError if a folder has the name of a part and class folders inside, and others stand beside it."""
    others = [folder.name for folder in top.folders if folder not in found.values()]
    parts = [part.name for part in found.values() if any(folder.count() for folder in part.folders)]
    if others and parts:
        raise DataError(
            f"`{name}` must have either classes or train/ beside val/ or test/. Got {parts[0]}/ with class folders "
            f"inside, beside {others[0]}/. Move it elsewhere, or rename {parts[0]}/ if it is a group of classes."
        )


def _classes(part: Folder, split: int, name: str) -> Iterator[tuple[str, Folder]]:
    """Give every class folder in `part` with the name of its class; empty ones too, but for validation and test."""
    if not part.folders:
        raise DataError(
            f"`{name}{part.relative}/` must have one sub-folder a class. "
            f"Got {_found(part)}. Sort them into sub-folders by class, or move the folder elsewhere."
        )
    if part.relative and part.pictures:
        raise _mixed(part, name)
    start = len(part.relative) + 1 if part.relative else 0
    for folder in _innermost(part, name):
        if folder.pictures or split in (UNASSIGNED, TRAIN):
            yield unicodedata.normalize("NFC", folder.relative[start:]), folder


def _without_pictures(folder: Folder, name: str) -> DataError:
    return DataError(
        f"`{name}{folder.relative}/` must hold pictures of its class. "
        f"Got an empty class folder ({_found(folder)}). Add pictures or take the folder away."
    )


def _innermost(part: Folder, name: str) -> Iterator[Folder]:
    """Give the folders below `part` that are classes or should be: those with pictures, and empty ends."""
    for folder in part.folders:
        below = sum(child.count() for child in folder.folders)
        if folder.pictures and below:
            raise _mixed(folder, name)
        if folder.pictures or not folder.folders or not below:
            yield folder
        else:
            yield from _innermost(folder, name)


def _mixed(folder: Folder, name: str) -> DataError:
    child = next(child for child in folder.folders if child.count() or not folder.relative)
    return DataError(
        f"`{name}{folder.relative}/` must hold either pictures or class folders. "
        f"Got both: {counted(len(folder.pictures), 'picture')} and the sub-folder {child.name}/. "
        "Move the pictures into a sub-folder of their own."
    )


def _refuse_strangers(labels: list[str], splits: list[int], name: str, empty: Collection[str]) -> None:
    """Raise DataError if a class is in val or test and not in train, where `empty` ones have a folder."""
    known = {label for label, split in zip(labels, splits, strict=True) if split in (UNASSIGNED, TRAIN)} | set(empty)
    for label, split in zip(labels, splits, strict=True):
        if label not in known:
            raise DataError(
                f"`{name}` must have the same classes in train as elsewhere. "
                f"Got the class {label!r} only in {SPLIT_NAMES[split]}. Add it to train or take it away."
            )


def _others(folder: Folder) -> Iterator[str]:
    return (one.inside(name) for one in folder.every() for name in one.others)


def _found(folder: Folder) -> str:
    """Return what stands in `folder`, in a few words."""
    found = []
    if folder.pictures:
        found.append(f"{counted(len(folder.pictures), 'picture')} directly inside")
    if folder.folders:
        found.append(f"{counted(len(folder.folders), 'sub-folder')} without any picture")
    others = sum(1 for _ in _others(folder))
    if others:
        found.append(f"{counted(others, 'file')} without a picture's extension")
    return " and ".join(found) or "nothing"
