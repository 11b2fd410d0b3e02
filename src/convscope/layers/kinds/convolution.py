"""Convolution: units that see patches, with the same weights at every position; grouped and depthwise ones too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape, Window
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    TensorShapes,
    check_groups,
    fields_with_added,
    with_added,
)
from convscope.layers.sliding import SideTaps, SlidingInput, added, local_taps, summed, window_taps


@dataclass(frozen=True, kw_only=True)
class Convolution(Layer):
    """`units` hidden units, each the same at every position: bias + Σ weight × input over its patch.

    A second input of the shape of the result is added to it: the residual connection of a layout.

    Attributes:
        units: number of output maps.
        rows, columns: the window down and across.
        groups: the maps below are divided into so many groups; a unit sees those of one. As many as there are maps
            below make it depthwise.

    Raises:
        LayoutError: a number is out of range.
    """

    KIND: ClassVar[str] = "convolution"
    FORMULA: ClassVar[str] = "bias + Σ weight × input"
    PHRASE: ClassVar[str] = "a weighted sum over a patch, with the same weights at every position"
    SHIFT: ClassVar[str] = "moves along: what moves by one stride moves by one position"
    MOST_INPUTS: ClassVar[int] = 2
    GIVES_NEW: ClassVar[bool] = True

    units: int
    rows: Window
    columns: Window
    groups: int = 1

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_groups(self.units, self.groups)

    @property
    def notation(self) -> str:
        """In the notation of layouts, with the number of groups behind ``g`` and the dilation behind ``d``."""
        rows, columns = self.rows, self.columns
        sides = str(rows.kernel) if rows.kernel == columns.kernel else f"{rows.kernel}x{columns.kernel}"
        stride = f"/{rows.stride}" if rows.stride != 1 else ""
        groups = f"g{self.groups}" if self.groups != 1 else ""
        dilation = f"d{rows.dilation}" if rows.dilation != 1 else ""
        return f"{self.units}C{sides}{stride}{groups}{dilation}"

    def is_depthwise(self, below: int) -> bool:
        """Return whether each unit sees one of the `below` maps below."""
        return self.groups == below and below > 1

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of the maps."""
        below = inputs[0]
        if below.maps % self.groups:
            raise LayoutError(f"{self.notation} needs a multiple of {self.groups} maps below. Got {below.maps}.")
        result = MapShape(
            maps=self.units, rows=self.rows.positions(below.rows), columns=self.columns.positions(below.columns)
        )
        return with_added(self.notation, result, inputs)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields below, grown by the window, with those of what is added."""
        return fields_with_added(self.rows, self.columns, inputs)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return units × maps below in a group × rows × columns, and one bias per unit."""
        kernel = (self.rows.kernel, self.columns.kernel)
        return {"weight": (self.units, inputs[0].maps // self.groups, *kernel), "bias": (self.units,)}

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return weights × positions."""
        shape, patch = self.shape(inputs[:1]), self.rows.kernel * self.columns.kernel
        return shape.values * patch * (inputs[0].maps // self.groups)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        rows, columns = self.rows, self.columns
        maps, padding = inputs[0], (rows.before, columns.before)
        if (rows.before, columns.before) != (rows.after, columns.after):
            maps = functional.pad(maps, (columns.before, columns.after, rows.before, rows.after))
            padding = (0, 0)
        result = functional.conv2d(
            maps,
            tensors["weight"],
            tensors["bias"],
            stride=(rows.stride, columns.stride),
            padding=padding,
            dilation=(rows.dilation, columns.dilation),
            groups=self.groups,
        )
        return result + inputs[1] if len(inputs) == 2 else result

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps]:
        """Return the windows, and the same position of what is added."""
        result, below, added = self.shape(inputs), inputs[0], inputs[1:]
        return (
            (window_taps(self.rows, below.rows), *(local_taps(one.rows, result.rows) for one in added)),
            (window_taps(self.columns, below.columns), *(local_taps(one.columns, result.columns) for one in added)),
        )

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the same sums, dilated by the strides below."""
        result = added(rows) if rows else summed(sources[0], tensors["weight"], tensors["bias"], self.groups)
        return result + sources[1].only() if len(sources) == 2 else result

    def some_taps(self, source: SlidingInput, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the sum over some taps."""
        middle = self.rows.kernel // 2, self.columns.kernel // 2
        is_middle = all(
            any(run.first <= tap < run.first + run.count for run in runs)
            for runs, tap in zip((source.rows, source.columns), middle, strict=True)
        )
        return summed(source, tensors["weight"], tensors["bias"] if is_middle else None, self.groups)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Conv, and Add for a residual input."""
        rows, columns = self.rows, self.columns
        value = writer.node(
            "Conv",
            inputs[0],
            writer.constant(tensors["weight"]),
            writer.constant(tensors["bias"]),
            kernel_shape=[rows.kernel, columns.kernel],
            pads=[rows.before, columns.before, rows.after, columns.after],
            strides=[rows.stride, columns.stride],
            dilations=[rows.dilation, columns.dilation],
            group=self.groups,
        )
        return writer.node("Add", value, inputs[1]) if len(inputs) == 2 else value
