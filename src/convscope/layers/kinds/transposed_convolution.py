"""Transposed convolution: every value below paints its unit's weights onto a larger map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import MapShape, ReceptiveField, Window
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    TensorShapes,
    check_groups,
    only,
)


@dataclass(frozen=True, kw_only=True)
class TransposedConvolution(Layer):
    """`units` maps, each the sum of the weights painted at every position, `stride` apart, times the value there.

    Attributes:
        units: number of output maps.
        rows, columns: the window down and across; `before` and `after` are cut off the result.
        extra_rows, extra_columns: rows and columns of the result beyond those painted, at the end.
        groups: of the maps below and of the units.

    Raises:
        LayoutError: a number is out of range.
    """

    KIND: ClassVar[str] = "transposed-convolution"
    FORMULA: ClassVar[str] = "bias + Σ weight × input, over the positions whose window covers the place"
    PHRASE: ClassVar[str] = "each value below paints its weights onto a larger map, and what overlaps is added"
    SHIFT: ClassVar[str] = "moves along: what moves by one position moves by one stride"

    units: int
    rows: Window
    columns: Window
    extra_rows: int = 0
    extra_columns: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_groups(self.units, self.groups)
        for window, extra in ((self.rows, self.extra_rows), (self.columns, self.extra_columns)):
            if not 0 <= extra < max(window.stride, window.dilation):
                raise LayoutError(f"Extra rows and columns must be fewer than the stride. Got {extra}.")

    @property
    def notation(self) -> str:
        """Like that of a convolution, with T for C."""
        groups = f"g{self.groups}" if self.groups != 1 else ""
        return f"{self.units}T{self.rows.kernel}/{self.rows.stride}{groups}"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of the larger maps."""
        below = only(inputs)
        if below.maps % self.groups:
            raise LayoutError(f"{self.notation} needs a multiple of {self.groups} maps below. Got {below.maps}.")
        rows = _painted(below.rows, self.rows) + self.extra_rows
        columns = _painted(below.columns, self.columns) + self.extra_columns
        if min(rows, columns) < 1:
            raise LayoutError(f"{self.notation} leaves nothing of {below}.")
        return MapShape(maps=self.units, rows=rows, columns=columns)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields of all positions below whose windows can cover a place."""
        rows, columns = inputs[0]
        return _covered(rows, self.rows), _covered(columns, self.columns)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return maps below × units in a group × rows × columns, and one bias per unit."""
        kernel = (self.rows.kernel, self.columns.kernel)
        return {"weight": (only(inputs).maps, self.units // self.groups, *kernel), "bias": (self.units,)}

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return values below × weights of each."""
        return only(inputs).values * (self.units // self.groups) * self.rows.kernel * self.columns.kernel

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        rows, columns = self.rows, self.columns
        result = functional.conv_transpose2d(
            inputs[0],
            tensors["weight"],
            tensors["bias"],
            stride=(rows.stride, columns.stride),
            output_padding=(self.extra_rows, self.extra_columns),
            groups=self.groups,
            dilation=(rows.dilation, columns.dilation),
        )
        height, width = result.shape[2:]
        return result[:, :, rows.before : height - rows.after, columns.before : width - columns.after]

    def taps(self, inputs: Sequence[MapShape]) -> None:
        """Raise an error: positions lie between those below."""

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add ConvTranspose.

        Raises:
            ParameterError: there are as many extra rows or columns as the stride, which ONNX does not have.
        """
        rows, columns = self.rows, self.columns
        if self.extra_rows >= rows.stride or self.extra_columns >= columns.stride:
            raise ParameterError(
                "A transposed convolution must have fewer extra rows and columns than its stride to become an ONNX "
                f"graph. Got {self.extra_rows} and {self.extra_columns} of {self.notation}. Use the torch back end."
            )
        return writer.node(
            "ConvTranspose",
            inputs[0],
            writer.constant(tensors["weight"]),
            writer.constant(tensors["bias"]),
            kernel_shape=[rows.kernel, columns.kernel],
            pads=[rows.before, columns.before, rows.after, columns.after],
            strides=[rows.stride, columns.stride],
            dilations=[rows.dilation, columns.dilation],
            output_padding=[self.extra_rows, self.extra_columns],
            group=self.groups,
        )


def _painted(size: int, window: Window) -> int:
    """Return the positions painted along a side of `size` values below, what is cut off taken away."""
    return (size - 1) * window.stride + window.extent - window.before - window.after


def _covered(field: ReceptiveField, window: Window) -> ReceptiveField:
    """Return the field of a place along a side: position q below covers the places from q × stride − before on."""
    last = Fraction(window.before, window.stride)
    return field.resampled(Fraction(1, window.stride), last - Fraction(window.extent - 1, window.stride), last)
