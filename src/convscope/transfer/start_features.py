"""The features of images at layers of a network, from the store where they are there, computed where they are not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.progress import Reporter
from convscope.features.layers import network_up_to
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset
from convscope.networks.fused_graph import fuse
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork
from convscope.networks.memory import fitting_batch
from convscope.networks.model import BATCH_VALUES, Model

from .feature_store import FeatureStore, Vectors, feature_stores, is_stored
from .stored_maps import CutMaps
from .views import ITSELF, VIEWS

_BATCH = 32


def reading_of(network: ImageNetwork, layer: str) -> Reading:
    """Return what is read of a layer: the mean of each map, and single values as they are."""
    shape = network.graph.shapes[layer]
    return Reading(layer=layer, pool="none" if shape.rows == shape.columns == 1 else "mean")


def identity_of(model: Model, layer: str) -> str:
    """Return a digest of a layer of a model and of all weights."""
    return StageFeatures(model, reading_of(model.network, layer)).identity()


def stored_features(
    identity: str, dataset: Dataset, indices: NDArray[np.int64], *, values: int, cache_dir: Path | None
) -> Vectors | None:
    """Return features of images that a training has left in the store, float32 n × values; None if one is missing.

    Args:
        identity: of the layer of the start, from `identity_of`.
        dataset: the images of the training.
        indices: of the images.
        values: of an image.
        cache_dir: the cache folder; None for the usual one.

    Raises:
        StorageError: there is no cache folder.
    """
    wanted, images = _row_identity(identity, dataset, ITSELF), len(dataset)
    if not is_stored(wanted, images=images, values=values, cache_dir=cache_dir):
        return None
    with feature_stores([wanted], images=images, values=[values], name=dataset.name, cache_dir=cache_dir) as (store,):
        return None if len(store.missing(indices)) else store.read(indices)


def _row_identity(identity: str, dataset: Dataset, view: str) -> list[object]:
    """Return what the features of a layer depend on."""
    return [identity, dataset.source.fingerprint(), repr(dataset.preprocessing), view]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Images whose features are wanted, and as what.

    Attributes:
        view: a key of `VIEWS`.
        indices: of the images in the dataset.
    """

    view: str
    indices: NDArray[np.int64]


@final
class StartFeatures:
    """The means of the maps of some layers of a model, for the images of a dataset.

    Batches have one size, filled up with their last image, so that a row does not depend on which others are computed
    with it; a job that goes on gives the same bits.

    Args:
        model: with the network of the start, on the device that computes, and the preprocessing of the dataset.
        layers: names of layers, in the order of the network.
        dataset: its images are those that the network takes.
        cache_dir: the cache folder; None for the usual one.
        reporter: shows progress.
        maps: where the maps of one layer are stored beside; None for none.
    """

    def __init__(
        self,
        model: Model,
        layers: Sequence[str],
        dataset: Dataset,
        *,
        cache_dir: Path | None,
        reporter: Reporter,
        maps: CutMaps | None = None,
    ) -> None:
        self._maps = maps
        self._model, self._layers, self._dataset = model, tuple(layers), dataset
        self._cache_dir, self._reporter = cache_dir, reporter

    def of(self, parts: Sequence[Wanted]) -> list[dict[str, Vectors]]:
        """Return for each part the features by layer, float32 n × values.

        Raises:
            DataError: a feature is not a finite number.
            StorageError: they cannot be stored.
        """
        shapes = self._model.network.graph.shapes
        values = [shapes[layer].maps for layer in self._layers]
        found = []
        with self._reporter.task("features", sum(len(part.indices) for part in parts), "images") as task:
            for part in parts:
                with feature_stores(
                    [self._identity(layer, part.view) for layer in self._layers],
                    images=len(self._dataset),
                    values=values,
                    name=self._dataset.name,
                    cache_dir=self._cache_dir,
                ) as stores:
                    lists = [store.missing(part.indices) for store in stores]
                    if self._maps is not None:
                        lists.append(self._maps.missing(part.view, part.indices))
                    missing = np.unique(np.concatenate(lists))
                    task.advance(len(part.indices) - len(missing))
                    for indices in self._computed(part.view, missing, stores):
                        task.advance(indices)
                    read = [store.read(part.indices) for store in stores]
                    found.append(dict(zip(self._layers, read, strict=True)))
        return found

    def _identity(self, layer: str, view: str) -> list[object]:
        return _row_identity(identity_of(self._model, layer), self._dataset, view)

    def _computed(self, view: str, missing: NDArray[np.int64], stores: Sequence[FeatureStore]) -> Iterator[int]:
        """Compute and store the rows that are missing; give how many, batch after batch."""
        if not len(missing):
            return
        network = fuse(network_up_to(self._model.network, self._layers[-1]))
        size = fitting_batch(network.plan, min(_BATCH, network.plan.batch_within(BATCH_VALUES)))
        for start in range(0, len(missing), size):
            indices = missing[start : start + size]
            filled = np.pad(indices, (0, size - len(indices)), mode="edge")
            images = VIEWS[view](torch.from_numpy(np.asarray(self._dataset.images[filled])))
            with torch.inference_mode():
                rows = list(self._means(network, images, view, indices))
            for layer, store, row in zip(self._layers, stores, rows, strict=True):
                if not bool(torch.isfinite(row).all()):
                    raise DataError(f"The features of layer {layer} are not finite numbers: the start is damaged.")
                store.write(indices, row[: len(indices)].cpu().numpy())
            yield len(indices)

    def _means(self, network: GraphNetwork, images: Tensor, view: str, indices: NDArray[np.int64]) -> Iterator[Tensor]:
        """Give the means of the maps of each layer, N × maps, in order; store the maps that are wanted."""
        for node, _, maps in network.steps(network.standardized(images)):
            if self._maps is not None and node.name == self._maps.layer:
                self._maps.write(view, indices, maps[: len(indices)])
            if node.name in self._layers:
                yield maps.float().mean(dim=(2, 3))
