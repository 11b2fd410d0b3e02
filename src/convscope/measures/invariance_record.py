"""What was measured of a network on distorted images, as records that go to JSON and come back."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from convscope.core.errors import DataError
from convscope.core.records import UNRECORDED
from convscope.core.statistics import wilson_interval
from convscope.core.text import counted, printable
from convscope.images.inspection import Problem
from convscope.layers.convolution import Convolution
from convscope.layers.pooling import Pooling
from convscope.networks.layout import Layout

FORMAT_VERSION = 1
EXACT = 1e-3  # distances up to here are rounding


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """How far the maps of one layer are from those of the undistorted images.

    Every number is a distance as a part of that between two different images: 0 is no change, 1 as if another image
    had been shown. None where it has no meaning.

    Attributes:
        changed: between the maps before and after.
        left: between the maps after, and those before moved as the image was; what no movement explains.
        changed_inside, left_inside: the same at places that see neither the edge nor what came in there.
    """

    changed: float | None
    left: float | None = None
    changed_inside: float | None = None
    left_inside: float | None = None

    @property
    def moved(self) -> float | None:
        """Part of the change, squared, that is movement: equivariance. 0…1; below 0 where moving makes it worse."""
        if self.changed is None or self.left is None or self.changed == 0:
            return None
        share = self.left / self.changed  # of a damaged record it may be too large to be squared
        moved = 1 - share * share
        return moved if math.isfinite(moved) else None

    @property
    def verdict(self) -> str:
        """What that makes the maps, in a word or two.

        ``invariant``: they are what they were. ``equivariant``: they are those of before, moved along; ``equivariant
        inside``: but for places that see the edge. ``in part``: some of the change is movement. ``changed``: none of it
        is, or there is nothing that could move.
        """
        if self.changed is None or self.changed <= EXACT:
            return "" if self.changed is None else "invariant"
        if self.left is not None and self.left <= EXACT:
            return "equivariant"
        if self.left_inside is not None and self.changed_inside and self.left_inside <= EXACT < self.changed_inside:
            return "equivariant inside"
        return "in part" if self.moved is not None and self.moved > 0.01 else "changed"


def _check_counts(correct: int, images: int) -> None:
    """Refuse numbers of images that no measurement gives."""
    if images < 1:
        raise DataError(f"`images` must be at least 1. Got {images}. Measure it anew.")
    if not 0 <= correct <= images:
        raise DataError(f"`correct` must be from 0 to the {counted(images, 'image')}. Got {correct}. Measure it anew.")


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network on images with one strength of one distortion.

    Attributes:
        strength: in the distortion's unit.
        images: how many.
        correct: how many were recognized.
        same: how many got the class that they have undistorted.
        same_of_correct: how many of those that are right undistorted.
        correct_before: how many are right undistorted.
        probability_change: mean change of the probability of the class that was answered undistorted, 0…1.
        left_canvas: part of what differs from the background that is no longer in the image, 0…1.
        layers: of the network, the classifier last.
    """

    strength: float
    images: int
    correct: int
    same: int
    same_of_correct: int
    correct_before: int
    probability_change: float
    left_canvas: float
    layers: tuple[LayerChange, ...]

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        _check_counts(self.correct, self.images)

    @property
    def accuracy(self) -> float:
        """Part that is correct, 0…1."""
        return self.correct / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson)."""
        return wilson_interval(self.correct, self.images)

    @property
    def consistency(self) -> float:
        """Part that keeps its class, 0…1."""
        return self.same / self.images

    @property
    def consistency_of_correct(self) -> float | None:
        """Part of those right before that keep their class, 0…1."""
        return self.same_of_correct / self.correct_before if self.correct_before else None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One distortion, by strength, in order; without strength 0, which is the record's own accuracy."""

    distortion: str
    unit: str
    points: tuple[Point, ...]

    def at(self, point: Point) -> str:
        """Return one of the points in words.

        Examples:
            >>> from types import SimpleNamespace
            >>> Curve(distortion="jpeg", unit="100 - quality", points=()).at(SimpleNamespace(strength=50.0))
            'jpeg by 50 (100 - quality)'
        """
        unit = f"({self.unit})" if " " in self.unit else self.unit
        return f"{self.distortion} by {point.strength:g} {unit}"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The strength at which accuracy falls below a part of the undistorted one; None if it did not, as far as measured.

    Its interval is where the two ends of accuracy's 95 % interval fall below the same bound, which counts as given.

    Attributes:
        distortion: its name.
        sign: -1 or 1: which way.
        part: of the undistorted accuracy, 0…1.
        strength: between two measured ones by a straight line.
        nearest: of the interval, where the lower end of accuracy's interval falls below.
        latest: of the interval, where the upper end does.
        farthest: the strongest that was measured.
    """

    distortion: str
    sign: int
    part: float
    strength: float | None
    nearest: float | None
    latest: float | None
    farthest: float


@dataclass(frozen=True, kw_only=True)
class Invariance:
    """How a network takes distorted images.

    Attributes:
        layout: of the network.
        data: name of the set; part: which of its images.
        images: how many; correct: how many of them are recognized undistorted.
        margin_px: of background put around the images.
        seed: of what is random.
        layers: names of the network's layers, the classifier last.
        curves: by distortion.
        classes: of the network; most_of_one: images of the class that most are of; 0 where an old record has none.
        unusable: what was left out, and why; not in the document.
    """

    format_version: int = FORMAT_VERSION
    layout: str
    data: str
    part: str
    images: int
    correct: int
    margin_px: int
    seed: int
    layers: tuple[str, ...]
    curves: tuple[Curve, ...]
    classes: int = 0
    most_of_one: int = 0
    unusable: tuple[Problem, ...] = field(default=(), compare=False, metadata={UNRECORDED: True})

    def __post_init__(self) -> None:
        """Refuse counts that cannot be, and points of other layers."""
        _check_counts(self.correct, self.images)
        if not 0 <= self.most_of_one <= self.images:
            raise DataError(
                f"`most_of_one` must be from 0 to the {counted(self.images, 'image')}. Got {self.most_of_one}. "
                "Measure it anew."
            )
        if not self.curves or not all(curve.points for curve in self.curves):
            raise DataError("`curves` must have at least one, each with a point. Got none. Measure it anew.")
        texts = [
            self.data,
            self.part,
            *self.layers,
            *(text for one in self.curves for text in (one.distortion, one.unit)),
        ]
        for text in texts:
            if printable(text) != text:
                raise DataError(f"`curves` must have names to be printed. Got {printable(text)!r}. Measure it anew.")
        for curve in self.curves:
            for point in curve.points:
                if len(point.layers) != len(self.layers):
                    raise DataError(
                        f"`layers` of a point must be {len(self.layers)} as those of the network. "
                        f"Got {len(point.layers)} ({curve.at(point)}). Measure it anew."
                    )

    @property
    def accuracy(self) -> float:
        """Part that is right undistorted, 0…1."""
        return self.correct / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson)."""
        return wilson_interval(self.correct, self.images)

    @property
    def chance(self) -> float:
        """Part that is right without looking, 0…1: any class at random, or always that of most; 0 where unknown."""
        return max(1 / self.classes if self.classes else 0.0, self.most_of_one / self.images)

    @property
    def above_chance(self) -> bool:
        """Whether the whole interval of the undistorted accuracy is above chance."""
        return self.interval[0] > self.chance

    @property
    def stages(self) -> tuple[int | None, ...]:
        """Number of the stage that each layer belongs to, from 1; None for the classifier.

        A pooling belongs to the stage of the convolution that it follows.
        """
        stages = Layout.parse(self.layout).stages
        pairs = zip((None, *stages), stages, strict=False)
        begins = (not (isinstance(one, Pooling) and isinstance(before, Convolution)) for before, one in pairs)
        return (*itertools.accumulate(map(int, begins)), None)

    def shown(self, curve: Curve) -> Point:
        """Return the point of a curve whose ledger is shown where there is room for one: a weak one above 0."""
        above = sorted((point for point in curve.points if point.strength > 0), key=lambda point: point.strength)
        ranked = above or sorted(curve.points, key=lambda point: -point.strength)
        return ranked[(len(ranked) - 1) // 3]


PARTS = (0.95, 0.9, 0.5)


def limits(found: Invariance) -> tuple[Limit, ...]:
    """Return where accuracy falls below 95 %, 90 % and 50 % of what it is undistorted, each way.

    None where it is not above chance undistorted: parts of it mean nothing.
    """
    if not found.above_chance:
        return ()
    result = []
    for curve in found.curves:
        for sign in (-1, 1):
            points = sorted((one for one in curve.points if sign * one.strength > 0), key=lambda one: abs(one.strength))
            if points:
                result += [_limit(curve.distortion, sign, part, points, found.accuracy) for part in PARTS]
    return tuple(result)


def falls_below(bound: float, points: Sequence[tuple[float, float]]) -> float | None:
    """Return the strength at which accuracy falls below `bound` (a straight line between points), or None.

    Args:
        bound: the accuracy.
        points: strengths, rising, each with its accuracy; the first is not below the bound.

    Examples:
        >>> falls_below(0.5, [(0.0, 1.0), (2.0, 0.0)])
        1.0
    """
    for before, point in itertools.pairwise(points):
        if point[1] < bound:
            share = (before[1] - bound) / (before[1] - point[1])
            return before[0] + share * (point[0] - before[0])
    return None


def _limit(name: str, sign: int, part: float, points: Sequence[Point], undistorted: float) -> Limit:
    def crossed(values: Sequence[float]) -> float | None:
        strengths = [abs(point.strength) for point in points]
        found = falls_below(part * undistorted, [(0.0, undistorted), *zip(strengths, values, strict=True)])
        return None if found is None else sign * found

    return Limit(
        distortion=name,
        sign=sign,
        part=part,
        strength=crossed([point.accuracy for point in points]),
        nearest=crossed([point.interval[0] for point in points]),
        latest=crossed([point.interval[1] for point in points]),
        farthest=points[-1].strength,
    )
