"""How much better one kind is than another, on the same pictures: with its interval, so that chance is told apart."""

import statistics
from dataclasses import dataclass

import numpy as np

from convscope.core.errors import DataError

from .records import Entry, Interval


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Accuracy of `first` less that of `second`, as a part of one, with the 95 % interval.

    Attributes:
        first, second: titles.
        value: the mean.
        low, high: of the interval; it takes in which pictures were judged and, with several seeds, the trainings.
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
        """The 95 % interval."""
        return self.low, self.high


def difference(first: Entry, second: Entry) -> Difference:
    """Return how much more of the pictures `first` recognizes than `second`, paired by picture and by seed.

    Two variances are added: that of the pictures (of the mean over seeds of right or wrong, first less second) and,
    with at least two seeds, that of the trainings (of the differences seed by seed, by Student's t).

    Raises:
        DataError: they were not judged on the same pictures.
    """
    mine, theirs = ([trial.answers().astype(float) for trial in one.trials] for one in (first, second))
    if not mine or not theirs or len(mine[0]) != len(theirs[0]):
        raise DataError(
            f"Two kinds must be judged on the same pictures to be told apart. Got {len(mine and mine[0]):,} and "
            f"{len(theirs and theirs[0]):,} ({first.kind} and {second.kind}). Compare anew."
        )
    of_pictures = np.mean(mine, axis=0) - np.mean(theirs, axis=0)
    value = float(of_pictures.mean())
    halves = [1.96 * float(of_pictures.std(ddof=1)) / len(of_pictures) ** 0.5 if len(of_pictures) > 1 else 1.0]
    if len(mine) > 1 or len(theirs) > 1:
        halves.append(_half_of_seeds([one.mean() for one in mine], [one.mean() for one in theirs]))
    half = sum(one**2 for one in halves) ** 0.5
    return Difference(
        first=first.title,
        second=second.title,
        value=value,
        low=max(-1.0, value - half),
        high=min(1.0, value + half),
        seeds=max(len(mine), len(theirs)),
    )


def _half_of_seeds(mine: list[float], theirs: list[float]) -> float:
    """Return half of the interval that different trainings alone give; what has only one training has no variance."""
    from scipy.stats import t

    if len(mine) == len(theirs):
        spread = [one - other for one, other in zip(mine, theirs, strict=True)]
    else:
        spread = mine if len(mine) > 1 else theirs
    half: float = float(t.ppf(0.975, len(spread) - 1)) * statistics.stdev(spread) / len(spread) ** 0.5
    return half
