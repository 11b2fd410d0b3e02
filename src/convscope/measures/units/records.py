"""Records of what units respond to."""

from dataclasses import dataclass

from convscope.core.errors import DataError
from convscope.layers.geometry import ReceptiveField

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class TopPatch:
    """A patch that a unit responds to strongly.

    Attributes:
        image: place of the image among those measured.
        name: of the image.
        row, column: place of the value in the unit's map.
        top, left: first pixel of the receptive field of that place; it may lie outside the image.
        value: of the unit there.
        png: what the unit sees there, as a PNG in base64; empty where it was not kept. Patches of more than 40 pixels
            are made smaller.
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
        unit: its place in its layer, from 0.
        silent: share of its values, over all images and places, that are not above 0.
        silent_images: share of the images in which it is silent everywhere.
        largest: its largest value.
        histogram: how many of its values fall into each bin of the layer; those that are exactly 0 are in none.
        class_means: mean of its positive part for each class, over images and places; empty where no class is known,
            0 for a class without an image.
        selectivity: (a - b) / (a + b), where a is the largest of `class_means` and b the mean of the others: 0 if it
            fires for all classes alike, 1 if for one only (Morcos et al. 2018). None where that is not defined.
        top: its strongest patches, the strongest first, at most one an image; none that is not above 0.
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
        layer: place of the layer in the network's plan, from 1.
        name: its notation.
        rows, columns: of each unit's map.
        field_rows, field_columns: receptive field down and across.
        image_share: part of the image that a value in the middle can depend on, 0…1.
        first_edge, bin_width: bin i of the histograms holds values from first_edge + i × bin_width up to the next.
        units: one record each.
    """

    layer: int
    name: str
    rows: int
    columns: int
    field_rows: ReceptiveField
    field_columns: ReceptiveField
    image_share: float
    first_edge: float
    bin_width: float
    units: tuple[UnitRecord, ...]

    @property
    def mean_selectivity(self) -> float | None:
        """The mean of the units' selectivity; None where no unit has one."""
        known = [unit.selectivity for unit in self.units if unit.selectivity is not None]
        return sum(known) / len(known) if known else None


@dataclass(frozen=True, kw_only=True)
class UnitsRecord:
    """What all units of a network respond to: convolutions and fully connected units, not the classifier.

    Attributes:
        layout: of the network.
        classes: their names.
        images: how many were measured.
        data: where they are from, for the user.
        height, width, channels: of each image.
        layers: from the image upward.
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
        """Refuse what no measurement gives."""
        units = [unit for layer in self.layers for unit in layer.units]
        whole = self.images >= 1 and self.classes and all(layer.units for layer in self.layers)
        if not whole or any(len(unit.class_means) not in (0, len(self.classes)) for unit in units):
            raise DataError(
                "`layers` must have units, each with one mean a class, or none, of at least one image. Got others. "
                "Measure it anew."
            )
