"""How many images are needed: a power law through the errors at several numbers of images, and how sure it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .records import Entry, Interval, interval_of

_DRAWS = 4_000
_FARTHEST = 100.0  # times the images that there are: beyond, nothing is said


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Accuracy with a number of training images: mean over the seeds, and the 95 % interval."""

    images: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """Error = scale × images ^ -exponent, fitted to the logarithms by least squares.

    Attributes:
        images: the most that it was fitted to.
        error: with so many, as measured: a part of one.
        exponent, exponent_low, exponent_high: with the 95 % interval.
        at_twice, at_twice_low, at_twice_high: error with twice the images, and where a new measurement of it would
            be 95 of 100 times, if the law goes on.
        for_half, for_half_low, for_half_high: images for half the error; None where that is over 100 times as many.
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
        """Whether the error falls for sure with more images."""
        return self.exponent_low > 0


def points_of(entry: Entry) -> tuple[CurvePoint, ...]:
    """Return accuracy by number of training images, from few to all."""
    trials = [*entry.curve, *entry.trials]
    sizes = sorted({trial.trained_on for trial in trials})
    found = []
    for size in sizes:
        mine = [trial for trial in trials if trial.trained_on == size]
        right, total = [trial.correct for trial in mine], mine[0].total
        found.append(
            CurvePoint(images=size, accuracy=sum(right) / (total * len(right)), interval=interval_of(right, total))
        )
    return tuple(found)


def fit_power_law(points: Sequence[CurvePoint], *, test_images: int, seed: int = 0) -> PowerLaw | None:
    """Return the power law through `points`; None from fewer than four.

    The scatter around the line is taken for the noise; where the line fits better by luck than `test_images` images can
    tell, the noise of counting is taken instead. Slope and height are then drawn from Student's t.

    Args:
        points: at different numbers of images.
        test_images: images that each accuracy was counted on.
        seed: of the draws.

    Examples:
        >>> exact = [CurvePoint(images=n, accuracy=1 - n**-0.5, interval=(0, 1)) for n in (100, 400, 1600, 6400)]
        >>> law = fit_power_law(exact, test_images=10**9)
        >>> round(law.exponent, 3), round(law.at_twice, 4), round(law.for_half)
        (0.5, 0.0088, 25600)
    """
    if len(points) < 4:
        return None
    sizes = np.log([point.images for point in points])
    shares = np.array([(1 - point.accuracy) * test_images + 0.5 for point in points]) / (test_images + 1)
    errors = np.log(shares)
    middle = sizes.mean()
    spread = float(((sizes - middle) ** 2).sum())
    slope = float(((sizes - middle) * errors).sum() / spread)
    height = float(errors.mean())
    free = len(points) - 2
    scatter = float(((errors - height - slope * (sizes - middle)) ** 2).sum()) / free
    noise = max(scatter, float(np.mean((1 - shares) / (shares * test_images))))
    draws = np.random.default_rng(seed)
    shake = draws.standard_t(free, (3, _DRAWS)) * noise**0.5
    slopes, heights = slope + shake[0] / spread**0.5, height + shake[1] / len(points) ** 0.5

    def error_at(images: float) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.exp(heights + slopes * (math.log(images) - middle) + shake[2])
        return found

    most, best = points[-1].images, float(shares[-1])
    twice = np.quantile(error_at(2 * most), (0.025, 0.975))
    low, high = (-float(one) for one in np.quantile(slopes, (0.975, 0.025)))
    return PowerLaw(
        images=most,
        error=1 - points[-1].accuracy,
        exponent=-slope,
        exponent_low=low,
        exponent_high=high,
        at_twice=min(1.0, math.exp(height + slope * (math.log(2 * most) - middle))),
        at_twice_low=float(twice[0]),
        at_twice_high=min(1.0, float(twice[1])),
        for_half=_images_for(best / 2, slope, height, middle, most),
        for_half_low=_quantile_for(best / 2, slopes, heights, middle, most, 0.025),
        for_half_high=_quantile_for(best / 2, slopes, heights, middle, most, 0.975),
    )


def _images_for(error: float, slope: float, height: float, middle: float, most: int) -> float | None:
    """Return the images for an error; None where it is never reached, or only with very many more."""
    if slope >= 0:
        return None
    logarithm = middle + (math.log(error) - height) / slope
    return math.exp(logarithm) if logarithm <= math.log(_FARTHEST * most) else None


def _quantile_for(  # noqa: PLR0917  # one place calls it
    error: float, slopes: NDArray[np.float64], heights: NDArray[np.float64], middle: float, most: int, part: float
) -> float | None:
    """Return a quantile of the images for an error over all draws; those that never reach it count as endless."""
    with np.errstate(divide="ignore", over="ignore"):
        logarithms = np.where(slopes < 0, middle + (math.log(error) - heights) / slopes, np.inf)
    found = float(np.quantile(logarithms, part, method="lower"))
    return math.exp(found) if found <= math.log(_FARTHEST * most) else None
