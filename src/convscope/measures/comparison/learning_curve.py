"""Accuracy by number of training images, and a power law through the errors with its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.statistics import Interval, mean_interval

from .records import VariantResult

_DRAWS = 4_000
_FARTHEST = 100.0  # times the number of images: no extrapolation beyond


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Mean accuracy over the seeds with a number of training images, and its 95 % interval."""

    images: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """Error = scale × images ^ -exponent, fitted to the logarithms by least squares.

    Attributes:
        images: the largest number in the fit.
        error: measured with so many, 0…1.
        exponent, exponent_low, exponent_high: with the 95 % interval.
        at_twice, at_twice_low, at_twice_high: error with twice the images, and the 95 % prediction interval of a new
            measurement, if the law continues.
        for_half, for_half_low, for_half_high: images for half the error; None where it is over 100 times as many.
    """

    images: int
    error: float
    exponent: float
    exponent_low: float
    exponent_high: float
    at_twice: float
    at_twice_low: float
    at_twice_high: float
    for_half: float | None
    for_half_low: float | None
    for_half_high: float | None

    @property
    def falls(self) -> bool:
        """Whether the error falls significantly with more images."""
        return self.exponent_low > 0


def points_of(result: VariantResult) -> tuple[CurvePoint, ...]:
    """Return accuracy by number of training images, from few to all."""
    runs = [*result.curve, *result.runs]
    points = []
    for size in sorted({run.trained_on for run in runs}):
        correct = [run.accuracy.correct for run in runs if run.trained_on == size]
        total = runs[0].total
        points.append(
            CurvePoint(
                images=size,
                accuracy=sum(correct) / (total * len(correct)),
                interval=mean_interval(correct, total),
            )
        )
    return tuple(points)


@dataclass(frozen=True, kw_only=True)
class _LogLine:
    """Logarithm of the error = height + slope × (logarithm of the images - center); the fit and random draws of it."""

    center: float
    slope: float
    height: float
    slopes: NDArray[np.float64]
    heights: NDArray[np.float64]
    noise: NDArray[np.float64]

    def at(self, images: float) -> tuple[float, float, float]:
        """Return the error with a number of images, and its 95 % prediction interval."""
        along = math.log(images) - self.center
        low, high = np.quantile(np.exp(self.heights + self.slopes * along + self.noise), (0.025, 0.975))
        return min(1.0, math.exp(self.height + self.slope * along)), float(low), min(1.0, float(high))

    def images_for(self, error: float, most: float) -> list[float | None]:
        """Return the images for an error, and the 95 % interval; None where there are more than `most`."""
        with np.errstate(divide="ignore", over="ignore"):
            draws = np.where(self.slopes < 0, self.center + (math.log(error) - self.heights) / self.slopes, np.inf)
        best = self.center + (math.log(error) - self.height) / self.slope if self.slope < 0 else math.inf
        ends = (float(np.quantile(draws, fraction, method="lower")) for fraction in (0.025, 0.975))
        return [math.exp(end) if end <= math.log(most) else None for end in (best, *ends)]


def fit_power_law(points: Sequence[CurvePoint], *, test_images: int) -> PowerLaw | None:
    """Return the power law through `points`; None from fewer than four.

    The noise is estimated from the residuals, but is at least the sampling noise of `test_images` images. Slope and
    height are then drawn from Student's t.

    Args:
        points: with different numbers of images.
        test_images: images that each accuracy is measured on.

    Examples:
        >>> exact = [CurvePoint(images=n, accuracy=1 - n**-0.5, interval=(0, 1)) for n in (100, 400, 1600, 6400)]
        >>> law = fit_power_law(exact, test_images=10**9)
        >>> round(law.exponent, 3), round(law.at_twice, 4), round(law.for_half)
        (0.5, 0.0088, 25600)
    """
    if len(points) < 4:
        return None
    sizes = np.log([point.images for point in points])
    errors = np.array([(1 - point.accuracy) * test_images + 0.5 for point in points]) / (test_images + 1)
    line = _fitted(sizes, errors, test_images)
    low, high = (-float(end) for end in np.quantile(line.slopes, (0.975, 0.025)))
    most = points[-1].images
    at_twice, twice_low, twice_high = line.at(2 * most)
    for_half, half_low, half_high = line.images_for(float(errors[-1]) / 2, _FARTHEST * most)
    return PowerLaw(
        images=most,
        error=1 - points[-1].accuracy,
        exponent=-line.slope,
        exponent_low=low,
        exponent_high=high,
        at_twice=at_twice,
        at_twice_low=twice_low,
        at_twice_high=twice_high,
        for_half=for_half,
        for_half_low=half_low,
        for_half_high=half_high,
    )


def _fitted(sizes: NDArray[np.float64], errors: NDArray[np.float64], test_images: int) -> _LogLine:
    """Return the line through the logarithms of the errors by least squares; `sizes` are logarithms."""
    logs, center = np.log(errors), sizes.mean()
    spread = float(((sizes - center) ** 2).sum())
    slope = float(((sizes - center) * logs).sum() / spread)
    height = float(logs.mean())
    degrees = len(sizes) - 2
    residual = float(((logs - height - slope * (sizes - center)) ** 2).sum()) / degrees
    variance = max(residual, float(np.mean((1 - errors) / (errors * test_images))))
    draws = np.random.default_rng(0).standard_t(degrees, (3, _DRAWS)) * variance**0.5
    return _LogLine(
        center=center,
        slope=slope,
        height=height,
        slopes=slope + draws[0] / spread**0.5,
        heights=height + draws[1] / len(sizes) ** 0.5,
        noise=draws[2],
    )
