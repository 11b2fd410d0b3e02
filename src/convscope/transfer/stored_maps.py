"""The maps of one layer of a start on disk, for every view of the images that the layers above it learn from."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.devices import Device
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN, VALIDATION
from convscope.layers.geometry import MapShape
from convscope.training.training_data import TrainingData, shared

from .feature_store import FLOAT16, FeatureStore, feature_stores
from .views import VIEWS


@final
class CutMaps:
    """Maps as float16, one row a view and image; a row of a view is that of the image and a multiple of all images.

    Args:
        layer: whose maps they are.
        shape: of the maps of one image.
        dataset: of the images.
        views: keys of `VIEWS` that training images are seen in.
        store: of the rows.

    Attributes:
        wanted: indices of the images whose maps are stored: those for training and validation.
    """

    def __init__(
        self, layer: str, shape: MapShape, dataset: Dataset, views: Sequence[str], store: FeatureStore
    ) -> None:
        self.layer, self._shape, self._dataset, self._views, self._store = layer, shape, dataset, views, store
        self.wanted = np.union1d(dataset.indices(TRAIN), dataset.indices(VALIDATION))

    def missing(self, view: str, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of `indices` whose maps in a view are wanted and not there."""
        first = self._first(view)
        missing = self._store.missing(np.intersect1d(indices, self.wanted) + first)
        return missing - first

    def write(self, view: str, indices: NDArray[np.int64], maps: Tensor) -> None:
        """Store those of the maps N C h w of the images at `indices` that are wanted."""
        wanted = np.isin(indices, self.wanted)
        if wanted.any():
            rows = maps.permute(0, 2, 3, 1).flatten(1)  # N C h w -> N h*w*C
            self._store.write(indices[wanted] + self._first(view), rows.cpu().numpy()[wanted])

    def data(self, device: Device) -> TrainingData:
        """Return the maps as what a training on a device takes: float16 M h w C, each training image in each view."""
        dataset, shape = self._dataset, self._shape
        train = torch.from_numpy(dataset.indices(TRAIN))
        return TrainingData(
            images=shared(self._store.rows).view(-1, shape.rows, shape.columns, shape.maps),
            labels=torch.from_numpy(np.tile(dataset.labels, len(self._views))),
            training=torch.cat([train + self._first(view) for view in self._views]),
            validation=torch.from_numpy(dataset.indices(VALIDATION)),
            classes=len(dataset.classes),
            class_names=dataset.classes,
            name=dataset.name,
            device=device,
        )

    def _first(self, view: str) -> int:
        """Return the row of the first image in a view."""
        return list(VIEWS).index(view) * len(self._dataset)


@contextlib.contextmanager
def stored_maps(
    layer: str, shape: MapShape, dataset: Dataset, views: Sequence[str], *, identity: object, cache_dir: Path | None
) -> Iterator[CutMaps]:
    """Give the maps of a layer, in the cache folder.

    Args:
        layer: its name.
        shape: of its maps.
        dataset: of the images.
        views: keys of `VIEWS`, the first ones, in order.
        identity: JSON value of what the maps depend on.
        cache_dir: the cache folder; None for the usual one.

    Raises:
        StorageError: they cannot be stored.
    """
    with feature_stores(
        [["maps", identity, list(views)]],
        images=len(views) * len(dataset),
        values=[shape.values],
        name=dataset.name,
        cache_dir=cache_dir,
        dtype=FLOAT16,
    ) as (store,):
        yield CutMaps(layer, shape, dataset, views, store)
