"""Records of the robustness, invariance and equivariance of a network on distorted images; to JSON and back."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from convscope.core.errors import DataError
from convscope.core.records import UNRECORDED
from convscope.core.statistics import Proportion
from convscope.core.text import counted, printable
from convscope.images.inspection import Problem
from convscope.networks.blocks import MOST_BLOCKS, Block, blocks_of
from convscope.networks.layout import Layout
from convscope.networks.stages import ConvolutionStage, PoolingStage

from .distortions.family import phrase_of
from .robustness import Limit, StrengthAccuracy, limits_of

FORMAT_VERSION = 1
EXACT = 1e-3  # distances up to here are rounding


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """How far the maps of one layer on distorted images are from those on clean images.

    Every distance is a fraction of that between two different images: 0 is no change, 1 as if another image was shown.
    None where it is undefined.

    Attributes:
        changed: between the maps on distorted and on clean images.
        residual: what really changed: between the maps on distorted images, and those on clean images moved like the
            image.
        changed_inside, residual_inside: the same at positions whose receptive field excludes the edge and the
            background that enters there.
    """

    changed: float | None
    residual: float | None = None
    changed_inside: float | None = None
    residual_inside: float | None = None

    @property
    def moved(self) -> float | None:
        """Fraction of the squared change that is moved along (equivariance): 0…1; below 0 if moving makes it worse."""
        if self.changed is None or self.residual is None or self.changed == 0:
            return None
        ratio = self.residual / self.changed  # a damaged record may overflow the square
        moved = 1 - ratio * ratio
        return moved if math.isfinite(moved) else None

    @property
    def really_changed(self) -> float | None:
        """What is no movement: the residual; all of the change of values without a position, or without a motion."""
        return self.changed if self.residual is None else self.residual

    @property
    def verdict(self) -> str:
        """The verdict on the maps.

        ``invariant``: they stay the same. ``equivariant``: they move along with the image; ``equivariant inside``:
        except at positions that see the edge. ``in part``: some of the change is movement. ``changed``: none of it is,
        or the layer has no positions.
        """
        if self.changed is None or self.changed <= EXACT:
            return "" if self.changed is None else "invariant"
        if self.residual is not None and self.residual <= EXACT:
            return "equivariant"
        inside = self.residual_inside
        if inside is not None and self.changed_inside and inside <= EXACT < self.changed_inside:
            return "equivariant inside"
        return "in part" if self.moved is not None and self.moved > 0.01 else "changed"


@dataclass(frozen=True, kw_only=True)
class Point:
    """Results of a network on images with one strength of one distortion.

    Attributes:
        strength: in the distortion's unit.
        images: how many.
        correct: predictions that are correct.
        same: predictions that are those of the clean image.
        same_of_correct: the same among the images that are correct when clean.
        clean_correct: images that are correct when clean.
        probability_change: mean change of the probability of the class predicted for the clean image, 0…1.
        fraction_outside: of the difference from the background, what has moved out of the image, 0…1.
        layers: of the network, the classifier last; without distances where maps are not compared.
    """

    strength: float
    images: int
    correct: int
    same: int
    same_of_correct: int
    clean_correct: int
    probability_change: float
    fraction_outside: float
    layers: tuple[LayerChange, ...]

    def __post_init__(self) -> None:
        """Validate the counts."""
        Proportion(correct=self.correct, total=self.images)

    @property
    def accuracy(self) -> Proportion:
        """Correct predictions of all."""
        return Proportion(correct=self.correct, total=self.images)

    @property
    def consistency(self) -> float:
        """Fraction of the predictions that stay the same, 0…1."""
        return self.same / self.images

    @property
    def consistency_of_correct(self) -> float | None:
        """The same among the images that are correct when clean, 0…1."""
        return self.same_of_correct / self.clean_correct if self.clean_correct else None


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Results by strength of one distortion, in order, without strength 0."""

    distortion: str
    unit: str
    points: tuple[Point, ...]

    def at(self, point: Point) -> str:
        """Return what was done to the images of a point, in words.

        Examples:
            >>> from types import SimpleNamespace
            >>> Curve(distortion="jpeg", unit="100 - quality", points=()).at(SimpleNamespace(strength=50.0))
            'compressed as JPEG to quality 50'
        """
        return phrase_of(self.distortion, point.strength)


@dataclass(frozen=True, kw_only=True)
class ShownLayer:
    """A row of a table or figure of the layers.

    Attributes:
        name: of the layer; of the block whose last layer it is, where a network has many.
        stage: number of the layer's stage in a layout, from 1; None for the classifier and other networks.
        index: of the layer, from 0.
    """

    name: str
    stage: int | None
    index: int


def compared_layers(layers: Sequence[str], *, is_layout: bool) -> tuple[int, ...]:
    """Return the indices of the layers whose maps are compared: all of a layout, else the last of each block."""
    return tuple(block.layers[-1] for block in _blocks(layers, is_layout=is_layout))


def _blocks(layers: Sequence[str], *, is_layout: bool) -> tuple[Block, ...]:
    """Return the blocks whose last layers are compared and shown: each layer of a layout is one."""
    if is_layout:
        return tuple(Block(name=name, layers=(index,)) for index, name in enumerate(layers))
    return blocks_of(layers, MOST_BLOCKS)


@dataclass(frozen=True, kw_only=True)
class Invariance:
    """Robustness, invariance and equivariance of a network.

    Attributes:
        layout: of the network; its title, if it is no layout.
        data: name of the dataset; split: the one that is evaluated.
        images: how many; correct: predictions on them that are correct without distortion.
        compared: images on which the maps of layers are compared; None for all.
        margin_px: width of the background around the images.
        seed: of random distortions.
        layers: names of the network's layers, the classifier last; only those that are shown are compared.
        curves: by distortion.
        is_layout: whether `layout` is one.
        classes: of the network; largest_class: images of the most frequent class; 0 if unknown.
        unusable: images that are left out, with reasons; not in the document.
    """

    format_version: int = FORMAT_VERSION
    layout: str
    data: str
    split: str
    images: int
    correct: int
    margin_px: int
    seed: int
    layers: tuple[str, ...]
    curves: tuple[Curve, ...]
    classes: int = 0
    largest_class: int = 0
    is_layout: bool = True
    compared: int | None = None
    unusable: tuple[Problem, ...] = field(default=(), compare=False, metadata={UNRECORDED: True})

    def __post_init__(self) -> None:
        """Validate the counts, the texts, and the layers of every point."""
        Proportion(correct=self.correct, total=self.images)
        if not 0 <= self.largest_class <= self.images:
            raise DataError(
                f"`largest_class` must be from 0 to the {counted(self.images, 'image')}. Got {self.largest_class}. "
                "Measure again."
            )
        if not self.curves or not all(curve.points for curve in self.curves):
            raise DataError("`curves` must have at least one, each with a point. Got none. Measure again.")
        texts = [
            self.data,
            self.split,
            *self.layers,
            *(text for curve in self.curves for text in (curve.distortion, curve.unit)),
        ]
        for text in texts:
            if printable(text) != text:
                raise DataError(f"`curves` must have printable names. Got {printable(text)!r}. Measure again.")
        for curve in self.curves:
            for point in curve.points:
                if len(point.layers) != len(self.layers):
                    raise DataError(
                        f"`layers` of a point must be the {len(self.layers)} of the network. "
                        f"Got {len(point.layers)} ({curve.at(point)}). Measure again."
                    )

    @property
    def accuracy(self) -> Proportion:
        """Clean accuracy."""
        return Proportion(correct=self.correct, total=self.images)

    @property
    def chance(self) -> float:
        """Accuracy at chance, 0…1: of a random class, or always the most frequent; 0 if unknown."""
        return max(1 / self.classes if self.classes else 0.0, self.largest_class / self.images)

    @property
    def above_chance(self) -> bool:
        """Whether the clean accuracy is significantly above chance."""
        return self.accuracy.interval[0] > self.chance

    @property
    def stages(self) -> tuple[int | None, ...]:
        """Number of each layer's stage, from 1; None for the classifier, and for all layers of what is no layout.

        A pooling belongs to the stage of the convolution before it.
        """
        if not self.is_layout:
            return (None,) * len(self.layers)
        stages = Layout.parse(self.layout).stages
        pairs = zip((None, *stages), stages, strict=False)
        begins = (
            not (isinstance(stage, PoolingStage) and isinstance(before, ConvolutionStage)) for before, stage in pairs
        )
        return (*itertools.accumulate(map(int, begins)), None)

    @property
    def shown_layers(self) -> tuple[ShownLayer, ...]:
        """The layers that tables and figures show: all of a layout; the last of each block of a larger network."""
        stages, blocks = self.stages, _blocks(self.layers, is_layout=self.is_layout)
        lasts = ((block.name, block.layers[-1]) for block in blocks)
        return tuple(ShownLayer(name=name, stage=stages[last], index=last) for name, last in lasts)

    def shown(self, curve: Curve) -> Point:
        """Return the point of a curve whose layers are shown: a small positive strength."""
        above = sorted((point for point in curve.points if point.strength > 0), key=lambda point: point.strength)
        ranked = above or sorted(curve.points, key=lambda point: -point.strength)
        return ranked[(len(ranked) - 1) // 3]

    def limits(self) -> tuple[Limit, ...]:
        """Return where accuracy falls below fractions of the clean accuracy, for each distortion and direction.

        Empty if the clean accuracy is not above chance: its fractions are meaningless.
        """
        if not self.above_chance:
            return ()
        limits: list[Limit] = []
        for curve in self.curves:
            points = [
                StrengthAccuracy(
                    strength=point.strength, accuracy=point.accuracy.fraction, interval=point.accuracy.interval
                )
                for point in curve.points
            ]
            limits += limits_of(curve.distortion, points, self.accuracy.fraction)
        return tuple(limits)
