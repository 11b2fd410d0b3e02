"""One unit sliding over an image: at every position its patch and its value."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError, choose
from convscope.core.text import counted
from convscope.layers.geometry import output_size
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.networks.folding import WeightedSums, fold
from convscope.networks.model import Model
from convscope.networks.stages import PoolingStage

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
        nonlinearity: a key of `NONLINEARITIES`.
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
    pooling: PoolingStage | None
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
    pooling: PoolingStage | None = None,
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
        nonlinearity: a key of `NONLINEARITIES`.
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
    choose("nonlinearity", nonlinearity, tuple(NONLINEARITIES))
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
    values = NONLINEARITIES[nonlinearity].apply(values)
    after = torch.zeros(1, 1, 0, 0) if pooling is None else pooling.build().eval()(values)
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
    folded = fold(model.network).layers
    sums = folded[layer - 1] if 1 <= layer <= len(folded) else None
    if not isinstance(sums, WeightedSums) or not _is_shared(sums):
        known = shared_layers(model)
        raise ParameterError(
            f"`layer` must be a convolution with shared weights, one of {known or 'none here'}. Got {layer}."
        )
    units = len(sums.biases)
    if not 1 <= unit <= units:
        raise ParameterError(f"`unit` must be from 1 to {units}. Got {unit}.")
    below = (traced.below if layer == 1 else traced.maps[layer - 2]).astype(np.float64)
    weights = sums.weights[0, 0, unit - 1].astype(np.float64)
    padding = (sums.before, sums.after)
    pairs = zip(below, weights, strict=True)
    parts = np.stack([walk(image, part, stride=sums.stride, padding=padding).values for image, part in pairs])
    strongest = np.sort(np.argsort(-np.abs(parts).max(axis=(1, 2)), kind="stable")[:most])
    left = np.delete(parts, strongest, axis=0).sum(axis=0)
    after = folded[layer] if layer < len(folded) else None
    return walk(
        below[strongest],
        weights[strongest],
        bias=float(sums.biases[unit - 1]),
        stride=sums.stride,
        padding=padding,
        nonlinearity=sums.nonlinearity,
        pooling=after if isinstance(after, PoolingStage) else None,
        channels=tuple(_channel(layer, len(below), index) for index in strongest),
        rest=left,
        added=below[unit - 1] if sums.residual else 0.0,
    )


def shared_layers(model: Model) -> list[int]:
    """Return the numbers of the layers whose units have the same weights everywhere, from 1."""
    layers = enumerate(fold(model.network).layers, 1)
    return [number for number, one in layers if isinstance(one, WeightedSums) and _is_shared(one)]


def _is_shared(sums: WeightedSums) -> bool:
    return sums.weights.shape[:2] == (1, 1)


def _channel(layer: int, count: int, index: int) -> str:
    """Return the name of one of `count` maps below."""
    if layer > 1:
        return f"map {index + 1}"
    return "image" if count == 1 else ("red", "green", "blue")[index] if count == 3 else f"channel {index + 1}"
