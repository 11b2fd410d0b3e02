"""One unit sliding over an image: at every position its patch and its value."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.layers.geometry import output_size
from convscope.layers.kinds import Convolution, Pooling
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Node
from convscope.networks.model import Model

from .trace import Trace

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """A unit at every position of an image, and the pooling of its map.

    Attributes:
        image: what it walks over, zeros around it included: channels × H × W.
        channels: names of the channels.
        weights: channels × k × k.
        bias: added to each sum.
        rest: of each position, what channels that are not among `channels` add to the sum; 0 for most.
        added: of each position, what a stage that adds its input back adds before the nonlinearity; else 0.
        stride: pixels between neighbouring positions.
        padding: zeros before and after each side of the image.
        nonlinearity: as `nonlinearity_of` takes it.
        values: the map, h × w.
        pooling: what follows, if any; `pooled` is its map, else it is empty.
    """

    image: Values
    channels: tuple[str, ...]
    weights: Values
    bias: float
    rest: Values
    added: Values
    stride: int
    padding: tuple[int, int]
    nonlinearity: str
    values: Values
    pooling: Pooling | None
    pooled: Values

    def patch(self, row: int, column: int) -> Values:
        """Return what the unit sees at a place: channels × k × k."""
        top, left, side = row * self.stride, column * self.stride, self.weights.shape[1]
        return self.image[:, top : top + side, left : left + side]

    def total(self, row: int, column: int) -> float:
        """Return bias + Σ weight × input at a place, and what is added back, before the nonlinearity."""
        products = (self.patch(row, column) * self.weights).sum()
        return float(products + self.rest[row, column] + self.bias + self.added[row, column])


def walk(
    image: ArrayLike,
    weights: ArrayLike,
    *,
    bias: float = 0.0,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    nonlinearity: str = "linear",
    pooling: Pooling | None = None,
    channels: tuple[str, ...] = ("image",),
    rest: ArrayLike = 0.0,
    added: ArrayLike = 0.0,
) -> Walk:
    """Return the walk of one unit over an image.

    Args:
        image: H × W, or channels × H × W.
        weights: k × k, or channels × k × k.
        bias: added to each sum.
        stride: pixels between neighbouring positions.
        padding: zeros before and after each side.
        nonlinearity: as `nonlinearity_of` takes it.
        pooling: of the map.
        channels: their names.
        rest: what else is added at each position.
        added: what a stage that adds its input back adds there.

    Raises:
        ParameterError: the image and the weights do not belong together, or the nonlinearity is unknown.
        LayoutError: the unit is larger than the image.

    Examples:
        >>> found = walk(np.eye(5), np.ones((3, 3)))
        >>> found.values.shape, found.values[0].tolist(), found.total(0, 2)
        ((3, 3), [3.0, 2.0, 1.0], 1.0)
    """
    function = nonlinearity_of(nonlinearity)
    pixels, unit = (np.asarray(value, np.float64) for value in (image, weights))
    pixels, unit = (value[None] if value.ndim == 2 else value for value in (pixels, unit))
    if pixels.ndim != 3 or unit.ndim != 3 or len(pixels) != len(unit) or len(channels) != len(unit):
        raise ParameterError(
            "`weights` must be channels × k × k over an image channels × H × W. "
            f"Got {np.shape(weights)} over {np.shape(image)}, and {counted(len(channels), 'name')}."
        )
    pixels = np.pad(pixels, ((0, 0), padding, padding))
    shape = tuple(output_size(side, unit.shape[1], stride) for side in pixels.shape[1:])
    patches = np.lib.stride_tricks.sliding_window_view(pixels, unit.shape[1:], axis=(1, 2))[:, ::stride, ::stride]
    others, back = (np.broadcast_to(np.asarray(value, np.float64), shape) for value in (rest, added))
    sums = np.einsum("chwij,cij->hw", patches, unit) + others + bias + back
    values = torch.from_numpy(sums)[None, None]
    values = function.apply(values)
    after = torch.zeros(1, 1, 0, 0) if pooling is None else pooling.compute([values], {})
    return Walk(
        image=pixels,
        channels=channels,
        weights=unit,
        bias=bias,
        rest=others,
        added=back,
        stride=stride,
        padding=padding,
        nonlinearity=nonlinearity,
        values=values[0, 0].numpy(),
        pooling=pooling,
        pooled=after[0, 0].numpy(),
    )


def walk_of_unit(model: Model, traced: Trace, *, layer: int, unit: int, most: int = 3) -> Walk:
    """Return the walk of a unit of `model` over the maps below it for one image.

    Of more maps below than `most`, those that add most to the unit's map are kept; the rest goes into `Walk.rest`.

    Args:
        model: the network.
        traced: what it made of the image.
        layer: number of a convolution among the layers, from 1.
        unit: its number, from 1.
        most: maps below that are kept.

    Raises:
        ParameterError: there is no such convolution or unit, or its weights are not the same everywhere.
    """
    arithmetic = fold(model.network)
    graph = arithmetic.graph
    node = graph.nodes[layer - 1] if 1 <= layer <= len(graph.nodes) else None
    convolution = None if node is None else _walked(node)
    if node is None or convolution is None:
        known = shared_layers(model)
        raise ParameterError(
            f"`layer` must be a convolution with shared weights, one of {known or 'none here'}. Got {layer}."
        )
    window, units = convolution.rows, convolution.units
    if not 1 <= unit <= units:
        raise ParameterError(f"`unit` must be from 1 to {units}. Got {unit}.")
    below = traced.values_of(node.inputs[0]).astype(np.float64)
    tensors = arithmetic.tensors_of(node)
    weights = tensors["weight"][unit - 1].double().numpy()
    first = (unit - 1) // (units // convolution.groups) * len(weights)  # the maps of the unit's group
    seen, padding = below[first : first + len(weights)], (window.before, window.after)
    pairs = zip(seen, weights, strict=True)
    parts = np.stack([walk(image, part, stride=window.stride, padding=padding).values for image, part in pairs])
    strongest = np.sort(np.argsort(-np.abs(parts).max(axis=(1, 2)), kind="stable")[:most])
    left = np.delete(parts, strongest, axis=0).sum(axis=0)
    after = [graph.by_name[name].layer for name in graph.readers[node.name]]
    pooling = after[0] if len(after) == 1 and isinstance(after[0], Pooling) else None
    return walk(
        seen[strongest],
        weights[strongest],
        bias=float(tensors["bias"][unit - 1]),
        stride=window.stride,
        padding=padding,
        nonlinearity=node.nonlinearity,
        pooling=pooling,
        channels=tuple(_channel(node.inputs[0], len(below), first + index) for index in strongest),
        rest=left,
        added=traced.values_of(node.inputs[1])[unit - 1] if len(node.inputs) == 2 else 0.0,
    )


def shared_layers(model: Model) -> list[int]:
    """Return the numbers of the layers whose units have the same weights everywhere, from 1."""
    nodes = enumerate(fold(model.network).graph.nodes, 1)
    return [number for number, node in nodes if _walked(node)]


def _walked(node: Node) -> Convolution | None:
    """Return the layer of a node whose units are square windows without holes; None of others."""
    layer = node.layer
    if isinstance(layer, Convolution) and layer.rows == layer.columns and layer.rows.dilation == 1:
        return layer
    return None


def _channel(below: str, count: int, index: int) -> str:
    """Return the name of one of `count` maps of the node `below`."""
    if below != IMAGE:
        return f"map {index + 1}"
    return "image" if count == 1 else ("red", "green", "blue")[index] if count == 3 else f"channel {index + 1}"
