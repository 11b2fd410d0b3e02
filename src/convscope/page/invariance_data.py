"""Robustness and invariance for the page: the record, reduced to what is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

from convscope.core.text import printable
from convscope.measures.invariance_record import Curve, Invariance, Point
from convscope.measures.robustness import Limit

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class StrengthData:
    """Results on images with one strength of a distortion.

    Attributes:
        strength: in the distortion's unit.
        accuracy: 0…1, and its 95 % interval.
        same: fraction of the predictions that stay the same, 0…1.
        layers: of each layer, `changed` and `residual` (`LayerChange`); None where undefined.
        verdicts: on each layer's maps.
    """

    strength: float
    accuracy: float
    interval: tuple[float, float]
    same: float
    layers: tuple[tuple[float | None, float | None], ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LimitData:
    """Where accuracy falls below a fraction of the clean accuracy, in the direction of `sign`; None if it does not.

    `nearest` and `latest` are where the ends of its 95 % interval do.
    """

    sign: int
    fraction: float
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
    """Robustness and invariance of a network.

    Attributes:
        data: name of the dataset; split: the one that is evaluated.
        images: how many.
        accuracy: clean, 0…1, and its 95 % interval.
        chance: accuracy at chance, if the clean accuracy is not above it; then there are no limits.
        margin_px: width of the background around the images.
        layers: names, the classifier last.
        distortions: those that are measured.
    """

    data: str
    split: str
    images: int
    accuracy: float
    interval: tuple[float, float]
    chance: float | None
    margin_px: int
    layers: tuple[str, ...]
    distortions: tuple[DistortionData, ...]


def invariance_data(found: Invariance) -> InvarianceData:
    """Return the data of the page."""
    limits = found.limits()

    def distortion(curve: Curve) -> DistortionData:
        return DistortionData(
            name=printable(curve.distortion)[:LONGEST_NAME],
            unit=printable(curve.unit)[:LONGEST_NAME],
            points=tuple(_strength(point) for point in sorted(curve.points, key=lambda point: point.strength)),
            limits=tuple(_limit(limit) for limit in limits if limit.distortion == curve.distortion),
        )

    return InvarianceData(
        data=printable(found.data)[:LONGEST_NAME],
        split=found.split,
        images=found.images,
        accuracy=_short(found.accuracy.fraction),
        interval=_pair(found.accuracy.interval),
        chance=None if found.above_chance else _short(found.chance),
        margin_px=found.margin_px,
        layers=tuple(printable(name)[:LONGEST_NAME] for name in found.layers),
        distortions=tuple(distortion(curve) for curve in found.curves if curve.points),
    )


def _limit(limit: Limit) -> LimitData:
    return LimitData(
        sign=limit.sign,
        fraction=limit.fraction,
        strength=_rounded(limit.strength),
        nearest=_rounded(limit.nearest),
        latest=_rounded(limit.latest),
        farthest=_short(limit.farthest),
    )


def _strength(point: Point) -> StrengthData:
    return StrengthData(
        strength=_short(point.strength),
        accuracy=_short(point.accuracy.fraction),
        interval=_pair(point.accuracy.interval),
        same=_short(point.consistency),
        layers=tuple((_rounded(layer.changed), _rounded(layer.residual)) for layer in point.layers),
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
