"""The features of a whole set of pictures: read as in training, computed batch after batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import printable
from convscope.images.image_set import ImageSet, prepare
from convscope.images.inspection import Problem
from convscope.images.sources.source import TEST, TRAIN, VALIDATION, Source
from convscope.networks.model import Model

from .extractor import Extractor, Vectors
from .files import FeatureFile, Rows

PARTS = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
_ELSEWHERE = ""  # pictures that are left out of all parts, as they stand in another part too


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of pictures, with what is known of each picture.

    Attributes:
        values: float32 N × values, or N × maps × rows × columns.
        labels: class of each, int64 N, places among `classes`.
        splits: ``train``, ``validation`` or ``test`` of each (empty for a picture that stands in another part too).
        pictures: path or name of each.
        classes: names.
        names: one a value.
        unusable: what was left out, and why.
    """

    values: Vectors
    labels: NDArray[np.int64]
    splits: tuple[str, ...]
    pictures: tuple[str, ...]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    unusable: tuple[Problem, ...] = ()

    @property
    def vectors(self) -> Vectors:
        """The values as one vector a picture, float32 N × values."""
        return self.values.reshape(len(self.values), -1)

    def part(self, *splits: str) -> NDArray[np.int64]:
        """Return the places of the pictures in these parts, in order."""
        return np.flatnonzero([split in splits for split in self.splits])


def pictures_for(
    model: Model, source: Source, *, cache_dir: Path | None = None, reporter: Reporter | None = None
) -> ImageSet:
    """Return the pictures of `source` as the network takes them, in the parts that it was trained with.

    Raises:
        DataError: the pictures cannot be used, or their classes are not those of the model.
    """
    step = model.preprocessing
    settings = model.training.get("settings", {})
    color = step.background if step.channels == 3 else step.background * 3
    images = prepare(
        source,
        size=(step.width, step.height),
        fit=step.fit,
        background="#" + "".join(f"{value:02x}" for value in color),
        channels=step.channels,
        validation=settings.get("validation"),
        seed=settings.get("seed", 0),
        cache_dir=cache_dir,
        reporter=reporter,
    )
    if tuple(map(printable, images.classes)) != tuple(map(printable, model.classes)):
        missing = sorted(set(images.classes) ^ set(model.classes))[:5]
        raise DataError(
            f"The pictures must have the classes of the model, {len(model.classes):,}. Got {len(images.classes):,} "
            f"(in one of them only: {', '.join(map(repr, missing)) or 'none, but the order differs'}). "
            "Use the pictures that it was trained with, or others in folders of the same names."
        )
    return images


def rows_of(images: ImageSet) -> Rows:
    """Return what stands beside the features of a set."""
    return Rows(
        pictures=[images.picture_name(place) for place in range(len(images))],
        labels=[images.classes[label] for label in images.labels],
        splits=[PARTS.get(int(split), _ELSEWHERE) for split in images.splits],
    )


def extract(
    extractor: Extractor,
    images: ImageSet,
    *,
    file: FeatureFile | None = None,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> FeatureSet:
    """Return the features of all pictures, in memory, having written them to `file` too, if there is one."""
    rows = rows_of(images)
    values = np.empty((len(images), *extractor.shape), np.float32)
    for start, part in _parts(extractor, images, batch, reporter):
        values[start : start + len(part)] = part
        if file is not None:
            file.write(part)
    return FeatureSet(
        values=values,
        labels=images.labels,
        splits=tuple(rows.splits),
        pictures=tuple(rows.pictures),
        classes=images.classes,
        names=tuple(extractor.names),
        unusable=images.inspection.unusable,
    )


def write_features(
    extractor: Extractor,
    images: ImageSet,
    file: FeatureFile,
    *,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> None:
    """Write the features of all pictures into `file`, batch after batch."""
    for _, part in _parts(extractor, images, batch, reporter):
        file.write(part)


def _parts(
    extractor: Extractor, images: ImageSet, batch: int | None, reporter: Reporter | None
) -> Iterator[tuple[int, Vectors]]:
    done = 0
    with (reporter or Silent()).task("features", len(images), "pictures") as task:
        for part in extractor.of(images.images, batch=batch):
            yield done, part
            done += len(part)
            task.update(done, "")
