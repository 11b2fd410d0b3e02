"""Accuracy by strength of a distortion, and the strength at which it falls below a fraction of the clean accuracy."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.statistics import Interval

FRACTIONS = (0.95, 0.9, 0.5)
"""Fractions of the clean accuracy: the bounds that limits are searched for."""


@dataclass(frozen=True, kw_only=True)
class StrengthAccuracy:
    """Accuracy at one strength of a distortion, 0…1, with its 95 % interval."""

    strength: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The strength at which accuracy falls below a fraction of the clean accuracy; None if it does not.

    The interval is where the two ends of accuracy's 95 % interval fall below the same bound.

    Attributes:
        distortion: its name.
        sign: -1 or 1, the direction.
        fraction: of the clean accuracy, 0…1.
        strength: interpolated linearly between measured strengths.
        nearest: of the interval, where the lower end of accuracy's interval falls below.
        latest: of the interval, where the upper end does.
        farthest: the strongest that was measured.
    """

    distortion: str
    sign: int
    fraction: float
    strength: float | None
    nearest: float | None
    latest: float | None
    farthest: float


def limits_of(distortion: str, points: Sequence[StrengthAccuracy], clean: float) -> tuple[Limit, ...]:
    """Return where accuracy falls below 95 %, 90 % and 50 % of the clean accuracy, in each measured direction.

    Args:
        distortion: its name.
        points: accuracy by strength, in any order; strength 0 is ignored.
        clean: accuracy without distortion, 0…1.
    """
    limits = []
    for sign in (-1, 1):
        side = sorted((point for point in points if sign * point.strength > 0), key=lambda point: abs(point.strength))
        if side:
            limits += [_limit(distortion, sign, fraction, side, clean) for fraction in FRACTIONS]
    return tuple(limits)


def falls_below(bound: float, points: Sequence[tuple[float, float]]) -> float | None:
    """Return the strength at which accuracy falls below `bound`, interpolated linearly; None if it does not.

    Args:
        bound: the accuracy.
        points: pairs of strength and accuracy, the strengths ascending; the first accuracy is not below the bound.

    Examples:
        >>> falls_below(0.5, [(0.0, 1.0), (2.0, 0.0)])
        1.0
    """
    for before, point in itertools.pairwise(points):
        if point[1] < bound:
            fraction = (before[1] - bound) / (before[1] - point[1])
            return before[0] + fraction * (point[0] - before[0])
    return None


def _limit(distortion: str, sign: int, fraction: float, points: Sequence[StrengthAccuracy], clean: float) -> Limit:
    def crossing(accuracies: Sequence[float]) -> float | None:
        strengths = [abs(point.strength) for point in points]
        strength = falls_below(fraction * clean, [(0.0, clean), *zip(strengths, accuracies, strict=True)])
        return None if strength is None else sign * strength

    return Limit(
        distortion=distortion,
        sign=sign,
        fraction=fraction,
        strength=crossing([point.accuracy for point in points]),
        nearest=crossing([point.interval[0] for point in points]),
        latest=crossing([point.interval[1] for point in points]),
        farthest=points[-1].strength,
    )
