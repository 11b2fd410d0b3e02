"""The interface of all sources of images: names, labels, splits, and decoding."""

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.images.inspection import NO_CLASS

if TYPE_CHECKING:
    from convscope.images.decoding.decoder import Decoded

UNASSIGNED, TRAIN, VALIDATION, TEST = 0, 1, 2, 3
SPLIT_NAMES = ("images", "train", "val", "test")
"""As folders have them."""
SPLITS_IN_WORDS = ("no split", "training", "validation", "test")
"""Whether a folder of this name is there or not."""
SPLIT_WORDS = {
    "train": TRAIN, "training": TRAIN, "trainval": TRAIN,
    "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "validate": VALIDATION, "dev": VALIDATION,
    "eval": VALIDATION, "evaluation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
"""Names of splits (lower case) in folders and lists."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Source(ABC):
    """Images that are listed, but not decoded, usually with classes.

    name: for the user. classes: names, in natural order; NO_CLASS if unknown. labels: int64 N, indices into `classes`.
    splits: uint8 N of UNASSIGNED, TRAIN, VALIDATION, TEST. flippable: whether horizontal flips preserve the class
    (None: unknown). ignored: relative names of files and folders that are not listed as images. empty: relative names
    of class folders without a training image, if they are allowed. loose: ignored images beside class folders.
    passed_over: relative name and reason of each file that looks like an image and is not read, and of each unreadable
    folder. notes: sentences on how classes, splits and text were read.
    """

    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    splits: NDArray[np.uint8]
    flippable: bool | None = None
    ignored: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labeled(self) -> bool:
        """Whether the class of each image is known."""
        return self.classes != NO_CLASS

    @abstractmethod
    def image_name(self, index: int) -> str:
        """Return the name of one image: its path relative to the source, or "train[17]"."""

    @abstractmethod
    def path(self, index: int) -> Path | None:
        """Return the file of one image, None if it has no file of its own."""

    @abstractmethod
    def decode(self, index: int, near: tuple[int, int] | None = None) -> "Decoded":
        """Return one image; `near` as for `convscope.images.decoding.decoder.decode`.

        Raises:
            UnreadableImageError: the image is unusable.
        """

    @abstractmethod
    def stack(self) -> NDArray[Any] | None:
        """Return all images as one array of numbers N H W C if they are one already, else None."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a cheap hash (hexadecimal) of images, labels, splits and classes."""


def no_class(count: int) -> dict[str, Any]:
    """Return the fields of a source of `count` images without classes."""
    return {
        "classes": NO_CLASS,
        "labels": np.zeros(count, np.int64),
        "splits": np.full(count, UNASSIGNED, np.uint8),
    }


def normalize_splits(splits: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return `splits`, or all UNASSIGNED if all are for training, so that a validation split can be chosen.

    Raises:
        DataError: there are images for validation or test, but none for training.
    """
    present = set(np.unique(splits).tolist())
    if present <= {UNASSIGNED, TRAIN}:
        return np.zeros_like(splits)
    if TRAIN not in present:
        raise DataError(
            f"`{name}` must have images for training. Got only images for validation or test. Add a train part."
        )
    return splits
