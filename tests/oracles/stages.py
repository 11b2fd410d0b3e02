"""Slow, obvious references for one stage: nested loops over every position, in float64."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float64]  # C H W


def convolution(
    maps: Maps, weights: Maps, bias: NDArray[np.float64], *, stride: int = 1, before: int = 0, after: int = 0
) -> Maps:
    """Return U h w from maps C H W and weights U C k k: bias + sum of weight × input at every position."""
    units, channels, patch, _ = weights.shape
    padded = _padded(maps, before, after)
    rows = range(0, padded.shape[1] - patch + 1, stride)
    columns = range(0, padded.shape[2] - patch + 1, stride)
    result = np.zeros((units, len(rows), len(columns)))
    for unit in range(units):
        for row, top in enumerate(rows):
            for column, left in enumerate(columns):
                total = bias[unit]
                for channel in range(channels):
                    for down in range(patch):
                        for across in range(patch):
                            total += weights[unit, channel, down, across] * padded[channel, top + down, left + across]
                result[unit, row, column] = total
    return result


def _padded(maps: Maps, before: int, after: int) -> Maps:
    channels, height, width = maps.shape
    padded = np.zeros((channels, before + height + after, before + width + after))
    padded[:, before : before + height, before : before + width] = maps
    return padded


def locally_connected(
    maps: Maps, weights: Maps, bias: NDArray[np.float64], *, stride: int = 1, before: int = 0, after: int = 0
) -> Maps:
    """Return U h w from maps C H W and weights R S U C k k: at every position, the weights of the region it is in.

    Of h positions down, position y is in region floor(y * R / h); across alike.
    """
    down, across, units, _, patch, _ = weights.shape
    padded = _padded(maps, before, after)
    tops = range(0, padded.shape[1] - patch + 1, stride)
    lefts = range(0, padded.shape[2] - patch + 1, stride)
    result = np.zeros((units, len(tops), len(lefts)))
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            own = weights[row * down // len(tops), column * across // len(lefts)]
            for unit in range(units):
                seen = padded[:, top : top + patch, left : left + patch]
                result[unit, row, column] = bias[unit] + np.sum(own[unit] * seen)
    return result


def pooling(name: str, maps: Maps, *, window: tuple[int, int], stride: tuple[int, int], whole: bool) -> Maps:
    """Return C h w from maps C H W by the oracle `name` of this module: one value of each window.

    Windows and strides are (rows, columns). The stochastic pooling of training is its mean here.
    """
    value_of = POOLINGS[name]
    rows = range(0, maps.shape[1] - window[0] + 1, stride[0])
    columns = range(0, maps.shape[2] - window[1] + 1, stride[1])
    result = np.zeros((maps.shape[0], len(rows), len(columns)))
    for channel in range(maps.shape[0]):
        for row, top in enumerate(rows):
            for column, left in enumerate(columns):
                around = Around(maps=maps[channel], top=top, left=left, window=window, whole=whole)
                result[channel, row, column] = value_of(around)
    return result


@dataclass(frozen=True, kw_only=True)
class Around:
    """One window of one map H W, with what surrounds it."""

    maps: Maps
    top: int
    left: int
    window: tuple[int, int]
    whole: bool

    @property
    def values(self) -> Maps:
        """The values of the window."""
        return self.maps[self.top : self.top + self.window[0], self.left : self.left + self.window[1]]


def expected(around: Around) -> float:
    """Return Σ x² / Σ x over the positive values, the mean where there are none."""
    positive = [value for value in around.values.flat if value > 0]
    if not positive:
        return float(np.mean(around.values))
    return sum(value * (value / sum(positive)) for value in positive)


def blurred(around: Around) -> float:
    """Return the binomial mean around a position, or of the whole map; the edge repeats its last value."""
    maps, window = around.maps, around.window
    reach = (0, 0) if around.whole else (window[0] - 1, window[1] - 1)
    total = 0.0
    for down in range(-reach[0], window[0]):
        for across in range(-reach[1], window[1]):
            row = min(max(around.top + down, 0), maps.shape[0] - 1)
            column = min(max(around.left + across, 0), maps.shape[1] - 1)
            lengths = [reach[axis] + window[axis] - 1 for axis in (0, 1)]
            ways = math.comb(lengths[0], down + reach[0]) * math.comb(lengths[1], across + reach[1])
            total += maps[row, column] * ways / 2 ** sum(lengths)
    return total


POOLINGS: dict[str, Callable[[Around], float]] = {
    "largest": lambda around: float(np.max(around.values)),
    "mean": lambda around: float(np.mean(around.values)),
    "first": lambda around: float(around.values[0, 0]),
    "root_mean_square": lambda around: math.sqrt(np.mean(around.values**2)),
    "expected": expected,
    "blurred": blurred,
}

NONLINEARITIES: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "absolute": abs,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "hardswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "hardsigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "leakyrelu": lambda x: x if x > 0 else x / 100,
    "gelutanh": lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "linear": lambda x: x,
}


def nonlinearity(name: str, value: float) -> float:
    """Return the oracle `name` of one number."""
    return float(NONLINEARITIES[name](value))


def batch_normalization(values: Maps, mean: Maps, variance: Maps, shift: Maps) -> Maps:
    """Return (values - mean) / √(variance + 10⁻⁵) + shift; the four have one shape, or broadcast."""
    return np.asarray((values - mean) / np.sqrt(variance + 1e-5) + shift)


NORMALIZATIONS: dict[str, Callable[[Maps, Maps, Maps, Maps], Maps]] = {"batch_normalization": batch_normalization}
