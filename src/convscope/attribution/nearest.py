"""Nearest training images: those whose features, as the classifier reads them, are most like an image's."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.progress import Reporter, Silent
from convscope.core.text import printable
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset
from convscope.images.sources.source import TRAIN
from convscope.networks.model import Model
from convscope.transfer.feature_store import feature_stores
from convscope.transfer.head_model import normalized
from convscope.transfer.start_features import stored_features

NEAREST, TITLE = "nearest", "Nearest training images"
MOST_IMAGES = 10_000  # of the training split, drawn at random from more
_MOST_VALUES = 2**26  # of all features together
Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Neighbor:
    """A training image near an image.

    Attributes:
        image: its index in the dataset.
        name: in the dataset.
        label: its class, an index.
        distance: of the features, Euclidean.
    """

    image: int
    name: str
    label: int
    distance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingFeatures:
    """The features of training images, as the classifier reads them.

    Attributes:
        dataset: their images and classes.
        indices: in the dataset.
        values: float32 N × values.
    """

    dataset: Dataset
    indices: NDArray[np.int64]
    values: Vectors

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each."""
        return self.dataset.labels[self.indices]

    def nearest(self, features: Vectors, count: int) -> list[tuple[Neighbor, ...]]:
        """Return the `count` training images nearest to each row of `features`, the nearest first."""
        chosen, distances = nearest_rows(features, self.values, count)
        return [
            tuple(
                Neighbor(
                    image=int(index),
                    name=printable(self.dataset.image_name(int(index))),
                    label=int(self.dataset.labels[index]),
                    distance=float(distance),
                )
                for index, distance in zip(self.indices[rows], near, strict=True)
            )
            for rows, near in zip(chosen, distances, strict=True)
        ]


def nearest_rows(features: Vectors, rows: Vectors, count: int) -> tuple[NDArray[np.int64], Vectors]:
    """Return the indices of the `count` rows nearest to each of `features`, and their distances, the nearest first.

    Examples:
        >>> rows = np.array([[0, 0], [3, 4], [6, 8]], np.float32)
        >>> chosen, distances = nearest_rows(rows[:1], rows, 2)
        >>> chosen.tolist(), distances.tolist()
        ([[0, 1]], [[0.0, 5.0]])
    """
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(torch.from_numpy(features), torch.from_numpy(rows), compute_mode=exact)
    near, chosen = distances.topk(min(count, len(rows)), largest=False)
    return chosen.numpy(), near.numpy()


def features_of(model: Model, images: NDArray[np.uint8]) -> Vectors:
    """Return what the classifier of `model` reads of images uint8 N H W C: float32 N × values."""
    extractor = StageFeatures(model, Reading())
    return np.concatenate([rows.reshape(len(rows), -1) for rows in extractor.of(images)])


def training_features(
    model: Model, dataset: Dataset, *, seed: int, cache_dir: Path | None, reporter: Reporter | None = None
) -> TrainingFeatures:
    """Return the features of training images, at most 10,000 drawn at random; computed once and cached on disk."""
    extractor = StageFeatures(model, Reading())
    width = int(np.prod(extractor.shape))
    most = max(1, min(MOST_IMAGES, _MOST_VALUES // width))
    indices = dataset.drawn(TRAIN, most, seed)
    kept = _kept(model, dataset, indices, width, cache_dir)
    if kept is not None:
        return TrainingFeatures(dataset=dataset, indices=indices, values=kept)
    identity = [extractor.identity(), dataset.source.fingerprint(), repr(dataset.preprocessing), indices.tolist()]
    with feature_stores(
        [identity], images=len(indices), values=[width], name=printable(dataset.name), cache_dir=cache_dir
    ) as (store,):
        missing = store.missing(np.arange(len(indices)))
        with (reporter or Silent()).task("features of training images", len(missing), "images") as task:
            step = extractor.batch()
            for start in range(0, len(missing), step):
                rows = missing[start : start + step]
                store.write(rows, features_of(model, dataset.images[indices[rows]]))
                task.update(min(start + step, len(missing)))
        return TrainingFeatures(dataset=dataset, indices=indices, values=store.read(np.arange(len(indices))))


def _kept(
    model: Model, dataset: Dataset, indices: NDArray[np.int64], width: int, cache_dir: Path | None
) -> Vectors | None:
    """Return what the training from a frozen start has left in the cache, as the classifier reads it; else None."""
    identity = model.learned.start_features
    if identity is None:
        return None
    rows = stored_features(identity, dataset, indices, values=width, cache_dir=cache_dir)
    return None if rows is None else normalized(rows)
