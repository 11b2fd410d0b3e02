"""Training and test images of a named set, or of a folder with train/ and test/, as arrays for a benchmark."""

import os
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.images.dataset import prepare
from convscope.images.sources.opening import TRAIN, open_source

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
NAMES = ("mnist", "fashion-mnist", "cifar10")


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """Images uint8 N H W C and labels of the two parts of a set; `flippable`: whether flips keep the class."""

    train: Images
    train_labels: Labels
    test: Images
    test_labels: Labels
    flippable: bool

    def first(self, train: int | None, test: int | None = None) -> "Parts":
        """Return the same with so many images of each part at most, taken evenly from all over it."""
        some, few = _evenly(len(self.train), train), _evenly(len(self.test), test)
        return Parts(
            train=np.ascontiguousarray(self.train[some]),
            train_labels=self.train_labels[some],
            test=np.ascontiguousarray(self.test[few]),
            test_labels=self.test_labels[few],
            flippable=self.flippable,
        )


def load(name: str, data_dir: Path, *, train: int | None = None, test: int | None = None) -> Parts:
    """Return a set: ``cifar10`` is a folder of that name with train/ and test/ in `data_dir`, others are named sets.

    Args:
        name: of the set.
        data_dir: where it is looked for.
        train: how many training images, evenly from all over the set; all if None.
        test: the same of the test images.
    """
    folder = data_dir / name
    source = open_source(str(folder) if (folder / "train").is_dir() else name, data_dir=data_dir)
    dataset = prepare(source)
    learned_from, held_out = dataset.indices(TRAIN), dataset.indices(dataset.evaluation_split)
    parts = Parts(
        train=dataset.images[learned_from],
        train_labels=dataset.labels[learned_from],
        test=dataset.images[held_out],
        test_labels=dataset.labels[held_out],
        flippable=bool(dataset.flippable) or dataset.images.shape[3] == 3,
    )
    return parts.first(train, test)


def add_data_dir(parser: ArgumentParser) -> None:
    """Let a program take the folder of sets."""
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))


def _evenly(count: int, wanted: int | None) -> Labels:
    """Return so many places of `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted or count)).round().astype(np.int64))
