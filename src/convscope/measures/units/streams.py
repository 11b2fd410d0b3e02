"""Streaming statistics of the activations of a layer; their size does not depend on the number of images."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.networks.finite import not_finite

HALF = 32  # bins on either side of 0


def tally(marked: Tensor) -> Tensor:
    """Return the number of marked activations (N × units × positions) by unit; 32 bits are three times as fast."""
    return marked.sum(dim=2, dtype=torch.int32).sum(dim=0)


class Histograms:
    """Histograms of the activations of each unit, with the same bins for all units of a layer.

    The width of a bin is a power of two: for larger activations, bins are merged in pairs. So the counts are exact and
    independent of the order. Activations that are exactly 0 are not counted.
    """

    def __init__(self, units: int) -> None:
        self.counts = torch.zeros(units, 2 * HALF, dtype=torch.int64)
        self.exponent: int | None = None

    def add(self, values: Tensor) -> None:
        """Count activations N × units × positions.

        Raises:
            DataError: one of them is not finite.
        """
        largest = max(abs(float(end)) for end in torch.aminmax(values))
        if not math.isfinite(largest):
            raise not_finite("in its maps")
        if largest == 0:
            return
        self._widen(math.frexp(largest / HALF)[1])  # largest < HALF × 2**exponent
        units = values.shape[1]
        bins = (values * 2.0 ** -(self.exponent or 0)).floor_().to(torch.int32)
        bins += torch.arange(units, dtype=torch.int32)[:, None] * (2 * HALF) + HALF
        self.counts += torch.bincount(bins.flatten(), minlength=units * 2 * HALF).view(units, 2 * HALF)
        self.counts[:, HALF] -= tally(values == 0)

    def _widen(self, exponent: int) -> None:
        """Widen the bins to at least 2**exponent."""
        if self.exponent is None:
            self.exponent = exponent
        while self.exponent < exponent:
            joined = self.counts.view(len(self.counts), HALF, 2).sum(2)
            self.counts = torch.zeros_like(self.counts)
            self.counts[:, HALF // 2 : HALF // 2 + HALF] = joined
            self.exponent += 1

    def bins(self) -> tuple[float, float, NDArray[np.int64]]:
        """Return the first edge, the width of a bin, and the counts units × bins, without empty outer bins."""
        counts: NDArray[np.int64] = self.counts.numpy()
        full = np.flatnonzero(counts.any(axis=0))
        first, last = (int(full[0]), int(full[-1]) + 1) if len(full) else (HALF, HALF + 1)
        width = 2.0 ** (self.exponent or 0)
        return (first - HALF) * width, width, counts[:, first:last]


class Strongest:
    """The images with the largest activations of each unit, one an image; of equal ones, the first."""

    def __init__(self, units: int, most: int) -> None:
        self.most = most
        self.values = torch.full((0, units), -math.inf)
        self.images = torch.zeros(0, units, dtype=torch.int64)
        self.positions = torch.zeros(0, units, dtype=torch.int64)

    def add(self, peaks: Tensor, positions: Tensor, first: int) -> None:
        """Add the largest activation of each map, N × units, and its position; `first` is the index of the image."""
        images = torch.arange(first, first + len(peaks))[:, None].expand_as(positions)
        values = torch.cat([self.values, peaks])
        order = values.sort(dim=0, descending=True, stable=True).indices[: self.most]
        self.values = values.gather(0, order)
        self.images = torch.cat([self.images, images]).gather(0, order)
        self.positions = torch.cat([self.positions, positions]).gather(0, order)


class Firing:
    """Mean activation of each unit by class, and how often it is silent."""

    def __init__(self, units: int, classes: int) -> None:
        self.sums = torch.zeros(classes, units, dtype=torch.float64)
        self.images = torch.zeros(classes, dtype=torch.int64)
        self.silent = torch.zeros(units, dtype=torch.int64)
        self.silent_images = torch.zeros(units, dtype=torch.int64)

    def add(self, values: Tensor, peaks: Tensor, labels: Tensor | None) -> None:
        """Add activations N × units × positions, the largest of each map, and the labels of the images if known."""
        self.silent += tally(values <= 0)
        self.silent_images += (peaks <= 0).sum(0)
        if labels is not None:
            self.sums.index_add_(0, labels, values.clamp_min(0).mean(2, dtype=torch.float64))
            self.images += torch.bincount(labels, minlength=len(self.images))

    def class_means(self) -> NDArray[np.float64]:
        """Return the mean of the positive part, units × classes; 0 for a class without images."""
        means: NDArray[np.float64] = (self.sums / self.images.clamp_min(1)[:, None]).T.numpy()
        return means

    def selectivity(self) -> list[float | None]:
        """Return (a - b) / (a + b) of each unit: a for its best class, b for the mean of the other classes."""
        means = self.class_means()[:, self.images.numpy() > 0]
        if means.shape[1] < 2:
            return [None] * len(means)
        best = means.max(1)
        others = (means.sum(1) - best) / (means.shape[1] - 1)
        return [(a - b) / (a + b) if a + b > 0 else None for a, b in zip(best.tolist(), others.tolist(), strict=True)]
