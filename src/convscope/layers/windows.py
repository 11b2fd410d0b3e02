"""Pooling modules that torch does not have: one value from each window of a map.

All take maps N C H W and return N C h w; a window of None is the whole map. Windows that do not fit at the right and
lower edge are left out.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.core.devices import brought
from convscope.core.draws import Draws

from .geometry import output_size


class _Windowed(nn.Module):
    """One value of each window × window places, every `stride` places.

    Args:
        window: side, in positions of the map; None for the whole map.
        stride: distance between neighboring windows; of no effect for the whole map.
    """

    def __init__(self, window: int | None = None, stride: int = 1) -> None:
        super().__init__()
        self.window, self.stride = window, stride

    def _spans(self, maps: Tensor) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Return window, stride and number of places, down and across; LayoutError: the window is too large."""
        sides = maps.shape[2], maps.shape[3]
        if self.window is None:
            return sides, sides, (1, 1)
        rows, columns = (output_size(side, self.window, self.stride) for side in sides)
        return (self.window, self.window), (self.stride, self.stride), (rows, columns)

    def _mean(self, maps: Tensor) -> Tensor:
        window, stride, _ = self._spans(maps)
        return functional.avg_pool2d(maps, window, stride)


class Subset(_Windowed):
    """Takes the first value (top left) of each window."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W: one value of each window."""
        _, stride, places = self._spans(maps)
        return maps[:, :, : places[0] * stride[0] : stride[0], : places[1] * stride[1] : stride[1]]


class Largest(nn.MaxPool2d):
    """Takes the largest value of each window.

    Halves of the map, row by row and then column by column, are compared as wholes where no gradient will be asked
    for: twelve times as fast as torch's loop over windows for six maps of 28 × 28, three times for 64 of 14 × 14.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W."""
        learns = torch.is_grad_enabled() and maps.requires_grad
        if learns or (self.kernel_size, self.stride) != (2, 2) or maps.stride(1) != 1 or min(maps.shape[2:]) < 2:
            return functional.max_pool2d(maps, self.kernel_size, self.stride)
        rows, columns = maps.shape[2] // 2 * 2, maps.shape[3] // 2 * 2
        higher = torch.maximum(maps[:, :, 0:rows:2], maps[:, :, 1:rows:2])
        return torch.maximum(higher[..., 0:columns:2], higher[..., 1:columns:2])


class GlobalMax(nn.Module):
    """Takes the largest value of each map."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C 1 1 from maps N C H W."""
        return torch.amax(maps, dim=(2, 3), keepdim=True)


class GlobalMean(nn.Module):
    """Takes the mean of each map."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C 1 1 from maps N C H W."""
        return maps.mean(dim=(2, 3), keepdim=True)


class RootMeanSquare(_Windowed):
    """Takes the root of the mean square of each window: Lp pooling with p = 2 (Sermanet et al. 2012).

    The sign is lost. Where all values are 0, so is the gradient.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W."""
        squares = self._mean(maps.square())
        some = squares > 0  # the root has no slope at 0
        return torch.where(some, torch.where(some, squares, 1.0).sqrt(), 0.0)


class Stochastic(_Windowed):
    """Draws one value of each window while training, with a probability proportional to it (Zeiler & Fergus 2013).

    Prediction uses the expected value, Σ x² / Σ x over the positive values. Negative values are
    drawn only where there are no others, all with the same probability.

    Attributes:
        draws: random numbers, torch's own at first. They are set for each step of a training, so that a resumed
            training gives the same bits.
    """

    draws = Draws()

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W."""
        if not self.training:
            return self._expected(maps)
        window, stride, _ = self._spans(maps)
        values = maps.unfold(2, window[0], stride[0]).unfold(3, window[1], stride[1]).flatten(4)  # N C h w, k*k
        with torch.no_grad():
            chances = values.float().clamp_min(0.0)
            chances = torch.where(chances.sum(-1, keepdim=True) > 0, chances, 1.0).cumsum(-1)
            total = chances[..., -1:]
            drawn = brought(self.draws.uniform(*total.shape), total.device) * total
            chosen = torch.searchsorted(chances, drawn, right=True).clamp_max_(chances.shape[-1] - 1)
        return values.gather(-1, chosen).squeeze(-1)

    def _expected(self, maps: Tensor) -> Tensor:
        chances = maps.clamp_min(0.0)
        total = self._mean(chances)
        some = total > 0
        return torch.where(some, self._mean(chances * maps) / torch.where(some, total, 1.0), self._mean(maps))


class BlurredSubset(_Windowed):
    """Blurs, then takes the first value of each window (Zhang 2019), which avoids aliasing.

    The blur is binomial, 2 × window - 1 values wide around that position (1 2 1 for a window of 2); beyond the
    edge the map repeats its last value. Of the whole map it takes the mean with binomial weights.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W."""
        if self.window is None:
            down, across = (
                brought(torch.tensor(binomial(side), dtype=torch.float64).to(maps.dtype), maps.device)
                for side in maps.shape[2:]
            )
            return (maps * (down[:, None] * across)).sum(dim=(2, 3), keepdim=True)
        reach, weights = self.window - 1, binomial(2 * self.window - 1)
        _, stride, (rows, columns) = self._spans(maps)
        padded = functional.pad(maps, (reach,) * 4, mode="replicate") if reach else maps
        blurred = _weighted(padded, 2, weights, rows, stride[0])
        return _weighted(blurred, 3, weights, columns, stride[1])


def _weighted(maps: Tensor, axis: int, weights: Sequence[float], places: int, stride: int) -> Tensor:
    """Return the weighted sums of neighbors along one axis, at `places` places only, `stride` apart."""
    every = (slice(None),) * axis
    result = torch.zeros(())
    for start, weight in enumerate(weights):
        result = result + weight * maps[*every, start : start + (places - 1) * stride + 1 : stride]
    return result


@functools.cache
def binomial(length: int) -> tuple[float, ...]:
    """Return binomial weights of sum 1.

    Examples:
        >>> binomial(3)
        (0.25, 0.5, 0.25)
    """
    ways = [1]  # whole numbers: nothing overflows, and short rows have no rounding
    for index in range(1, length):
        ways.append(ways[-1] * (length - index) // index)
    return tuple(way / 2 ** (length - 1) for way in ways)
