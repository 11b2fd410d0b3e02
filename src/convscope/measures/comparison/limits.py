"""LeCun's estimate, measured: how strong a distortion may be before accuracy falls below a part of what it was."""

from dataclasses import dataclass

from convscope.measures.invariance_record import falls_below

from .records import Entry

PARTS = (0.95, 0.9, 0.5)
SIDES: dict[tuple[str, int], str] = {
    ("shift-x", -1): "shifted left (px)",
    ("shift-x", 1): "shifted right (px)",
    ("shift-y", -1): "shifted up (px)",
    ("shift-y", 1): "shifted down (px)",
    ("rotation", -1): "turned to the left (degrees)",
    ("rotation", 1): "turned to the right (degrees)",
    ("scale", -1): "made smaller (times)",
    ("scale", 1): "made larger (times)",
    ("elastic", 1): "bent (px)",
    ("noise", 1): "noisy (part of the range)",
}
"""Each distortion and way in words."""


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


def limit_text(one: KindLimit) -> str:
    """Return how far it goes, without the sign, in the unit of `SIDES`.

    Examples:
        >>> one = KindLimit(distortion="scale", unit="ratio - 1", sign=-1, part=0.9, strength=-0.25, farthest=-0.5)
        >>> limit_text(one)
        '0.75'
        >>> limit_text(KindLimit(distortion="noise", unit="", sign=1, part=0.5, strength=None, farthest=0.4))
        'beyond 0.4'
    """
    value = one.farthest if one.strength is None else one.strength
    shown = 1 + value if one.distortion == "scale" else abs(value)
    return f"{'beyond ' if one.strength is None else ''}{shown:.2g}"


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
    found = falls_below(part * points[0][1], points)
    strength = None if found is None else sign * found
    return KindLimit(distortion=name, unit=unit, sign=sign, part=part, strength=strength, farthest=sign * points[-1][0])
