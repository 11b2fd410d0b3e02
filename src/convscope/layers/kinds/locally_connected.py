"""Locally connected units: own weights at each position, or in each region of the map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from convscope.core.errors import LayoutError, ParameterError
from convscope.core.text import counted
from convscope.layers.geometry import LARGEST_UNITS, MapShape, Window, check_range
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    TensorShapes,
    fields_with_added,
    with_added,
)
from convscope.layers.locally_connected import locally_connected


@dataclass(frozen=True, kw_only=True)
class LocallyConnected(Layer):
    """`units` maps whose weights differ from region to region: a convolution without full weight sharing.

    A second input of the shape of the result is added to it.

    Attributes:
        units: number of output maps.
        window: the patch, along both sides.
        regions: with weights of their own, down and across.

    Raises:
        LayoutError: a number is out of range.
    """

    KIND: ClassVar[str] = "locally-connected"
    FORMULA: ClassVar[str] = "bias + Σ weight × input, with other weights in each region"
    PHRASE: ClassVar[str] = "a weighted sum over a patch, with weights of its own in each region of the map"
    SHIFT: ClassVar[str] = "does not move along: another region has other weights"
    MOST_INPUTS: ClassVar[int] = 2

    units: int
    window: Window
    regions: tuple[int, int]

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_range("units", self.units, LARGEST_UNITS)

    @property
    def notation(self) -> str:
        """In the notation of layouts."""
        stride = f"/{self.window.stride}" if self.window.stride != 1 else ""
        return f"{self.units}U{self.window.kernel}:{self.regions[0]}x{self.regions[1]}{stride}"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of the maps."""
        below = inputs[0]
        rows, columns = self.window.positions(below.rows), self.window.positions(below.columns)
        if not (1 <= self.regions[0] <= rows and 1 <= self.regions[1] <= columns):
            raise LayoutError(f"{self.notation} needs a position for each region. Got {columns}x{rows}.")
        result = MapShape(maps=self.units, rows=rows, columns=columns)
        return with_added(self.notation, result, inputs)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields below, grown by the window, with those of what is added."""
        return fields_with_added(self.window, self.window, inputs)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return regions down × across × units × maps below × k × k, and one bias per unit."""
        kernel = self.window.kernel
        return {"weight": (*self.regions, self.units, inputs[0].maps, kernel, kernel), "bias": (self.units,)}

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return the weights of one region × positions."""
        return self.shape(inputs[:1]).values * inputs[0].maps * self.window.kernel**2

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        maps = inputs[0]
        places = self.window.positions(maps.shape[2]), self.window.positions(maps.shape[3])
        result = locally_connected(maps, tensors["weight"], tensors["bias"], window=self.window, places=places)
        return result + inputs[1] if len(inputs) == 2 else result

    def taps(self, inputs: Sequence[MapShape]) -> None:
        """Raise an error: every position has weights of its own."""

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Raise an error: ONNX has no such operator."""
        raise ParameterError(
            "The layout must have no locally connected stage (U) to become an ONNX graph, which has no operation for "
            f"it. Got one of {counted(self.units, 'unit')}. Use the torch back end."
        )
