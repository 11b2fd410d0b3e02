"""One layer of a network as a record: what the plan computes, and what report and page show."""

from dataclasses import dataclass

from .geometry import MapShape, ReceptiveField


@dataclass(frozen=True, kw_only=True)
class PlannedLayer:
    """One layer: convolution, pooling or fully connected units, the classifier last.

    Attributes:
        name: its notation, or the name of the classifier.
        maps: number of output maps (or units), of `rows` × `columns` values each.
        parameters: number of weights, with a bias or normalization's shift for each map.
        macs: multiply-accumulate operations for one image (normalization, nonlinearity and pooling not counted, as is
            usual).
        field_rows: receptive field down the image, over its rows of pixels.
        field_columns: receptive field across the image, over its columns of pixels.
    """

    name: str
    maps: int
    rows: int
    columns: int
    parameters: int
    macs: int
    field_rows: ReceptiveField
    field_columns: ReceptiveField

    @property
    def values(self) -> int:
        """Number of output values for one image."""
        return self.maps * self.rows * self.columns

    @property
    def shape(self) -> MapShape:
        """Shape of the output."""
        return MapShape(maps=self.maps, rows=self.rows, columns=self.columns)
