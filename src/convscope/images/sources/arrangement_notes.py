"""Notes on how the classes and splits of a folder were arranged."""

from collections.abc import Collection, Iterator

from convscope.core.text import are, counted, printable

from .arrangement import Arrangement, ClassFolder
from .source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION
from .split_names import plain_split

_NAMED = 3  # classes in a note
_NAMED_FOLDERS = 4  # folders of each


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
        named = [f"{printable(label)}/ ({_listed(names)})" for label, names in list(merged.items())[:_NAMED]]
        notes.append(
            f"sub-folders belong to the class that they are in: {', '.join(named)}{_more(merged, _NAMED)}; "
            f"--class-depth {(depth or 1) + 1} makes each a class"
        )
    left_out = [folder for folder in arrangement.outside if folder.count()]
    if left_out:
        named = [f"{printable(folder.relative)}/ ({counted(folder.count(), 'image')})" for folder in left_out[:_NAMED]]
        notes.append(f"{', '.join(named)}{_more(left_out, _NAMED)} {are(len(left_out))} left out, being no split")
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
            yield f"no image in {SPLIT_NAMES[split]} of {_listed(lacking)}, which {are(len(lacking))} in train"


def _is_split(class_folder: ClassFolder) -> bool:
    """Return whether a class folder has the name of a split."""
    return class_folder.folder.count() > 0 and plain_split(class_folder.folder.name) is not None


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(printable, list(names)[:_NAMED_FOLDERS])) + _more(names, _NAMED_FOLDERS)


def _more(items: Collection[object], named: int) -> str:
    return f", … and {len(items) - named:,} more" if len(items) > named else ""
