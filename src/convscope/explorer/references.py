"""The maps of each layer on other images, which the page compares changes with, as `convscope measure` does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.measures.movement import Variation, background_maps, by_position
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import as_tensor

IMAGES = 20
BATCH = 4


@dataclass(frozen=True, kw_only=True)
class LayerReference:
    """The maps of a layer on other images.

    Attributes:
        between: root of the mean squared distance between the maps on two different images.
        background: value of each map on an image of background, at its center.
    """

    between: float
    background: tuple[float, ...]


def references_of(
    network: GraphNetwork, images: NDArray[np.uint8] | None, background: Sequence[int]
) -> list[LayerReference | None]:
    """Return the reference of every layer, from at most `IMAGES` images N H W C; None where maps never differ.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.folding import fold
        >>> from convscope.networks.layout import Layout
        >>> network = fold(Network(Layout.parse("2C3-MP2"), height=4, width=4, channels=1, classes=3))
        >>> found = references_of(network, np.eye(4, dtype=np.uint8)[None, ..., None] * [[[[0]]], [[[255]]]], (0,))
        >>> len(found), len(found[0].background), found[0].between > 0
        (3, 2, True)
    """
    if images is None or len(images) < 2:
        return [None] * len(network.plan.layers)

    def maps(image: Tensor) -> list[Tensor]:
        return [by_position(values.float()) for _, values in network.values(network.standardize(image))]

    variations = [Variation() for _ in network.plan.layers]
    with torch.inference_mode():
        for start in range(0, min(IMAGES, len(images)), BATCH):
            found = maps(as_tensor(images[start : min(IMAGES, start + BATCH)]))
            for variation, values in zip(variations, found, strict=True):
                variation.add(values)
        behind = np.broadcast_to(np.array(background, np.uint8), images.shape[1:])[None]
        empty = background_maps(network.plan.layers, maps(as_tensor(behind.copy())))
    return [
        LayerReference(between=between**0.5, background=tuple(values.tolist())) if between > 0 else None
        for between, values in zip((variation.between() for variation in variations), empty, strict=True)
    ]
