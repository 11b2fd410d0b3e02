"""Proportions, means and their confidence intervals."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import DataError, ParameterError

Interval = tuple[float, float]
"""The lower and the upper end of a confidence interval."""


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A number of successes out of a total, such as correct predictions.

    It compares, formats and converts as its fraction: ``accuracy > 0.9``, ``f"{accuracy:.1%}"``, ``float(accuracy)``.

    Raises:
        DataError: `total` is below 1, or `correct` is not from 0 to `total`.

    Examples:
        >>> accuracy = Proportion(correct=90, total=100)
        >>> accuracy.fraction, f"{accuracy.interval[0]:.3f} {accuracy.interval[1]:.3f}"
        (0.9, '0.826 0.945')
        >>> accuracy > 0.8, f"{accuracy:.1%}", str(accuracy)
        (True, '90.0%', '0.9')
    """

    correct: int
    total: int

    def __post_init__(self) -> None:
        """Validate the counts."""
        if self.total < 1 or not 0 <= self.correct <= self.total:
            raise DataError(
                f"`correct` must be from 0 to the total, and the total at least 1. Got {self.correct:,} of "
                f"{self.total:,}. Measure again."
            )

    @property
    def fraction(self) -> float:
        """`correct` divided by `total`, 0…1."""
        return self.correct / self.total

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval of the fraction."""
        return wilson_interval(self.correct, self.total)

    def __float__(self) -> float:
        """Return the fraction."""
        return self.fraction

    def __format__(self, spec: str) -> str:
        """Return the fraction as text."""
        return format(self.fraction, spec)

    def __str__(self) -> str:
        """Return the fraction as text."""
        return str(self.fraction)

    def __lt__(self, other: "Proportion | float") -> bool:
        """Compare fractions."""
        return self.fraction < float(other)

    def __le__(self, other: "Proportion | float") -> bool:
        """Compare fractions."""
        return self.fraction <= float(other)

    def __gt__(self, other: "Proportion | float") -> bool:
        """Compare fractions."""
        return self.fraction > float(other)

    def __ge__(self, other: "Proportion | float") -> bool:
        """Compare fractions."""
        return self.fraction >= float(other)


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> Interval:
    """Return the Wilson score interval of a proportion: `correct` of `total` independent trials.

    Unlike the proportion ± a multiple of its standard error, it is accurate near 0 and 1 (Wilson 1927; Brown, Cai and
    DasGupta 2001).

    Args:
        correct: trials that succeeded.
        total: all trials; the interval of 0 trials is (0, 1).
        confidence: fraction of such intervals that contain the true proportion, between 0 and 1.

    Raises:
        ParameterError: `correct` is not within 0…total, or `confidence` not between 0 and 1.

    Examples:
        >>> low, high = wilson_interval(9_940, 10_000)
        >>> f"{low:.4f} {high:.4f}"
        '0.9923 0.9953'
        >>> wilson_interval(0, 0)
        (0.0, 1.0)
    """
    if not 0 <= correct <= total:
        raise ParameterError(f"`correct` must be between 0 and `total`. Got {correct} (of {total}).")
    if not 0 < confidence < 1:
        raise ParameterError(f"`confidence` must be between 0 and 1, for example 0.95. Got {confidence}.")
    if total == 0:
        return 0.0, 1.0
    z = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    fraction, spread = correct / total, z * z / total
    midpoint = (fraction + spread / 2) / (1 + spread)
    half = z * (fraction * (1 - fraction) / total + spread / (4 * total)) ** 0.5 / (1 + spread)
    low = 0.0 if correct == 0 else max(0.0, midpoint - half)
    high = 1.0 if correct == total else min(1.0, midpoint + half)
    return low, high


def paired_interval(lost: int, gained: int, total: int) -> Interval:
    """Return the 95 % interval of the difference of two accuracies on the same images: (gained - lost) / total.

    Wald's interval with half an image added to each of the four counts, which is accurate for small counts, too
    (Agresti and Min 2005).

    Args:
        lost: images that are correct before only.
        gained: images that are correct after only.
        total: all images.

    Examples:
        >>> low, high = paired_interval(1, 0, 200)
        >>> f"{low:+.4f} {high:+.4f}"
        '-0.0187 +0.0088'
    """
    if min(lost, gained) < 0 or lost + gained > total or total < 1:
        raise ParameterError(
            f"`lost` and `gained` must be counts within `total`. Got {lost} and {gained} (of {total})."
        )
    z = statistics.NormalDist().inv_cdf(0.975)
    count, difference = total + 2, (gained - lost) / (total + 2)
    half = z * max(0.0, (lost + gained + 1) / count - difference * difference) ** 0.5 / count**0.5
    return max(-1.0, difference - half), min(1.0, difference + half)


def mean_interval(correct: Sequence[int], total: int) -> Interval:
    """Return the 95 % interval of the mean accuracy of several runs (Student's t); of one run, Wilson's.

    Args:
        correct: correct predictions of each run.
        total: predictions of each run.

    Examples:
        >>> low, high = mean_interval([90, 92, 94], 100)
        >>> f"{low:.3f} {high:.3f}"
        '0.870 0.970'
    """
    if len(correct) == 1:
        return wilson_interval(correct[0], total)
    fractions = [count / total for count in correct]
    mean, half = statistics.fmean(fractions), mean_half_width(fractions)
    return max(0.0, mean - half), min(1.0, mean + half)


def mean_half_width(values: Sequence[float], confidence: float = 0.95) -> float:
    """Return half the width of the confidence interval of the mean of independent `values`, by Student's t.

    Args:
        values: at least two.
        confidence: fraction of such intervals that contain the true mean, between 0 and 1.

    Raises:
        ParameterError: there are fewer than two values.

    Examples:
        >>> f"{mean_half_width([0.89, 0.90, 0.91]):.4f}"  # t of 2 degrees of freedom: 4.3027
        '0.0248'
    """
    from scipy.stats import t

    if len(values) < 2:
        raise ParameterError(f"`values` must be at least two for an interval of their mean. Got {len(values)}.")
    half: float = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return half
