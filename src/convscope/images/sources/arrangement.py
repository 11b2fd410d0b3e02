"""Classes and splits of a folder: which folder level holds which (docs/decisions/0012)."""

import dataclasses
from collections.abc import Sequence

from convscope.core.errors import DataError
from convscope.core.text import counted

from .labels import as_label
from .source import SPLIT_NAMES, TEST, TRAIN, UNASSIGNED, VALIDATION
from .split_names import UNLABELED, plain_split, split_name
from .tree import Folder


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ClassFolder:
    """A folder whose images, at any depth, are of one class and one split."""

    split: int
    label: str
    folder: Folder


@dataclasses.dataclass(kw_only=True, eq=False)
class Arrangement:
    """Folders with their class and split; `loose` images and folders `outside` have none.

    passed: folders that are alone in their parent. divided: class folders, or groups of them, that contain splits.
    """

    classes: list[ClassFolder] = dataclasses.field(default_factory=list)
    loose: list[str] = dataclasses.field(default_factory=list)
    outside: list[Folder] = dataclasses.field(default_factory=list)
    passed: list[Folder] = dataclasses.field(default_factory=list)
    divided: list[Folder] = dataclasses.field(default_factory=list)


def arrange(top: Folder, name: str, *, depth: int | None = None) -> Arrangement:
    """Return the classes and splits of a listed folder.

    Args:
        top: the folder; some folder in it has images.
        name: of the folder, for messages.
        depth: number of folder levels that name a class, without those that name splits or contain a single folder;
            None takes one, and refuses ambiguous folders.

    Raises:
        DataError: the folders are not an arrangement of classes, or are ambiguous; the message names both readings.
    """
    walk = _Walk(name=name, asked=depth)
    walk.go(top, [], UNASSIGNED)
    walk.refuse_half_divided()
    return walk.arrangement


@dataclasses.dataclass(kw_only=True, eq=False)
class _Walk:
    """Walk from the top folder down to the class folders."""

    name: str
    asked: int | None
    hint: str = ""
    arrangement: Arrangement = dataclasses.field(default_factory=Arrangement)

    def go(self, folder: Folder, names: list[str], split: int) -> None:
        """Collect the classes in `folder`; `names` are the parent folders that belong to the class name."""
        left = (self.asked or 1) - len(names)
        if not names and split == UNASSIGNED:
            folder = self._through_wrappers(folder)
        splits = self._splits(folder, of_class=left == 0, at_top=not names) if split == UNASSIGNED else []
        if splits:
            if names:
                self.arrangement.divided.append(folder)
            self.arrangement.loose += map(folder.inside, folder.images)
            self.arrangement.outside += [
                sub for sub in folder.folders if all(sub is not split_folder for _, split_folder in splits)
            ]
            for which, split_folder in splits:
                self.go(
                    split_folder if names else self._inside(split_folder, [sub for _, sub in splits]),
                    names,
                    which,
                )
            return
        if names and (left == 0 or not any(child.count() for child in folder.folders)):
            if folder.count() or split in (UNASSIGNED, TRAIN):
                self.arrangement.classes.append(_class_folder(folder, names, split))
            return
        if not folder.folders:
            raise DataError(
                f"`{self.name}{folder.relative}/` must have one sub-folder per class. "
                f"Got {found_in(folder)}. Sort them into sub-folders by class, or move the folder elsewhere.{self.hint}"
            )
        self.arrangement.loose += map(folder.inside, folder.images)
        for child in folder.folders:
            self.go(child, [*names, child.name], split)

    def _through_wrappers(self, folder: Folder) -> Folder:
        """Return the first folder on the way down with more than one folder, as in an unpacked archive."""
        while len(folder.folders) == 1:
            only = folder.folders[0]
            split = plain_split(only.name)
            if split not in (None, TRAIN) or not any(child.count() for child in only.folders):
                break
            if only.images and split != TRAIN:
                break
            self.arrangement.loose += map(folder.inside, folder.images)
            if split == TRAIN:
                return only
            self.arrangement.passed.append(only)
            folder = only
        return folder

    def _splits(self, folder: Folder, *, of_class: bool, at_top: bool) -> list[tuple[int, Folder]]:
        """Return the split folders in `folder`, each with its split, in their order; empty if there are none."""
        plain, unclear = _split_folders([sub for sub in folder.folders if sub.count() or not of_class])
        kinds = {split for split, _ in plain} - {UNLABELED}
        only_train = kinds == {TRAIN} and any(split == UNLABELED for split, _ in plain)
        if (TRAIN in kinds and len(kinds) > 1) or (only_train and not of_class):
            splits = [(split, sub) for split, sub in plain if split != UNLABELED]
            if at_top and not any(child.count() for _, sub in splits for child in sub.folders):
                if self.asked is not None:
                    return []
                self.hint = " If these folders are classes, give --class-depth 1."
            self._refuse_repeated_splits(folder, splits)
            return sorted(splits, key=lambda split_folder: split_folder[0])
        if self.asked is not None:
            return []
        self._refuse_unclear(folder, plain, unclear)
        if not of_class:
            self._refuse_splits_beside_classes(folder, [sub for _, sub in plain])
        return []

    def _refuse_repeated_splits(self, folder: Folder, splits: Sequence[tuple[int, Folder]]) -> None:
        seen: dict[int, Folder] = {}
        for split, sub in splits:
            if split in seen:
                raise DataError(
                    f"`{self.name}{_end(folder)}` must have one {SPLIT_NAMES[split]} folder. "
                    f"Got {seen[split].name}/ and {sub.name}/. Merge them or remove one."
                )
            seen[split] = sub

    def _refuse_unclear(
        self, folder: Folder, plain: Sequence[tuple[int, Folder]], unclear: Sequence[tuple[int, Folder]]
    ) -> None:
        """Raise DataError if all folders have split words in names that differ otherwise."""
        named = [*plain, *unclear]
        if not unclear or len(named) < len(folder.folders) or any(sub.images for _, sub in named):
            return
        if {split for split, _ in named} >= {TRAIN} and len({split for split, _ in named}) > 1:
            names = " and ".join(f"{sub.name}/" for _, sub in named[:2])
            raise DataError(
                f"`{self.name}{_end(folder)}` must say whether its folders are splits or classes. Got {names}. "
                "Name splits train, val and test; if they are classes, give --class-depth 1."
            )

    def _refuse_splits_beside_classes(self, top: Folder, plain: Sequence[Folder]) -> None:
        """Raise DataError if a folder with a split name and class folders inside is beside other folders."""
        others = [folder.name for folder in top.folders if all(folder is not sub for sub in plain)]
        split_names = [sub.name for sub in plain if not sub.images and any(folder.count() for folder in sub.folders)]
        if others and split_names:
            raise DataError(
                f"`{self.name}{_end(top)}` must have either classes or train/ beside val/ or test/. Got "
                f"{split_names[0]}/ with class folders inside, beside {others[0]}/. Move it elsewhere; if "
                f"{split_names[0]}/ is a class, give --class-depth 1."
            )
        kinds = {plain_split(sub.name) for sub in plain} - {UNLABELED}
        if not others and plain and TRAIN not in kinds and (len(kinds) > 1 or split_names):
            names = " and ".join(f"{folder.name}/" for folder in top.folders)
            raise DataError(
                f"`{self.name}{_end(top)}` must have a train/ folder beside {names}. Got none. Add it; if these are "
                "classes, give --class-depth 1."
            )

    def _inside(self, split_folder: Folder, splits: Sequence[Folder]) -> Folder:
        """Return the folder of a split, or its only sub-folder: seg_train/seg_train, train/images."""
        elsewhere = [{child.name for child in sub.folders} for sub in splits if sub is not split_folder]
        while len(split_folder.folders) == 1 and not split_folder.images:
            only = split_folder.folders[0]
            again = split_name(only.name) is not None and split_name(only.name) == split_name(split_folder.name)
            holds_classes = not only.images and any(child.count() for child in only.folders)
            alone = all(names == {only.name} for names in elsewhere) or not any(only.name in sub for sub in elsewhere)
            if not only.count() or not (again or (holds_classes and alone)):
                break
            self.arrangement.passed.append(only)
            split_folder = only
        return split_folder

    def refuse_half_divided(self) -> None:
        """Raise DataError if only some classes are divided into splits, or only some images of a class."""
        with_images = [class_folder for class_folder in self.arrangement.classes if class_folder.folder.count()]
        whole = next((class_folder for class_folder in with_images if class_folder.split == UNASSIGNED), None)
        divided = next((class_folder for class_folder in with_images if class_folder.split != UNASSIGNED), None)
        if whole and divided:
            raise DataError(
                f"`{self.name}` must have splits in every class or in none. Got {divided.folder.relative}/ and, "
                f"without splits, {whole.folder.relative}/. Divide it too, or move it elsewhere."
            )
        if self.asked is not None or divided:
            return
        inner = [
            (plain_split(child.name), child)
            for class_folder in with_images
            for child in class_folder.folder.folders
            if child.count()
        ]
        kinds = {split for split, _ in inner}
        odd = next((child for split, child in inner if split in (VALIDATION, TEST)), None)
        if odd and (len(kinds) > 1 or any(class_folder.folder.images for class_folder in with_images)):
            raise DataError(
                f"`{self.name}` must have train/ beside val/ or test/ in every class, or splits in none. Got "
                f"{odd.relative}/ beside images that are in no split. Put those into train/; if {odd.name}/ is no "
                "split, give --class-depth 1."
            )


def _split_folders(folders: Sequence[Folder]) -> tuple[list[tuple[int, Folder]], list[tuple[int, Folder]]]:
    """Return the folders with the name of a split, and those with an ambiguous name.

    "flowers_train" is clear if "flowers_test" is beside it.
    """
    groups: dict[tuple[str, ...], list[tuple[int, Folder]]] = {}
    for folder in folders:
        if known := split_name(folder.name):
            groups.setdefault(known.rest, []).append((known.split, folder))
    clear: list[tuple[int, Folder]] = []
    unclear: list[tuple[int, Folder]] = []
    for rest, group in groups.items():
        kinds = {split for split, _ in group}
        (clear if not rest or (TRAIN in kinds and len(kinds - {UNLABELED}) > 1) else unclear).extend(group)
    return clear, unclear


def _class_folder(folder: Folder, names: list[str], split: int) -> ClassFolder:
    return ClassFolder(split=split, label=as_label("/".join(names)), folder=folder)


def _end(folder: Folder) -> str:
    return f"{folder.relative}/" if folder.relative else ""


def found_in(folder: Folder) -> str:
    """Return the contents of `folder`, in a few words."""
    words = []
    if folder.images:
        words.append(f"{counted(len(folder.images), 'image')} directly inside")
    if folder.folders:
        words.append(f"{counted(len(folder.folders), 'sub-folder')} without any image")
    others = sum(len(inner.others) for inner in folder.every())
    if others:
        words.append(f"{counted(others, 'file')} without an image's extension")
    return " and ".join(words) or "nothing"
