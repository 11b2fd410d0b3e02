"""A folder of images with one sub-folder per class, perhaps split into train, val and test, as a source."""

import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import are, counted, printable

from .arrangement import Arrangement, ClassFolder, arrange, found_in
from .files import FileSource, unlabeled_files
from .foreign import foreign_files
from .labels import encode_labels
from .naming import escaped, look_alikes
from .source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION, normalize_splits
from .split_names import plain_split
from .tree import Folder, list_tree

_EXPECTED = "one sub-folder per class (or train/ and val/ or test/ with one sub-folder per class)"
_NAMED = 3  # classes in a note
_NAMED_FOLDERS = 4  # folders of each


def open_folder(
    root: Path,
    *,
    empty_classes: bool = False,
    unlabeled: bool = False,
    known: Collection[str] | None = None,
    depth: int | None = None,
) -> FileSource:
    """Return the images below `root` as a source.

    The folders in it are the classes, or those in train and val (valid, validation, …) or test, which may also be in
    each class; all images in and below a class folder are of that class. See `arrange` for other arrangements. Images
    beside class folders, files without an image extension, and folders beside splits are `ignored`. An empty class
    folder is refused, or, with `empty_classes` and two classes that have images, listed in `empty`. With `unlabeled`,
    a folder in which fewer than two folders have images, or none with the name of a `known` class, has images without
    classes. `depth` is the number of folder levels that name a class.

    Raises:
        DataError: no images, no sub-folders, a single class, an empty class folder, classes that differ between train
            and the other splits, or ambiguous folders.
    """
    top, skipped = list_tree(root)
    name = f"{root}/"
    if unlabeled and top.count() == 0:
        raise DataError(f"`{name}` must have images. Got {found_in(top)}. Check the path.")
    if unlabeled and not _sorted_by_class(top, known):
        ignored = (*_others(top), *_linked(skipped))
        passed_over = _passed_over(root, [top])
        return unlabeled_files(
            root,
            tuple(top.every_image()),
            name=name,
            ignored=_but(ignored, passed_over),
            passed_over=passed_over,
        )
    if not top.folders:
        raise DataError(
            f"`{name}` must have {_EXPECTED}. Got {found_in(top)}{_and_broken(top)}. "
            "Put the images into sub-folders by class."
        )
    if top.count() == 0:
        raise DataError(
            f"`{name}` must have images in {_EXPECTED}. Got {found_in(top)}{_and_broken(top)}. Check the path."
        )
    arrangement = arrange(top, name, depth=depth)
    files, labels, splits, empty = _listed(arrangement.classes)
    if empty and not (empty_classes and len(set(labels)) > 1):
        raise _without_images(next(iter(empty.values())), name)
    _require_training_classes(labels, splits, name, empty)
    if len(set(labels)) < 2:
        _refuse_broken(root, top)
    classes, indices = encode_labels(labels, name)
    passed_over = (
        *_passed_over(root, [class_folder.folder for class_folder in arrangement.classes]),
        *_broken_above(top, arrangement),
    )
    outside = (f"{folder.relative}/" for folder in arrangement.outside)
    return FileSource(
        name=name,
        root=root,
        files=tuple(files),
        classes=classes,
        labels=indices,
        splits=normalize_splits(np.array(splits, np.uint8), name),
        ignored=_but((*_others(top), *arrangement.loose, *outside, *_linked(skipped)), passed_over),
        empty=tuple(f"{folder.relative}/" for folder in empty.values()),
        loose=tuple(arrangement.loose),
        passed_over=passed_over,
        notes=tuple(arrangement_notes(arrangement, depth=depth)),
    )


def _listed(classes: Iterable[ClassFolder]) -> tuple[list[str], list[str], list[int], dict[str, Folder]]:
    """Return the images of all classes, the label and split of each, and the folders without images by class."""
    files: list[str] = []
    labels: list[str] = []
    splits: list[int] = []
    empty: dict[str, Folder] = {}
    for class_folder in classes:
        images = list(class_folder.folder.every_image())
        if not images:
            empty[class_folder.label] = class_folder.folder
        files += images
        labels += [class_folder.label] * len(images)
        splits += [class_folder.split] * len(images)
    return files, labels, splits, empty


def _passed_over(root: Path, folders: Iterable[Folder]) -> tuple[tuple[str, str], ...]:
    """Return unreadable folders and unsupported images in and below `folders`, with reasons."""
    return tuple(
        entry for folder in folders for entry in (*foreign_files(os.fspath(root), folder), *folder.every_broken())
    )


def _broken_above(top: Folder, arrangement: Arrangement) -> list[tuple[str, str]]:
    """Return unreadable folders above the class folders, which may be class folders."""
    left_out = (*arrangement.outside, *(class_folder.folder for class_folder in arrangement.classes))
    inside = tuple(f"{folder.relative}/" for folder in left_out)
    return [(name, reason) for name, reason in top.every_broken() if not name.startswith(inside)]


def _refuse_broken(root: Path, top: Folder) -> None:
    """Raise DataError if an unreadable folder may be the reason for too few classes."""
    for name, reason in top.every_broken():
        raise DataError(f"`{root / name}` must be a folder that can be read. Got: {reason}. Check it.")


def _and_broken(top: Folder) -> str:
    return "".join(f" and {printable(name)}, of which {reason}" for name, reason in list(top.every_broken())[:1])


def _but(names: tuple[str, ...], passed_over: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    known = {name for name, _ in passed_over}
    return tuple(name for name in names if name not in known)


def _sorted_by_class(top: Folder, known: Collection[str] | None) -> bool:
    """Return whether folders below `top` divide its images into classes; one must be `known` if these are given."""
    folders = [folder for folder in top.every() if folder is not top and folder.count()]
    if sum(1 for folder in folders if folder.images) < 2:
        return False
    ends = tuple(f"/{_comparable(name)}" for name in known) if known else ("",)
    return any(f"/{_comparable(folder.relative)}".endswith(ends) for folder in folders)


def _comparable(name: str) -> str:
    """Return a name in the Unicode form of a model's classes, without case: a typing slip is no other class."""
    return printable(unicodedata.normalize("NFC", name)).casefold()


def _linked(links: Iterable[str]) -> Iterator[str]:
    return (f"{link} (a link to a folder listed already)" for link in links)


def _without_images(folder: Folder, name: str) -> DataError:
    return DataError(
        f"`{name}{folder.relative}/` must hold images of its class. "
        f"Got an empty class folder ({found_in(folder)}). Add images or remove the folder."
    )


def _require_training_classes(labels: list[str], splits: list[int], name: str, empty: Collection[str]) -> None:
    """Raise DataError if a class is in val or test but not in train; `empty` classes have a train folder."""
    known = {label for label, split in zip(labels, splits, strict=True) if split in (UNASSIGNED, TRAIN)} | set(empty)
    for label, split in zip(labels, splits, strict=True):
        if label not in known:
            twins = next((group for group in look_alikes([label, *known]) if label in group), [])
            hint = f" It looks like {' and '.join(map(escaped, twins[1:]))}." if twins else ""
            raise DataError(
                f"`{name}` must have the same classes in train as elsewhere. "
                f"Got the class {label!r} only in {SPLIT_NAMES[split]}. Add it to train or remove it.{hint}"
            )


def _others(folder: Folder) -> Iterator[str]:
    return (each.inside(name) for each in folder.every() for name in each.others)


def arrangement_notes(arrangement: Arrangement, *, depth: int | None) -> list[str]:
    """Return notes on the decisions in `arrangement`, which was made with this `depth`."""
    notes = []
    if arrangement.passed:
        names = ", ".join(f"{printable(folder.relative)}/" for folder in arrangement.passed[:_NAMED])
        notes.append(f"passed through {names}{_more(arrangement.passed, _NAMED)}, alone in the folder above")
    if arrangement.divided:
        names = ", ".join(f"{printable(folder.relative)}/" for folder in arrangement.divided[:_NAMED])
        notes.append(f"splits are taken from the folders in {names}{_more(arrangement.divided, _NAMED)}")
    merged: dict[str, dict[str, None]] = {}
    for class_folder in arrangement.classes:
        below = [child.name for child in class_folder.folder.folders if child.count()]
        if below:
            merged.setdefault(class_folder.label, {}).update(dict.fromkeys(below))
    if merged:
        named = [f"{printable(label)}/ ({_folder_names(names)})" for label, names in list(merged.items())[:_NAMED]]
        notes.append(
            f"sub-folders belong to the class that they are in: {', '.join(named)}{_more(merged, _NAMED)}; "
            f"--class-depth {(depth or 1) + 1} makes each a class"
        )
    left_out = [folder for folder in arrangement.outside if folder.count()]
    if left_out:
        named = [f"{printable(folder.relative)}/ ({counted(folder.count(), 'image')})" for folder in left_out[:_NAMED]]
        what = "not a split folder" if len(left_out) == 1 else "not split folders"
        notes.append(f"{', '.join(named)}{_more(left_out, _NAMED)} {are(len(left_out))} ignored: {what}")
    splits = [
        class_folder.folder.name
        for class_folder in arrangement.classes
        if class_folder.split == UNASSIGNED and _is_split(class_folder)
    ]
    if splits:
        names = ", ".join(f"{printable(name)}/" for name in splits)
        what = "a class, not a split" if len(splits) == 1 else "classes, not splits"
        notes.append(f"{names} {are(len(splits))} read as {what}")
    return [*notes, *_missing_classes(arrangement)]


def _missing_classes(arrangement: Arrangement) -> Iterator[str]:
    """Give a note for each split without some classes of train."""
    classes_by_split: dict[int, dict[str, None]] = {}
    for class_folder in arrangement.classes:
        if class_folder.folder.count():
            classes_by_split.setdefault(class_folder.split, {})[class_folder.label] = None
    for split in (VALIDATION, TEST):
        if split in classes_by_split and (
            lacking := [label for label in classes_by_split.get(TRAIN, {}) if label not in classes_by_split[split]]
        ):
            yield f"no image in {SPLIT_NAMES[split]} of {_folder_names(lacking)}, which {are(len(lacking))} in train"


def _is_split(class_folder: ClassFolder) -> bool:
    """Return whether a class folder has the name of a split."""
    return class_folder.folder.count() > 0 and plain_split(class_folder.folder.name) is not None


def _folder_names(names: Collection[str]) -> str:
    return ", ".join(map(printable, list(names)[:_NAMED_FOLDERS])) + _more(names, _NAMED_FOLDERS)


def _more(items: Collection[object], named: int) -> str:
    return f", … and {len(items) - named:,} more" if len(items) > named else ""
