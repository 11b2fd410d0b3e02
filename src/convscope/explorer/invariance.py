"""What the page shows of how a network takes distorted images: the record, cut down to what is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

from convscope.core.statistics import wilson_interval
from convscope.core.text import printable
from convscope.measures.invariance_record import Curve, Invariance, Limit, Point, limits

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class StrengthData:
    """A network on images with one strength of a distortion.

    Attributes:
        strength: in the distortion's unit.
        accuracy: 0…1, and its 95 % interval.
        same: part that keeps its class, 0…1.
        layers: of each layer, how far its maps are from the undistorted ones, and how far they still are when those are
            moved along; as parts of the distance between two different images, None where that has no meaning.
        verdicts: what that makes each layer's maps, in a word or two.
    """

    strength: float
    accuracy: float
    interval: tuple[float, float]
    same: float
    layers: tuple[tuple[float | None, float | None], ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LimitData:
    """Where accuracy falls below a part of the undistorted one, in the direction of `sign`; None if it did not.

    `nearest` and `latest` are where the ends of its 95 % interval do.
    """

    sign: int
    part: float
    strength: float | None
    nearest: float | None
    latest: float | None
    farthest: float


@dataclass(frozen=True, kw_only=True)
class DistortionData:
    """One distortion, by strength, in order; without strength 0."""

    name: str
    unit: str
    points: tuple[StrengthData, ...]
    limits: tuple[LimitData, ...]


@dataclass(frozen=True, kw_only=True)
class InvarianceData:
    """How a network takes distorted images.

    Attributes:
        data: name of the set; part: which of its images.
        images: how many.
        accuracy: undistorted, 0…1, and its 95 % interval.
        chance: part that is right without looking, where the accuracy is not above it; then there are no limits.
        margin_px: of background put around the images.
        layers: names, the classifier last.
        distortions: those that were measured.
    """

    data: str
    part: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    chance: float | None
    margin_px: int
    layers: tuple[str, ...]
    distortions: tuple[DistortionData, ...]


def invariance_data(found: Invariance) -> InvarianceData:
    """Return what the page shows of `found`."""
    falls = limits(found)

    def distortion(curve: Curve) -> DistortionData:
        return DistortionData(
            name=printable(curve.distortion)[:LONGEST_NAME],
            unit=printable(curve.unit)[:LONGEST_NAME],
            points=tuple(_strength(point) for point in sorted(curve.points, key=lambda point: point.strength)),
            limits=tuple(_limit(one) for one in falls if one.distortion == curve.distortion),
        )

    return InvarianceData(
        data=printable(found.data)[:LONGEST_NAME],
        part=found.part,
        images=found.images,
        accuracy=_short(found.accuracy),
        interval=_pair(wilson_interval(found.correct, found.images)),
        chance=None if found.above_chance else _short(found.chance),
        margin_px=found.margin_px,
        layers=tuple(printable(name)[:LONGEST_NAME] for name in found.layers),
        distortions=tuple(distortion(curve) for curve in found.curves if curve.points),
    )


def _limit(one: Limit) -> LimitData:
    return LimitData(
        sign=one.sign,
        part=one.part,
        strength=_rounded(one.strength),
        nearest=_rounded(one.nearest),
        latest=_rounded(one.latest),
        farthest=_short(one.farthest),
    )


def _strength(point: Point) -> StrengthData:
    return StrengthData(
        strength=_short(point.strength),
        accuracy=_short(point.accuracy),
        interval=_pair(point.interval),
        same=_short(point.consistency),
        layers=tuple((_rounded(layer.changed), _rounded(layer.left)) for layer in point.layers),
        verdicts=tuple(layer.verdict for layer in point.layers),
    )


def _pair(values: Iterable[float]) -> tuple[float, float]:
    low, high = values
    return _short(low), _short(high)


def _rounded(value: float | None) -> float | None:
    return None if value is None else _short(value)


def _short(value: float) -> float:
    """Return four digits of `value`; the page shows three."""
    return float(f"{value:.4g}")
