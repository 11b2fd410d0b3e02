"""Convolution on arrays: a hidden layer that has learned one patch, copied to every position of an image.

One definition, computed in three ways that agree: patch after patch in a loop, as one matrix product over all patches,
and by the tensor engine. Convolution, cross-correlation and the distribution of a sum differ only in `flip` and `edge`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError, choose

from .geometry import output_size

Values = NDArray[np.float64]
Way = Literal["loop", "product", "engine"]


def convolve(
    unit: ArrayLike,
    image: ArrayLike,
    *,
    bias: float = 0.0,
    stride: int = 1,
    flip: bool = False,
    edge: Literal["valid", "full"] = "valid",
    by: Way = "product",
) -> Values:
    """Return the feature map of one unit: bias + Σ weight × input for the patch at every position.

    Unless `flip`, the unit's weights lie over the patch as they are (cross-correlation, what every framework calls
    convolution). Flipped and with a full edge it is the convolution of mathematics: of two distributions, it gives that
    of the sum.

    Args:
        unit: weights k × k, or k × k × channels; k for images of one axis.
        image: pixels H × W, or H × W × channels; W, of one axis.
        bias: added to every value.
        stride: distance between neighboring positions, in pixels.
        flip: turn the unit round first, along every axis but that of channels.
        edge: ``valid`` takes the places at which the unit lies inside; ``full`` all at which it touches the image, with
            zeros around.
        by: ``loop``, ``product`` or ``engine``; they agree but for rounding.

    Raises:
        ParameterError: unit and image have different numbers of axes or channels, or an option is unknown.
        LayoutError: the unit is larger than the image.

    Examples:
        >>> convolve(np.ones((3, 3)), np.arange(25).reshape(5, 5)).shape   # 9 features
        (3, 3)
        >>> die = np.full(6, 1 / 6)
        >>> two_dice = convolve(die, die, flip=True, edge="full")          # the sums 2 … 12
        >>> [round(36 * chance) for chance in two_dice.tolist()]
        [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1]
    """
    choose("edge", edge, ("valid", "full"))
    weights, pixels = np.asarray(unit, dtype=np.float64), np.asarray(image, dtype=np.float64)
    axes = pixels.ndim
    if axes in (1, 2) and weights.ndim == axes:
        weights, pixels = (np.atleast_2d(values)[..., None] for values in (weights, pixels))
    if weights.ndim != 3 or pixels.ndim != 3 or weights.shape[2] != pixels.shape[2]:
        raise ParameterError(
            "`unit` must be k × k over an image H × W, or k × k × channels over H × W × channels. "
            f"Got {np.shape(unit)} over {np.shape(image)}. Give both the same number of channels."
        )
    if edge == "full" and min(weights.shape) >= 1:
        pixels = np.pad(pixels, [(side - 1,) * 2 for side in weights.shape[:2]] + [(0, 0)])
    weights = weights[::-1, ::-1] if flip else weights
    features = _everywhere(weights[None], pixels, stride, by)[..., 0] + bias
    return features[0] if axes == 1 else features


_BAND_VALUES = 2**22  # of the patches that are copied out at once: 32 MiB


def rectified(values: Values) -> Values:
    """Return max(value, 0), value by value."""
    return np.maximum(values, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class HiddenLayer:
    """Hidden units that see one patch: what any feed-forward network learns on patches, ready to be copied.

    Attributes:
        weights: units × k × k × channels.
        biases: one a unit.
        nonlinearity: of the weighted sum, values in, values out.

    Raises:
        ParameterError: the weights have other axes, or the biases another number.

    Examples:
        >>> layer = HiddenLayer(weights=np.ones((7, 3, 3, 1)), biases=np.zeros(7))
        >>> layer.over(np.ones((2, 3, 3, 1))).shape             # two patches, seven features each
        (2, 7)
        >>> layer.everywhere(np.ones((5, 5, 1))).shape          # nine patches
        (3, 3, 7)
    """

    weights: Values
    biases: Values
    nonlinearity: Callable[[Values], Values] = rectified

    def __post_init__(self) -> None:
        """Validate that it is a hidden layer over patches."""
        if np.ndim(self.weights) != 4 or np.shape(self.biases) != np.shape(self.weights)[:1]:
            raise ParameterError(
                "`weights` must be units × k × k × channels and `biases` one a unit. "
                f"Got {np.shape(self.weights)} and {np.shape(self.biases)}."
            )

    def over(self, patches: ArrayLike) -> Values:
        """Return features N × units of patches N × k × k × channels: the layer as it was learned."""
        rows = np.asarray(patches, dtype=np.float64)
        if rows.ndim != 4 or rows.shape[1:] != np.shape(self.weights)[1:]:
            raise ParameterError(f"`patches` must be N × {_sides(self.weights[0])}. Got {np.shape(patches)}.")
        flat = np.asarray(self.weights, dtype=np.float64).reshape(len(self.weights), -1)
        return self.nonlinearity(rows.reshape(len(rows), -1) @ flat.T + self.biases)

    def everywhere(self, image: ArrayLike, *, stride: int = 1, by: Way = "product") -> Values:
        """Return feature maps h × w × units of an image H × W × channels: the layer at every position.

        Raises:
            ParameterError: the image has other axes or channels, or `by` is unknown.
            LayoutError: the patch is larger than the image.
        """
        pixels = np.asarray(image, dtype=np.float64)
        if pixels.ndim != 3 or pixels.shape[2] != self.weights.shape[3]:
            raise ParameterError(f"`image` must be H × W × {self.weights.shape[3]}. Got {np.shape(image)}.")
        weights = np.asarray(self.weights, dtype=np.float64)
        return self.nonlinearity(_everywhere(weights, pixels, stride, by) + self.biases)


def every_patch(pixels: Values, height: int, width: int, stride: int = 1) -> Values:
    """Return the patch at every position of pixels H × W × channels as a view h × w × height × width × channels."""
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (height, width), axis=(0, 1))  # h w C k k
    return patches[::stride, ::stride].transpose(0, 1, 3, 4, 2)


def in_bands(patches: Values, features: Callable[[Values], Values]) -> Values:
    """Return features h × w × units of patches h × w × height × width × channels, some rows of places at a time.

    Args:
        patches: of every position; views that share their pixels, so that all at once would take many times the memory.
        features: makes N × units of N patches.
    """
    rows, columns = patches.shape[:2]
    step = max(1, _BAND_VALUES // (columns * math.prod(patches.shape[2:])))
    bands = (patches[top : top + step] for top in range(0, rows, step))
    parts = [features(band.reshape(-1, *band.shape[2:])) for band in bands]
    return np.concatenate(parts).reshape(rows, columns, -1)


def logistic(values: Values) -> Values:
    """Return 1 / (1 + e^-value), value by value."""
    return 1 / (1 + np.exp(-values))


def _sides(patch: Values) -> str:
    return " × ".join(str(side) for side in patch.shape)


def _everywhere(weights: Values, pixels: Values, stride: int, by: Way) -> Values:
    """Return h w U of weights U k k C over pixels H W C: Σ weight × input at every position."""
    choose("by", by, _WAYS)
    output_size(pixels.shape[0], weights.shape[1], stride)
    output_size(pixels.shape[1], weights.shape[2], stride)
    return _WAYS[by](weights, pixels, stride)


def _loop(weights: Values, pixels: Values, stride: int) -> Values:
    units, height, width, _ = weights.shape
    rows = range(0, pixels.shape[0] - height + 1, stride)
    columns = range(0, pixels.shape[1] - width + 1, stride)
    features = np.empty((len(rows), len(columns), units))
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            patch = pixels[top : top + height, left : left + width]
            for unit in range(units):
                features[row, column, unit] = np.sum(weights[unit] * patch)
    return features


def _product(weights: Values, pixels: Values, stride: int) -> Values:
    flat = weights.reshape(len(weights), -1).T
    patches = every_patch(pixels, weights.shape[1], weights.shape[2], stride)
    return in_bands(patches, lambda some: some.reshape(len(some), -1) @ flat)


def _engine(weights: Values, pixels: Values, stride: int) -> Values:
    import torch

    kernels = torch.from_numpy(np.ascontiguousarray(weights.transpose(0, 3, 1, 2)))  # U C k k
    maps = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]  # 1 C H W
    result: Values = torch.nn.functional.conv2d(maps, kernels, stride=stride)[0].permute(1, 2, 0).numpy()
    return result


_WAYS: dict[Way, Callable[[Values, Values, int], Values]] = {"loop": _loop, "product": _product, "engine": _engine}
