"""Slow, obvious references for one stage: nested loops over every place, in float64."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float64]  # C H W


def convolution(
    maps: Maps, weights: Maps, bias: NDArray[np.float64], *, stride: int = 1, before: int = 0, after: int = 0
) -> Maps:
    """Return U h w from maps C H W and weights U C k k: bias + sum of weight × input at every place."""
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
    """Return U h w from maps C H W and weights R S U C k k: at every place, the weights of the region it is in.

    Of h places down, place y is in region floor(y * R / h); across alike.
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


def pooling(code: str, maps: Maps, *, window: tuple[int, int], stride: tuple[int, int], whole: bool) -> Maps:
    """Return C h w from maps C H W: one value of each window, windows and strides as (rows, columns).

    What is left to chance while training is the mean over the chances here.
    """
    functions: dict[str, Callable[[Maps], float]] = {
        "MP": np.max,
        "AP": np.mean,
        "SS": lambda values: values[0, 0],
        "LP": lambda values: math.sqrt(np.mean(values**2)),
        "ST": _expected,
    }
    rows = range(0, maps.shape[1] - window[0] + 1, stride[0])
    columns = range(0, maps.shape[2] - window[1] + 1, stride[1])
    result = np.zeros((maps.shape[0], len(rows), len(columns)))
    for channel in range(maps.shape[0]):
        for row, top in enumerate(rows):
            for column, left in enumerate(columns):
                if code == "BP":
                    value = _blurred(maps[channel], top, left, window, whole=whole)
                else:
                    value = functions[code](maps[channel, top : top + window[0], left : left + window[1]])
                result[channel, row, column] = value
    return result


def _expected(values: Maps) -> float:
    positive = [value for value in values.flat if value > 0]
    if not positive:
        return float(np.mean(values))
    return sum(value * (value / sum(positive)) for value in positive)


def _blurred(maps: Maps, top: int, left: int, window: tuple[int, int], *, whole: bool) -> float:
    """Return the binomial mean around a place, or of the whole map; beyond the edge the map repeats its last value."""
    reach = (0, 0) if whole else (window[0] - 1, window[1] - 1)
    total = 0.0
    for down in range(-reach[0], window[0]):
        for across in range(-reach[1], window[1]):
            row = min(max(top + down, 0), maps.shape[0] - 1)
            column = min(max(left + across, 0), maps.shape[1] - 1)
            lengths = [reach[axis] + window[axis] - 1 for axis in (0, 1)]
            ways = math.comb(lengths[0], down + reach[0]) * math.comb(lengths[1], across + reach[1])
            total += maps[row, column] * ways / 2 ** sum(lengths)
    return total


def nonlinearity(name: str, value: float) -> float:
    """Return the nonlinearity `name` of one number."""
    functions: dict[str, Callable[[float], float]] = {
        "relu": lambda x: max(x, 0.0),
        "tanh": math.tanh,
        "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
        "elu": lambda x: x if x > 0 else math.exp(x) - 1,
        "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
        "abs": abs,
        "linear": lambda x: x,
    }
    return float(functions[name](value))
