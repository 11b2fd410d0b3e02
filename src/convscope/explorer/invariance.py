"""The robustness of a network on the page: its record, cut down to what is drawn."""

from dataclasses import dataclass

from convscope.measures.distortions.family import amount_of, phrase_of, ways_of
from convscope.measures.invariance_record import Curve, Invariance, Point
from convscope.measures.robustness import Limit

LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class StrengthData:
    """A network on images with one strength of a distortion.

    Attributes:
        strength: in the distortion's unit; words: what it does to an image.
        accuracy: 0…1, and its 95 % interval.
        same: fraction that keeps its class, 0…1.
        layers: of each layer, the distance of its maps from the clean ones, and from the clean ones moved along; as
            fractions of the distance between two different images, None where that has no meaning.
        verdicts: of each layer, in a word or two.
    """

    strength: float
    words: str
    accuracy: float
    interval: tuple[float, float]
    same: float
    layers: tuple[tuple[float | None, float | None], ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LimitData:
    """Where accuracy falls below a fraction of the clean accuracy, in one direction.

    Attributes:
        sign: -1 or 1, the direction; fraction: of the clean accuracy, 0…1.
        reached: whether it falls within the measured strengths.
        words: what is done to an image there, or with the strongest that was measured; amount: the strength alone.
        low, high: where the ends of accuracy's 95 % interval fall below the same bound; empty beyond `farthest`.
        farthest: the strongest that was measured.
    """

    sign: int
    fraction: float
    reached: bool
    words: str
    amount: str
    low: str
    high: str
    farthest: str


@dataclass(frozen=True, kw_only=True)
class DistortionData:
    """One distortion, by strength, in order; without strength 0. Its title says what it does, in both directions."""

    name: str
    title: str
    unit: str
    points: tuple[StrengthData, ...]
    limits: tuple[LimitData, ...]


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
            title=ways_of(curve.distortion)[:LONGEST_NAME],
            unit=curve.unit[:LONGEST_NAME],
            points=tuple(
                _strength(curve.distortion, point) for point in sorted(curve.points, key=lambda point: point.strength)
            ),
            limits=tuple(_limit(limit) for limit in bounds if limit.distortion == curve.distortion),
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


def _limit(limit: Limit) -> LimitData:
    def amount(strength: float | None) -> str:
        return "" if strength is None else amount_of(limit.distortion, float(f"{strength:.3g}"))[:LONGEST_NAME]

    strength = limit.farthest if limit.strength is None else float(f"{limit.strength:.3g}")
    return LimitData(
        sign=limit.sign,
        fraction=limit.fraction,
        reached=limit.strength is not None,
        words=phrase_of(limit.distortion, strength)[:LONGEST_NAME],
        amount=amount(strength),
        low=amount(limit.nearest),
        high=amount(limit.latest),
        farthest=amount(limit.farthest),
    )


def _strength(name: str, point: Point) -> StrengthData:
    return StrengthData(
        strength=point.strength,
        words=phrase_of(name, point.strength)[:LONGEST_NAME],
        accuracy=point.accuracy.fraction,
        interval=point.accuracy.interval,
        same=point.consistency,
        layers=tuple((layer.changed, layer.residual) for layer in point.layers),
        verdicts=tuple(layer.verdict for layer in point.layers),
    )
