"""LeCun's estimate, measured: how strong a distortion may be before accuracy falls below a part of what it was."""

from dataclasses import dataclass

from .records import Entry

PARTS = (0.95, 0.9, 0.5)


@dataclass(frozen=True, kw_only=True)
class KindLimit:
    """The strength at which accuracy falls below a part of the undistorted one.

    Attributes:
        distortion, unit: which.
        sign: -1 or 1: which way.
        part: of the undistorted accuracy, 0…1.
        strength: between two measured ones by a straight line; None if it did not fall so far.
        farthest: the strongest that was measured.
    """

    distortion: str
    unit: str
    sign: int
    part: float
    strength: float | None
    farthest: float


def limits_of(entry: Entry) -> tuple[KindLimit, ...]:
    """Return where accuracy falls below 95 %, 90 % and 50 % of the undistorted one, for each distortion and way."""
    found = []
    units = dict.fromkeys((one.distortion, one.unit) for one in entry.trials[0].disturbed)
    for name, unit in units:
        for sign in (-1, 1):
            points = sorted((sign * one.value, one.accuracy) for one in entry.points(name) if sign * one.value >= 0)
            if len(points) > 1:
                found += [_limit(name, unit, sign, part, points) for part in PARTS]
    return tuple(found)


def _limit(name: str, unit: str, sign: int, part: float, points: list[tuple[float, float]]) -> KindLimit:
    bound, before = part * points[0][1], points[0]
    strength = None
    for point in points[1:]:
        if point[1] < bound:
            share = (before[1] - bound) / (before[1] - point[1])
            strength = sign * (before[0] + share * (point[0] - before[0]))
            break
        before = point
    return KindLimit(
        distortion=name, unit=unit, sign=sign, part=part, strength=strength, farthest=sign * points[-1][0]
    )
