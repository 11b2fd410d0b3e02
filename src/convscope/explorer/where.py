"""What the page needs to say where a network looked, and how far that can be trusted."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from convscope.attribution.contributions import is_straight
from convscope.attribution.faithfulness_record import Faithfulness
from convscope.attribution.grad_cam import GRAD_CAM, ends_in_mean, maps_layer
from convscope.attribution.method import Settings
from convscope.attribution.methods import NAMES, faithfulness_table, verdict
from convscope.attribution.nearest import features_of
from convscope.attribution.occlusion import patch_side
from convscope.core.document import inline_values
from convscope.features.layers import stage_layers
from convscope.images.dataset import Dataset
from convscope.images.sources.source import TRAIN
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model, as_tensor

from .weights import in_bytes

MOST_TRAINING = 250
MOST_BYTES = 250_000  # of training images and their features
_SIDE = 32  # of the largest training image in the page


@dataclass(frozen=True, kw_only=True)
class TrainingImagesData:
    """Training images, and what the classifier reads of them.

    Attributes:
        layer: number of the layer whose values they are compared by; 0 for the image.
        rows, columns: of an image here.
        pixels: base64 of uint8 N H W C.
        labels: class of each.
        features: base64 of int8 N × values.
        scales: base64 of float32: what 1 is worth in each row.
    """

    layer: int
    rows: int
    columns: int
    pixels: str
    labels: tuple[int, ...]
    features: str
    scales: str


@dataclass(frozen=True, kw_only=True)
class TrustData:
    """How far the maps can be trusted, in words.

    Attributes:
        data, split, images: on what it was measured.
        verdicts: of each method, by its name.
        columns, rows: of the table.
    """

    data: str
    split: str
    images: int
    verdicts: dict[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class WhereData:
    """What the page needs to say where the network looked.

    Attributes:
        layer: number of the layer whose maps are weighted, from 1; 0 where there are no maps.
        is_mean: whether only a global mean and weighted sums follow it.
        straight: whether contributions add up to the logit.
        patch: side of the patches of occlusion, in pixels.
        trust: how far the maps can be trusted; None where it was not measured.
        training: training images to compare with; None where they are not at hand.
    """

    layer: int
    is_mean: bool
    straight: bool
    patch: int
    trust: TrustData | None = None
    training: TrainingImagesData | None = None


def where_data(network: GraphNetwork) -> WhereData | None:
    """Return what follows from the network alone; None of one that answers with maps."""
    graph, image = network.graph, network.graph.image
    if not network.gives_vector:
        return None
    name = "" if GRAD_CAM.refusal(graph) else maps_layer(graph, None)
    return WhereData(
        layer=[IMAGE, *graph.by_name].index(name) if name else 0,
        is_mean=bool(name) and ends_in_mean(graph, name),
        straight=is_straight(graph),
        patch=patch_side(Settings(), (image.rows, image.columns)),
    )


def trust_data(faithfulness: Faithfulness) -> TrustData:
    """Return how far the maps can be trusted, in the words of the command line."""
    table = faithfulness_table(faithfulness)
    return TrustData(
        data=faithfulness.data,
        split=faithfulness.split,
        images=faithfulness.images,
        verdicts={name: said for name in NAMES if (said := verdict(faithfulness, name))},
        columns=table.columns,
        rows=table.rows,
    )


def training_data(model: Model, dataset: Dataset) -> TrainingImagesData:
    """Return training images of every class, as many of each as a page has room for."""
    graph, name = model.network.graph, stage_layers(model.network)[-1]
    height, width = model.preprocessing.size
    sides = min(_SIDE, height), min(_SIDE, width)
    each = sides[0] * sides[1] * model.preprocessing.channels + graph.shapes[name].values
    indices = _of_each_class(dataset, max(1, min(MOST_TRAINING, MOST_BYTES // each)))
    images = np.stack([np.asarray(dataset.images[index]) for index in indices])
    features, scales = in_bytes(features_of(model, images))
    parts = functional.adaptive_avg_pool2d(as_tensor(images).permute(0, 3, 1, 2).float(), sides)  # N C h w
    small = parts.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return TrainingImagesData(
        layer=[IMAGE, *graph.by_name].index(name),
        rows=sides[0],
        columns=sides[1],
        pixels=inline_values(small, "u1"),
        labels=tuple(dataset.labels[indices].tolist()),
        features=inline_values(features, "i1"),
        scales=inline_values(scales, "<f4"),
    )


def _of_each_class(dataset: Dataset, most: int) -> NDArray[np.int64]:
    """Return the indices of at most `most` training images: the first of every class, then the second, and so on."""
    training = dataset.indices(TRAIN)
    labels = dataset.labels[training]
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - first
    return np.sort(training[np.argsort(rank, kind="stable")[:most]])
