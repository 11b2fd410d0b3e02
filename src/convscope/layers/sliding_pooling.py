"""Every pooling in a window that slides over an image, one function a kind; the values are those of `windows`."""

import torch
from torch import Tensor

from .sliding import SlidingInput, joined, weighted
from .windows import binomial


def largest(source: SlidingInput) -> Tensor:
    """Return the largest value of each window."""
    return joined(source, torch.maximum, _unchanged)


def mean(source: SlidingInput) -> Tensor:
    """Return the mean of each window; zeros of the padding count where they are among the taps."""
    return joined(source, torch.add, _unchanged) / _number(source)


def first(source: SlidingInput) -> Tensor:
    """Return the first value of each window."""
    return source.only()


def root_mean_square(source: SlidingInput) -> Tensor:
    """Return the root of the mean square of each window."""
    return (joined(source, torch.add, torch.square) / _number(source)).sqrt()


def expected(source: SlidingInput) -> Tensor:
    """Return the mean of each window weighted by its positive values; the mean where there are none."""
    total = joined(source, torch.add, _positive)
    some = total > 0
    weighed = joined(source, torch.add, lambda maps: _positive(maps) * maps)
    return torch.where(some, weighed / torch.where(some, total, 1.0), mean(source))


def blurred(source: SlidingInput) -> Tensor:
    """Return the binomial mean of the taps."""
    return weighted(source, binomial(source.taps[0]), binomial(source.taps[1]))


def _number(source: SlidingInput) -> int:
    return source.taps[0] * source.taps[1]


def _unchanged(maps: Tensor) -> Tensor:
    return maps


def _positive(maps: Tensor) -> Tensor:
    return maps.clamp_min(0.0)
