"""Fully connected units: each sees every value below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor
from torch.nn import functional

from convscope.layers.geometry import LARGEST_UNITS, MapShape, check_range
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    TensorShapes,
    only,
)
from convscope.layers.sliding import SideTaps, SlidingInput, all_taps, summed


@dataclass(frozen=True, kw_only=True)
class Linear(Layer):
    """`units` hidden units that see all values below, in the order maps × rows × columns.

    Raises:
        LayoutError: the number is out of range.
    """

    KIND: ClassVar[str] = "linear"
    FORMULA: ClassVar[str] = "bias + Σ weight × input, over all values below"
    PHRASE: ClassVar[str] = "a weighted sum of all values below"
    SHIFT: ClassVar[str] = "changes: every position has weights of its own"
    GIVES_NEW: ClassVar[bool] = True

    units: int

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_range("units", self.units, LARGEST_UNITS)

    @property
    def notation(self) -> str:
        """In the notation of layouts, for example ``128N``."""
        return f"{self.units}N"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return one value a unit."""
        return MapShape(maps=self.units)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the field of all values below together."""
        below, (rows, columns) = only(shapes), inputs[0]
        return rows.over(below.rows), columns.over(below.columns)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return units × values below, and one bias per unit."""
        return {"weight": (self.units, only(inputs).values), "bias": (self.units,)}

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return the number of weights."""
        return self.units * only(inputs).values

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N units 1 1."""
        return functional.linear(inputs[0].flatten(1), tensors["weight"], tensors["bias"])[:, :, None, None]

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps]:
        """Return all positions below."""
        return (all_taps(only(inputs).rows),), (all_taps(only(inputs).columns),)

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return a convolution whose window is the whole map."""
        weight = tensors["weight"].reshape(self.units, -1, *sources[0].taps)
        return summed(sources[0], weight, tensors["bias"])

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Flatten, Gemm, and a Reshape to maps of one value."""
        flat = writer.node("Flatten", inputs[0])
        weight, bias = writer.constant(tensors["weight"]), writer.constant(tensors["bias"])
        sums = writer.node("Gemm", flat, weight, bias, transB=1)
        return writer.node("Unsqueeze", sums, writer.constant(np.array([2, 3], np.int64)))
