"""Confidence intervals of proportions and means."""

import statistics
from collections.abc import Sequence

from .errors import ParameterError


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
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
    proportion, spread = correct / total, z * z / total
    center = (proportion + spread / 2) / (1 + spread)
    half = z * (proportion * (1 - proportion) / total + spread / (4 * total)) ** 0.5 / (1 + spread)
    low = 0.0 if correct == 0 else max(0.0, center - half)
    high = 1.0 if correct == total else min(1.0, center + half)
    return low, high


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
