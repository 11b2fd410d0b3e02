"""The robustness of a network on the page: its record, cut down to what is drawn."""

from dataclasses import dataclass

from convscope.measures.invariance_record import Curve, Invariance, Point
from convscope.measures.robustness import Limit

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class StrengthData:
    """A network on images with one strength of a distortion.

    Attributes:
        strength: in the distortion's unit.
        accuracy: 0…1, and its 95 % interval.
        same: fraction that keeps its class, 0…1.
        layers: of each layer, the distance of its maps from the clean ones, and from the clean ones moved along; as
            fractions of the distance between two different images, None where that has no meaning.
        verdicts: of each layer, in a word or two.
    """

    strength: float
    accuracy: float
    interval: tuple[float, float]
    same: float
    layers: tuple[tuple[float | None, float | None], ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DistortionData:
    """One distortion, by strength, in order; without strength 0."""

    name: str
    unit: str
    points: tuple[StrengthData, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, kw_only=True)
class InvarianceData:
    """Robustness of a network to distortions.

    Attributes:
        data: name of the dataset; split: the one that is evaluated.
        images: how many.
        accuracy: on clean images, 0…1, and its 95 % interval.
        chance: accuracy of chance, where the accuracy is not above it; then there are no limits.
        margin_px: of background put around the images.
        layers: names, the classifier last.
        distortions: those that were measured.
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


def invariance_data(invariance: Invariance) -> InvarianceData:
    """Return `invariance` for the page, with what follows from its counts."""
    bounds = invariance.limits()

    def distortion(curve: Curve) -> DistortionData:
        return DistortionData(
            name=curve.distortion[:LONGEST_NAME],
            unit=curve.unit[:LONGEST_NAME],
            points=tuple(_strength(point) for point in sorted(curve.points, key=lambda point: point.strength)),
            limits=tuple(limit for limit in bounds if limit.distortion == curve.distortion),
        )

    return InvarianceData(
        data=invariance.data[:LONGEST_NAME],
        split=invariance.split,
        images=invariance.images,
        accuracy=invariance.accuracy.fraction,
        interval=invariance.accuracy.interval,
        chance=None if invariance.above_chance else invariance.chance,
        margin_px=invariance.margin_px,
        layers=tuple(name[:LONGEST_NAME] for name in invariance.layers),
        distortions=tuple(distortion(curve) for curve in invariance.curves if curve.points),
    )


def _strength(point: Point) -> StrengthData:
    return StrengthData(
        strength=point.strength,
        accuracy=point.accuracy.fraction,
        interval=point.accuracy.interval,
        same=point.consistency,
        layers=tuple((layer.changed, layer.residual) for layer in point.layers),
        verdicts=tuple(layer.verdict for layer in point.layers),
    )
