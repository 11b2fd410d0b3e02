"""How much better one kind is than another, on the same images: with its interval, so that chance is told apart."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convscope.core.errors import DataError
from convscope.core.statistics import mean_half_width

from .records import Entry, Interval


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Accuracy of `first` less that of `second`, as a part of one, with the 95 % interval.

    Attributes:
        first, second: titles.
        value: the mean.
        low, high: of the interval; it takes in which images were evaluated and, with several seeds, the trainings. It
            is wider than that of 95 % where the two were chosen among several.
        seeds: trainings of the one that has more.
    """

    first: str
    second: str
    value: float
    low: float
    high: float
    seeds: int

    @property
    def told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def interval(self) -> Interval:
        """Its two ends."""
        return self.low, self.high


def difference(first: Entry, second: Entry, *, among: int = 1) -> Difference:
    """Return how much more of the images `first` recognizes than `second`, paired by image and by seed.

    Two variances are added: that of the images (of the mean over seeds of right or wrong, first less second) and,
    with at least two seeds, that of the trainings (of the differences seed by seed, by Student's t). To the images
    are added one that only `first` recognizes and one that only `second` does, so that a few on which they differ are
    no proof (Bonett and Price 2012).

    Args:
        first: a kind.
        second: another, evaluated on the same images.
        among: how many such differences are looked at together; each then has its part of the 5 % (Bonferroni).

    Raises:
        DataError: they were not evaluated on the same images.
    """
    mine, theirs = ([trial.answers().astype(float) for trial in one.trials] for one in (first, second))
    if not mine or not theirs or len(mine[0]) != len(theirs[0]):
        raise DataError(
            f"Two kinds must be evaluated on the same images to be told apart. Got {len(mine and mine[0]):,} and "
            f"{len(theirs and theirs[0]):,} ({first.kind} and {second.kind}). Compare anew."
        )
    confidence = 1 - 0.05 / among
    of_images = np.mean(mine, axis=0) - np.mean(theirs, axis=0)
    value = float(of_images.mean())
    widened = np.append(of_images, (1.0, -1.0))
    deviations = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    halves = [deviations * float(widened.std(ddof=1)) / len(widened) ** 0.5]
    ours, others = ([(one.seed, one.accuracy) for one in kind.trials] for kind in (first, second))
    halves += of_trainings(ours, others, confidence)
    half = sum(one**2 for one in halves) ** 0.5
    return Difference(
        first=first.title,
        second=second.title,
        value=value,
        low=max(-1.0, value - half),
        high=min(1.0, value + half),
        seeds=max(len(mine), len(theirs)),
    )


def of_trainings(
    first: Sequence[tuple[int, float]], second: Sequence[tuple[int, float]], confidence: float = 0.95
) -> list[float]:
    """Return half-widths that different trainings alone give; what has only one training has no variance.

    Args:
        first: seed and value of each training of a kind.
        second: those of another; with the same seeds, differences are taken seed by seed.
        confidence: of the interval.
    """
    mine, theirs = ([value for _, value in one] for one in (first, second))
    if [seed for seed, _ in first] == [seed for seed, _ in second]:
        spreads = [[one - other for one, other in zip(mine, theirs, strict=True)]]
    else:
        spreads = [mine, theirs]
    return [mean_half_width(spread, confidence) for spread in spreads if len(spread) > 1]
