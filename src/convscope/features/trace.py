"""Every value that a network computes for an image, layer by layer, convolution and pooling apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.layers.planned import PlannedLayer
from convscope.networks.finite import check_finite
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.memory import fitting_batch
from convscope.networks.model import Model, as_tensor

Maps = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """What a network makes of one image.

    Attributes:
        pixels: the image as the network takes it, uint8 H W C.
        below: the same, standardized: float32 C H W.
        layers: of the network's plan; the classifier last.
        maps: of each layer, float32 maps × rows × columns; the logits of the classifier last.
        names: of the nodes of the graph, one a layer.
        classes: names.
        probabilities: of every class, float32; their mean over the positions, where there is an answer for each.
    """

    pixels: NDArray[np.uint8]
    below: Maps
    layers: tuple[PlannedLayer, ...]
    maps: tuple[Maps, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def values_of(self, name: str) -> Maps:
        """Return the values of a node of the graph, or of the standardized ``image``."""
        return self.below if name == IMAGE else self.maps[self.names.index(name)]


def trace(model: Model, pixels: NDArray[np.uint8]) -> Trace:
    """Return every value that `model` computes for `pixels`, uint8 H W C of the network's size.

    Raises:
        DataError: the image has another shape or kind.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> [maps.shape for maps in trace(model, np.zeros((8, 8, 1), np.uint8)).maps]
        [(4, 8, 8), (4, 4, 4), (2, 1, 1)]
    """
    planned = model.network.plan
    expected = (planned.height, planned.width, planned.channels)
    if pixels.dtype != np.uint8 or pixels.shape != expected:
        raise DataError(
            f"`pixels` must be a uint8 array {' '.join(map(str, expected))}. Got {pixels.dtype} {pixels.shape}."
        )
    fitting_batch(planned, 1, copies=2)
    arithmetic = fold(model.network)
    with torch.inference_mode():
        image = arithmetic.standardize(as_tensor(pixels[None]))
        maps = [_array(values) for values in each_layer(arithmetic, image)]
    dense = maps[-1].shape[1:] != (1, 1)
    return Trace(
        pixels=pixels,
        below=_array(image),
        layers=planned.layers,
        maps=tuple(maps),
        names=tuple(node.name for node in arithmetic.graph.nodes),
        classes=model.classes,
        probabilities=_mean_probabilities(maps[-1]) if dense else model.predict_proba(pixels[None])[0],
    )


def _mean_probabilities(scores: Maps) -> NDArray[np.float32]:
    """Return the softmax of scores maps × rows × columns, averaged over the positions."""
    probabilities: NDArray[np.float32] = torch.softmax(torch.from_numpy(scores), dim=0).mean(dim=(1, 2)).numpy()
    return probabilities


def each_layer(network: GraphNetwork, image: Tensor) -> Iterator[Tensor]:
    """Give the values of every layer of `network` for standardized images N C H W: N C h w, the logits last.

    Raises:
        DataError: a value is not finite.
    """
    for (node, values), planned in zip(network.values(image), network.plan.layers, strict=True):
        if node is not network.graph.output:
            check_finite(values, f"in the maps of {planned.name}")
        else:  # a score may be -∞, of a class without any vote
            check_finite(torch.softmax(values, dim=1), "in the logits")
        yield values


def _array(values: Tensor) -> Maps:
    """Return the maps of the only image, maps × rows × columns, from 1 C H W."""
    result: Maps = values[0].float().contiguous().cpu().numpy()
    return result
