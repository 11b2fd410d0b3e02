"""Flatten: maps as one vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from convscope.layers.geometry import MapShape
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    only,
)
from convscope.layers.sliding import SideTaps, SlidingInput, all_taps, flattened


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """All values of the maps as a vector, in the order maps × rows × columns."""

    KIND: ClassVar[str] = "flatten"
    FORMULA: ClassVar[str] = "x"
    PHRASE: ClassVar[str] = "the values of all maps in one row; no value changes"
    SHIFT: ClassVar[str] = "changes: every position has a value of its own"

    @property
    def notation(self) -> str:
        """Short for flatten."""
        return "flat"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return a vector."""
        return MapShape(maps=only(inputs).values)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the field of all values below together."""
        below, (rows, columns) = only(shapes), inputs[0]
        return rows.over(below.rows), columns.over(below.columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N values 1 1."""
        return inputs[0].flatten(1)[:, :, None, None]

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps]:
        """Return all positions below."""
        return (all_taps(only(inputs).rows),), (all_taps(only(inputs).columns),)

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the values of all positions as maps, in the order of the vector."""
        return flattened(sources[0])

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Flatten."""
        flat = writer.node("Flatten", inputs[0])
        return writer.node("Unsqueeze", flat, writer.constant(np.array([2, 3], np.int64)))
