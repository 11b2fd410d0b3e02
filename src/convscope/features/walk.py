"""One unit sliding over an image: at every position its patch and its value."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution, Pooling
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE
from convscope.networks.model import Model

from .trace import Trace

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """A unit at every position of an image, and the pooling of its map.

    Attributes:
        image: what it walks over, zeros around it included: channels × H × W.
        channels: names of the channels.
        weights: channels × rows × columns.
        bias: added to each sum.
        rest: of each position, what channels that are not among `channels` add to the sum; 0 for most.
        added: of each position, what a stage that adds its input back adds before the nonlinearity; else 0.
        rows, columns: the window down and across.
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
    rows: Window
    columns: Window
    nonlinearity: str
    values: Values
    pooling: Pooling | None
    pooled: Values

    def patch(self, row: int, column: int) -> Values:
        """Return what the unit sees at a place: channels × rows × columns."""
        top, left = row * self.rows.stride, column * self.columns.stride
        down, across = self.rows, self.columns
        return self.image[:, top : top + down.extent : down.dilation, left : left + across.extent : across.dilation]

    def total(self, row: int, column: int) -> float:
        """Return bias + Σ weight × input at a place, and what is added back, before the nonlinearity."""
        products = (self.patch(row, column) * self.weights).sum()
        return float(products + self.rest[row, column] + self.bias + self.added[row, column])


def walk(
    image: ArrayLike,
    weights: ArrayLike,
    *,
    bias: float = 0.0,
    windows: tuple[Window, Window] | None = None,
    nonlinearity: str = "linear",
    pooling: Pooling | None = None,
    channels: tuple[str, ...] = ("image",),
    rest: ArrayLike = 0.0,
    added: ArrayLike = 0.0,
) -> Walk:
    """Return the walk of one unit over an image.

    Args:
        image: H × W, or channels × H × W.
        weights: rows × columns, or channels × rows × columns.
        bias: added to each sum.
        windows: down and across, with the kernels of the weights; by default stride 1 without zeros around.
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
            "`weights` must be channels × rows × columns over an image channels × H × W. "
            f"Got {np.shape(weights)} over {np.shape(image)}, and {counted(len(channels), 'name')}."
        )
    down, across = windows or (Window(kernel=unit.shape[1]), Window(kernel=unit.shape[2]))
    if (down.kernel, across.kernel) != unit.shape[1:]:
        raise ParameterError(f"`windows` must be those of the weights. Got {down.kernel} × {across.kernel}.")
    shape = down.positions(pixels.shape[1]), across.positions(pixels.shape[2])
    pixels = np.pad(pixels, ((0, 0), (down.before, down.after), (across.before, across.after)))
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (down.extent, across.extent), axis=(1, 2))
    patches = patches[:, :: down.stride, :: across.stride, :: down.dilation, :: across.dilation]
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
        rows=down,
        columns=across,
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
    convolution = None if node is None else node.layer
    if node is None or not isinstance(convolution, Convolution):
        known = shared_layers(model)
        raise ParameterError(
            f"`layer` must be a convolution with shared weights, one of {known or 'none here'}. Got {layer}."
        )
    windows, units = (convolution.rows, convolution.columns), convolution.units
    if not 1 <= unit <= units:
        raise ParameterError(f"`unit` must be from 1 to {units}. Got {unit}.")
    below = traced.values_of(node.inputs[0]).astype(np.float64)
    tensors = {name: value.detach() for name, value in arithmetic.tensors_of(node).items()}
    weights = tensors["weight"][unit - 1].double().numpy()
    first = (unit - 1) // (units // convolution.groups) * len(weights)  # the maps of the unit's group
    seen = below[first : first + len(weights)]
    pairs = zip(seen, weights, strict=True)
    parts = np.stack([walk(image, part, windows=windows).values for image, part in pairs])
    strongest = np.sort(np.argsort(-np.abs(parts).max(axis=(1, 2)), kind="stable")[:most])
    left = np.delete(parts, strongest, axis=0).sum(axis=0)
    after = [graph.by_name[name].layer for name in graph.readers[node.name]]
    pooling = after[0] if len(after) == 1 and isinstance(after[0], Pooling) else None
    return walk(
        seen[strongest],
        weights[strongest],
        bias=float(tensors["bias"][unit - 1]),
        windows=windows,
        nonlinearity=node.nonlinearity,
        pooling=pooling,
        channels=tuple(_channel(node.inputs[0], len(below), first + index) for index in strongest),
        rest=left,
        added=traced.values_of(node.inputs[1])[unit - 1] if len(node.inputs) == 2 else 0.0,
    )


def shared_layers(model: Model) -> list[int]:
    """Return the numbers of the layers whose units have the same weights everywhere, from 1."""
    nodes = enumerate(fold(model.network).graph.nodes, 1)
    return [number for number, node in nodes if isinstance(node.layer, Convolution)]


def _channel(below: str, count: int, index: int) -> str:
    """Return the name of one of `count` maps of the node `below`."""
    if below != IMAGE:
        return f"map {index + 1}"
    return "image" if count == 1 else ("red", "green", "blue")[index] if count == 3 else f"channel {index + 1}"
