"""Records of the units of a network: what they respond to, their ablation, and linear probes."""

from dataclasses import dataclass, field

from convscope.core.errors import DataError
from convscope.core.records import UNRECORDED
from convscope.core.statistics import Proportion, paired_interval
from convscope.core.text import counted
from convscope.images.inspection import Problem
from convscope.layers.geometry import ReceptiveField

from .gabor import GaborFit

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class TopPatch:
    """A patch with a large activation of a unit.

    Attributes:
        image: index of the image among those measured.
        name: of the image.
        row, column: position of the activation in the unit's map.
        top, left: first pixel of the receptive field of that position; it may be outside the image.
        value: of the activation.
        png: the patch as a PNG in base64; empty if it is not saved. Patches of more than 40 pixels are shrunk.
    """

    image: int
    name: str
    row: int
    column: int
    top: int
    left: int
    value: float
    png: str = ""


@dataclass(frozen=True, kw_only=True)
class UnitRecord:
    """What one unit responds to.

    Attributes:
        unit: its index in its layer, from 0.
        silent: fraction of its activations, over all images and positions, that are not above 0.
        silent_images: fraction of the images in which it is silent everywhere.
        largest: its largest activation.
        histogram: number of activations in each bin of the layer; those that are exactly 0 are in none.
        class_means: mean of its positive part for each class, over images and positions; empty without labels and where
            they are too many, 0 for a class without images.
        selectivity: (a - b) / (a + b), where a is the largest of `class_means` and b the mean of the others: 0 if it
            responds equally to all classes, 1 if to one only (Morcos et al. 2018). None where that is undefined.
        top: the patches with its largest activations above 0, in descending order, at most one an image.
    """

    unit: int
    silent: float
    silent_images: float
    largest: float
    histogram: tuple[int, ...]
    class_means: tuple[float, ...] = ()
    selectivity: float | None = None
    top: tuple[TopPatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LayerUnits:
    """The units of one layer.

    Attributes:
        layer: number of the layer in the network's plan, from 1.
        name: its notation.
        rows, columns: of each unit's map.
        field_rows, field_columns: receptive field down and across.
        image_fraction: of the image that a central activation can depend on, 0…1.
        first_edge, bin_width: bin i of the histograms holds values from first_edge + i × bin_width up to the next.
        units: one record each.
    """

    layer: int
    name: str
    rows: int
    columns: int
    field_rows: ReceptiveField
    field_columns: ReceptiveField
    image_fraction: float
    first_edge: float
    bin_width: float
    units: tuple[UnitRecord, ...]

    @property
    def mean_selectivity(self) -> float | None:
        """Mean selectivity of the units; None if no unit has one."""
        known = [unit.selectivity for unit in self.units if unit.selectivity is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, kw_only=True)
class UnitsRecord:
    """What the units of all layers of weighted sums respond to, without the classifier.

    Attributes:
        layout: of the network.
        classes: their names.
        images: number of images measured.
        data: name of their dataset.
        height, width, channels: of each image.
        layers: in order.
    """

    format_version: int = FORMAT_VERSION
    layout: str
    classes: tuple[str, ...]
    images: int
    data: str = ""
    height: int
    width: int
    channels: int
    layers: tuple[LayerUnits, ...]

    def __post_init__(self) -> None:
        """Validate the counts."""
        units = [unit for layer in self.layers for unit in layer.units]
        whole = self.images >= 1 and self.classes and all(layer.units for layer in self.layers)
        if not whole or any(len(unit.class_means) not in (0, len(self.classes)) for unit in units):
            raise DataError(
                "`layers` must have units, each with one mean per class, or none, of at least one image. Got others. "
                "Measure again."
            )


@dataclass(frozen=True, kw_only=True)
class UnitAblation:
    """Accuracy without one unit.

    Attributes:
        unit: its index in its layer, from 0.
        correct: correct predictions by class while its map is 0 everywhere.
        logit_change: by which the logit of the true class then differs, on average over the images; None if unknown.
        lost: images that are correct with it only; None if unknown.
    """

    unit: int
    correct: tuple[int, ...]
    logit_change: float | None = None
    lost: int | None = None


@dataclass(frozen=True, kw_only=True)
class LayerAblation:
    """Units of one layer: its number in the plan from 1, its notation, those that were ablated."""

    layer: int
    name: str
    units: tuple[UnitAblation, ...]


@dataclass(frozen=True, kw_only=True)
class AblationChange:
    """How accuracy changes without a unit.

    Attributes:
        change: of the accuracy, below 0 if it is lower; low, high: its 95 % interval.
        lost, gained: images that become incorrect, and correct.
    """

    change: float
    low: float
    high: float
    lost: int
    gained: int


@dataclass(frozen=True, kw_only=True)
class AblationRecord:
    """Accuracy of the whole network, and without each of its units, or of some.

    Attributes:
        classes: names.
        images: by class.
        correct: predictions of the whole network, by class.
        layers: those with units.
    """

    classes: tuple[str, ...]
    images: tuple[int, ...]
    correct: tuple[int, ...]
    layers: tuple[LayerAblation, ...]

    def __post_init__(self) -> None:
        """Validate the counts."""
        every = [self.correct, *(unit.correct for layer in self.layers for unit in layer.units)]
        whole, units = sum(self.correct), [unit for layer in self.layers for unit in layer.units]
        paired = all(unit.lost is None or whole - sum(unit.correct) <= unit.lost <= whole for unit in units)
        fits = paired and all(
            len(correct) == len(self.images) and all(0 <= a <= b for a, b in zip(correct, self.images, strict=True))
            for correct in every
        )
        if not fits or len(self.classes) != len(self.images) or sum(self.images) < 1:
            raise DataError(
                "`correct` must be from 0 to the images of each class, in all `classes`. Got other counts. "
                "Measure again."
            )

    @property
    def accuracy(self) -> Proportion:
        """The accuracy of the whole network."""
        return Proportion(correct=sum(self.correct), total=sum(self.images))

    def change(self, unit: UnitAblation) -> "AblationChange | None":
        """Return how accuracy changes without a unit, image by image; None if that is unknown."""
        if unit.lost is None:
            return None
        gained = unit.lost + sum(unit.correct) - sum(self.correct)
        low, high = paired_interval(unit.lost, gained, sum(self.images))
        return AblationChange(change=-self.loss(unit), low=low, high=high, lost=unit.lost, gained=gained)

    def loss(self, unit: UnitAblation) -> float:
        """Return the accuracy that is lost without a unit; below 0 if accuracy rises."""
        return (sum(self.correct) - sum(unit.correct)) / sum(self.images)


@dataclass(frozen=True, kw_only=True)
class LayerImportance:
    """Importance of each unit of one layer: its number in the plan from 1, its name, one value a unit."""

    layer: int
    name: str
    units: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ImportanceRecord:
    """Importance of every unit at first look: gradient × activation, from one backward pass an image.

    That is |Σ activation × gradient of the true class's logit| over the unit's positions, averaged over the images: the
    change of the logit when the unit is ablated, if the network were linear (Molchanov et al. 2017, eq. 8).

    Attributes:
        images: number of images.
        layers: those with units.
        ablated: units that were ablated one by one, to compare.
        agreement: rank correlation (Spearman) with the change of the logit by their ablation; None if undefined.
        budget_macs: of the ablation, if it was limited; 0 if all units were ablated.
    """

    images: int
    layers: tuple[LayerImportance, ...]
    ablated: int = 0
    agreement: float | None = None
    budget_macs: int = 0


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """Accuracy of a linear classifier on the maps of a stage.

    Attributes:
        stage: 0 for the pixels, 1 for the first stage (a convolution with its pooling), and so on.
        layer: its name, in a network that is no layout, where `stage` counts what is probed; else empty.
        pool: of each map: ``none``, or ``grid4`` for the means of 4 × 4 regions, …
        values: features of an image.
        correct: predictions, of `total`, on images that it was not trained on.
    """

    stage: int
    layer: str = ""
    pool: str
    values: int
    correct: int
    total: int

    def __post_init__(self) -> None:
        """Validate the counts."""
        Proportion(correct=self.correct, total=self.total)

    @property
    def accuracy(self) -> Proportion:
        """Correct predictions of all."""
        return Proportion(correct=self.correct, total=self.total)


@dataclass(frozen=True, kw_only=True)
class UnitsReport:
    """What the units of a network respond to, what their ablation costs, and what probes read from its stages.

    Attributes:
        units: of every layer with units.
        random: mean selectivity of each of these layers with random weights; None where it is undefined.
        gabor_fits: of the first layer's filters; empty if it has none.
        random_gabor_fits: the same for random weights.
        ablation: accuracy without each unit, or without the most important ones of a large network.
        importance: of each unit at first look.
        probes: accuracy of a linear classifier on each stage.
        unusable: images that are left out, with reasons; not in the document.
    """

    format_version: int = FORMAT_VERSION
    units: UnitsRecord
    random: tuple[float | None, ...]
    gabor_fits: tuple[GaborFit, ...]
    random_gabor_fits: tuple[GaborFit, ...]
    ablation: AblationRecord | None = None
    probes: tuple[ProbeRecord, ...] = ()
    importance: ImportanceRecord | None = None
    unusable: tuple[Problem, ...] = field(default=(), compare=False, metadata={UNRECORDED: True})

    @property
    def gabor(self) -> tuple[float, float] | None:
        """Mean fraction of the first layer's weights that Gabor waves explain, and of random ones; None if unknown."""
        if not self.gabor_fits or not self.random_gabor_fits:
            return None
        own, chance = (
            sum(fit.explained for fit in fits) / len(fits) for fits in (self.gabor_fits, self.random_gabor_fits)
        )
        return own, chance

    def __post_init__(self) -> None:
        """Validate that all records are of the same network."""
        layers = [layer.layer for layer in self.units.layers]
        ablations = None if self.ablation is None else [layer.layer for layer in self.ablation.layers]
        if len(self.random) != len(layers) or ablations not in (None, layers):
            raise DataError(
                f"`random` and `ablation` must be of the {counted(len(layers), 'layer')} of `units`. Got others. "
                "Measure again."
            )
        if self.ablation is not None and self.ablation.classes != self.units.classes:
            raise DataError("`ablation` must be of the classes of `units`. Got others. Measure again.")
