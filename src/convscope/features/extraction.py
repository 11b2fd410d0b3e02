"""Feature extraction from a dataset: images are read as in training, features computed in batches."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.text import counted, printable
from convscope.images.dataset import Dataset, prepare, reading_notes, source_notes
from convscope.images.inspection import Problem
from convscope.images.preprocessing import Preprocessing
from convscope.images.sizes import ImageOptions
from convscope.images.sources.labels import as_label
from convscope.images.sources.opening import depth_for, open_source
from convscope.images.sources.source import TEST, TRAIN, VALIDATION, Source
from convscope.networks.memory import check_batch
from convscope.networks.model import Model

from .extractor import Extractor, Vectors
from .files import Rows, feature_file
from .partial import identity_of, partial_features

PARTS = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
_ELSEWHERE = ""  # images that are left out of all parts, as they are in another split too, or have no class


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of images, with labels, splits and names.

    Attributes:
        values: float32 N × values, or N × maps × rows × columns.
        labels: class of each, int64 N, indices into `classes`.
        splits: ``train``, ``validation`` or ``test`` of each (empty for an image that is in another part too, or
            whose class is not known).
        images: path or name of each.
        classes: names; one empty name where no class is known.
        names: one a value.
        unusable: what was left out, and why.
    """

    values: Vectors
    labels: NDArray[np.int64]
    splits: tuple[str, ...]
    images: tuple[str, ...]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    unusable: tuple[Problem, ...] = ()

    @property
    def vectors(self) -> Vectors:
        """The values as one vector per image, float32 N × values."""
        return self.values.reshape(len(self.values), -1)

    def part(self, *splits: str) -> NDArray[np.int64]:
        """Return the indices of the images in these splits, in order."""
        return np.flatnonzero([split in splits for split in self.splits])


def open_for(
    model: Model,
    data: Any,
    *,
    class_depth: int | None = None,
    data_dir: Path | None = None,
    reporter: Reporter | None = None,
    unlabeled: bool = False,
    own_classes: bool = False,
) -> Source:
    """Return the source that `data` names for a trained model, its folders read as in training; says what was decided.

    With `own_classes`, folders divide images into classes whatever those of the model are.

    Raises:
        DataError: nothing is there, or it is not what is expected.
    """
    progress = reporter or Silent()
    source = open_source(
        data,
        data_dir=data_dir,
        reporter=progress,
        unlabeled=unlabeled,
        known=None if own_classes else model.classes,
        class_depth=depth_for(data, class_depth, model.learned.class_depth),
        channels=model.preprocessing.channels,
    )
    for note in source_notes(source):
        progress.say(note)
    return source


def images_for(
    model: Model,
    source: Source,
    *,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
    own_classes: bool = False,
) -> Dataset:
    """Return the images of `source` as the network takes them, in the splits that it was trained with, if any.

    Their classes are all or some of those of the model, and have its numbers; with `own_classes`, they may be others.
    Irregularities of the images are reported.

    Raises:
        DataError: the images cannot be used, or the model does not have their classes.
    """
    progress = reporter or Silent()
    if model.learned.note:
        progress.say(model.learned.note)
    dataset = prepare(
        source,
        image_options(model.preprocessing),
        validation=model.learned.validation,
        seed=model.learned.seed or 0,
        cache_dir=cache_dir,
        reporter=reporter,
    )
    if source.labeled and not own_classes:
        dataset = _with_classes(dataset, model.classes)
    for note in reading_notes(dataset):
        progress.say(note)
    return dataset


def _with_classes(dataset: Dataset, classes: Sequence[str]) -> Dataset:
    """Return images whose classes have the numbers that they have among `classes`, those of a model.

    Raises:
        DataError: a class is not among them.
    """
    names = list(map(_comparable, dataset.classes))
    numbers = {_comparable(name): number for number, name in enumerate(classes)}
    if strangers := [name for name in names if name not in numbers]:
        missing = ", ".join(map(repr, sorted(numbers.keys() - names)[:5]))
        raise DataError(
            f"The images must have classes of the model. Got {', '.join(map(repr, strangers[:5]))}, "
            f"which it does not have{f'; it has {missing}' if missing else ''}. "
            "Name the folders of the images, or the classes in a list of them, as the model does."
        )
    if names == list(map(_comparable, classes)):
        return dataset
    found = np.array([numbers[name] for name in names])
    return dataclasses.replace(dataset, classes=tuple(classes), labels=found[dataset.labels])


def image_options(preprocessing: Preprocessing) -> ImageOptions:
    """Return the options that read images as a trained network takes them."""
    color = preprocessing.background if preprocessing.channels == 3 else preprocessing.background * 3
    return ImageOptions(
        size=(preprocessing.width, preprocessing.height),
        fit=preprocessing.fit,
        background="#" + "".join(f"{value:02x}" for value in color),
        channels=preprocessing.channels,
        ranges=preprocessing.ranges,
    )


def _comparable(name: str) -> str:
    return printable(as_label(name))


def rows_of(dataset: Dataset) -> Rows:
    """Return names, labels and splits for the features of a dataset."""
    return Rows(
        images=[dataset.image_name(index) for index in range(len(dataset))],
        labels=[dataset.classes[label] for label in dataset.labels],
        splits=[PARTS.get(int(split), _ELSEWHERE) for split in dataset.splits],
    )


def extract(
    extractor: Extractor,
    dataset: Dataset,
    *,
    path: Path | None = None,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> FeatureSet:
    """Return the features of all images, in memory, having written them to `path` too, if there is one."""
    rows = rows_of(dataset)
    values = np.empty((len(dataset), *extractor.shape), np.float32)
    if path is not None:
        for start, features in _written(extractor, dataset, path, batch, reporter):
            values[start : start + len(features)] = features
    else:
        for start, features in _parts(extractor, dataset, 0, batch, reporter):
            values[start : start + len(features)] = features
    return FeatureSet(
        values=values,
        labels=dataset.labels,
        splits=tuple(rows.splits),
        images=tuple(rows.images),
        classes=dataset.classes,
        names=tuple(extractor.names),
        unusable=dataset.inspection.unusable,
    )


def write_features(
    extractor: Extractor,
    dataset: Dataset,
    path: Path,
    *,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> None:
    """Write the features of all images to `path`; memory does not grow with their number.

    They are saved beside it batch after batch (see `partial_features`), so that the same call resumes after an
    interruption, to the same bits; the file at `path` is replaced when all are there.
    """
    for _ in _written(extractor, dataset, path, batch, reporter):
        pass  # only the file is needed


def _written(
    extractor: Extractor, dataset: Dataset, path: Path, batch: int | None, reporter: Reporter | None
) -> Iterator[tuple[int, Vectors]]:
    """Give the features of all images, batch after batch, as they are read back; in the end they are at `path`."""
    rows, shape = rows_of(dataset), extractor.shape
    step = extractor.batch() if batch is None else check_batch(batch)
    identity = identity_of(extractor, dataset, rows, step=step)
    with partial_features(path, identity, total=len(dataset), shape=shape, step=step) as partial:
        if partial.done:
            (reporter or Silent()).say(f"{path}: resuming after {partial.done:,} of {counted(len(dataset), 'image')}")
        try:
            for _, features in _parts(extractor, dataset, partial.done, batch, reporter):
                partial.write(features)
            with feature_file(path, rows, shape=shape, names=extractor.names, force=True) as file:
                for start, features in partial.batches(step):
                    file.write(features)
                    yield start, features
        except KeyboardInterrupt:
            if partial.done:
                (reporter or Silent()).say(f"finished batches are saved beside {path}; the same call resumes")
            raise


def _parts(
    extractor: Extractor, dataset: Dataset, done: int, batch: int | None, reporter: Reporter | None
) -> Iterator[tuple[int, Vectors]]:
    with (reporter or Silent()).task("features", len(dataset), "images") as task:
        task.update(done, "")
        for features in extractor.of(dataset.images[done:], batch=batch):
            yield done, features
            done += len(features)
            task.update(done, "")
