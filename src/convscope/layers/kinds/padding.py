"""Padding: a frame around the maps, where a convolution cannot add it by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, choose
from convscope.layers.geometry import MapShape, Window
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    only,
)
from convscope.layers.sliding import SideTaps, SlidingInput, Taps

_TORCH = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
LARGEST_FRAME = 1_024


@dataclass(frozen=True, kw_only=True)
class Padding(Layer):
    """Rows and columns around the maps; a negative number cuts some off.

    Attributes:
        top, left, bottom, right: their number.
        mode: ``constant`` puts `value` there, ``reflect`` what lies as far inside, ``edge`` the value at the edge,
            ``wrap`` what lies at the other side.
        value: of a constant frame.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the mode is unknown.
    """

    KIND: ClassVar[str] = "padding"
    FORMULA: ClassVar[str] = "x, in a frame"
    PHRASE: ClassVar[str] = "a frame is put around each map"
    SHIFT: ClassVar[str] = "moves along, but at the edge"

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0
    mode: Literal["constant", "reflect", "edge", "wrap"] = "constant"
    value: float = 0.0

    def __post_init__(self) -> None:
        """Validate mode and numbers."""
        choose("mode", self.mode, tuple(_TORCH))
        if max(abs(self.top), abs(self.left), abs(self.bottom), abs(self.right)) > LARGEST_FRAME:
            raise LayoutError(f"A frame must have at most {LARGEST_FRAME:,} rows and columns at each side.")

    @property
    def notation(self) -> str:
        """Short for padding."""
        return "pad"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the maps with their frame."""
        below = only(inputs)
        rows, columns = below.rows + self.top + self.bottom, below.columns + self.left + self.right
        most = max(self.top, self.bottom) >= below.rows or max(self.left, self.right) >= below.columns
        if min(rows, columns) < 1 or (self.mode in ("reflect", "wrap") and most):
            raise LayoutError(f"A frame of {self.top}, {self.left}, {self.bottom}, {self.right} does not fit {below}.")
        return MapShape(maps=below.maps, rows=rows, columns=columns)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields below, moved by the frame."""
        sides = zip(inputs[0], (self.top, self.left), strict=True)
        rows, columns = (
            field.through(Window(kernel=1, before=max(0, before))) if before >= 0 else field.moved(-before)
            for field, before in sides
        )
        return rows, columns

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps in their frame."""
        frame = (self.left, self.right, self.top, self.bottom)
        value = self.value if self.mode == "constant" else None
        return functional.pad(inputs[0], frame, mode=_TORCH[self.mode], value=value)

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps]:
        """Return the position that each value is taken from; None where it is the constant."""
        below, result = only(inputs), self.shape(inputs)
        return (self._side(self.top, below.rows, result.rows),), (self._side(self.left, below.columns, result.columns),)

    def _side(self, before: int, below: int, positions: int) -> Taps:
        """Return the taps along one side."""
        return tuple((self._read(position - before, below),) for position in range(positions))

    def _read(self, place: int, below: int) -> int | None:
        if 0 <= place < below:
            return place
        if self.mode == "constant":
            return None
        if self.mode == "wrap":
            return place % below
        nearest = min(max(place, 0), below - 1)
        return nearest if self.mode == "edge" else 2 * nearest - place

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the values in their frame, or the constant."""
        (source,) = sources
        return source.only() if source.rows and source.columns else source.empty() + self.value

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Pad."""
        frame = np.array([0, 0, self.top, self.left, 0, 0, self.bottom, self.right], np.int64)
        value = writer.constant(np.array(self.value, np.float32))
        return writer.node("Pad", inputs[0], writer.constant(frame), value, mode=self.mode)
