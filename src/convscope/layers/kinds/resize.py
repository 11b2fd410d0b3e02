"""Resize: maps made larger or smaller between their values, without weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, choose
from convscope.layers.geometry import MapShape, ReceptiveField
from convscope.layers.layer import (
    Arrays,
    Fields,
    Layer,
    OnnxWriter,
    only,
)

LARGEST_SIDE = 65_536


@dataclass(frozen=True, kw_only=True)
class Resize(Layer):
    """Maps of rows × columns values, read off the maps below between their values.

    Attributes:
        rows, columns: of the result.
        mode: ``nearest`` takes the value below, ``bilinear`` the weighted mean of the four around.
        corners: the centers of the outermost values stay where they are; else the edges of the map do.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the mode is neither.
    """

    KIND: ClassVar[str] = "resize"
    FORMULA: ClassVar[str] = "Σ weight × input over the nearest values; the weights are distances and sum to 1"
    PHRASE: ClassVar[str] = "values between those below, by their distance"
    SHIFT: ClassVar[str] = "moves along by as much as it enlarges"

    rows: int
    columns: int
    mode: Literal["nearest", "bilinear"] = "nearest"
    corners: bool = False

    def __post_init__(self) -> None:
        """Validate mode and size."""
        choose("mode", self.mode, ("nearest", "bilinear"))
        if not (1 <= self.rows <= LARGEST_SIDE and 1 <= self.columns <= LARGEST_SIDE):
            raise LayoutError(
                f"`rows` and `columns` must be from 1 to {LARGEST_SIDE:,}. Got {self.rows}, {self.columns}."
            )
        if self.mode == "nearest" and self.corners:
            raise LayoutError("`corners` is for bilinear resizing.")

    @property
    def notation(self) -> str:
        """The size that is made."""
        return f"resize {self.columns}x{self.rows}"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return as many maps of the new size."""
        return MapShape(maps=only(inputs).maps, rows=self.rows, columns=self.columns)

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the fields of the values below that a value lies between; strides become fractions."""
        below, (rows, columns) = only(shapes), inputs[0]
        return self._between(rows, below.rows, self.rows), self._between(columns, below.columns, self.columns)

    def _between(self, field: ReceptiveField, below: int, places: int) -> ReceptiveField:
        """Return the field along a side; value p lies at p × step + shift of the values below."""
        if below == 1:
            return field if places == 1 else field.repeated(places)
        if self.mode == "nearest":
            step = Fraction(below, places)
            return field.resampled(step, Fraction(1, step.denominator) - 1, 0)
        if self.corners:
            step = Fraction(below - 1, max(1, places - 1))
            shift, reach = Fraction(0), 1 - Fraction(1, step.denominator)
        else:
            step = Fraction(below, places)
            parts = step.denominator if step.numerator % 2 and step.denominator % 2 else 2 * step.denominator
            shift, reach = (step - 1) / 2, 1 - Fraction(1, parts)  # the farthest that a value below may be
        return field.resampled(step, shift - reach, shift + reach)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the resized maps."""
        corners = self.corners if self.mode == "bilinear" else None
        return functional.interpolate(inputs[0], (self.rows, self.columns), mode=self.mode, align_corners=corners)

    def taps(self, inputs: Sequence[MapShape]) -> None:
        """Raise an error: positions lie between those below."""

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Resize; for the few sizes where its rounding is not that of torch, a Gather along each side."""
        below = only(shapes)
        sides = ((below.rows, self.rows), (below.columns, self.columns))
        scales = [_scale(*side, is_nearest=self.mode == "nearest") for side in sides]
        if any(scale is None for scale in scales):
            down, across = (writer.constant(_nearest(*side).astype(np.int64)) for side in sides)
            return writer.node("Gather", writer.node("Gather", inputs[0], down, axis=2), across, axis=3)
        way = "align_corners" if self.corners else "half_pixel" if self.mode == "bilinear" else "asymmetric"
        attributes: dict[str, Any] = {"nearest_mode": "floor"} if self.mode == "nearest" else {}
        mode = "linear" if self.mode == "bilinear" else "nearest"
        return writer.node(
            "Resize",
            inputs[0],
            "",
            writer.constant(np.array([1, 1, *scales], np.float32)),
            mode=mode,
            coordinate_transformation_mode=way,
            **attributes,
        )


def _nearest(below: int, size: int) -> NDArray[np.float32]:
    """Return the index of the value below that torch takes for each of `size` values."""
    positions = np.arange(size, dtype=np.float32)
    taken: NDArray[np.float32] = np.minimum(np.floor(positions * np.float32(below / size)), np.float32(below - 1))
    return taken


def _scale(below: int, size: int, *, is_nearest: bool) -> np.float32 | None:
    """Return the scale of float32 that makes `size` values of `below`, those that torch takes; None if none does.

    The operator rounds the size down and finds the nearest value by dividing; the last bit decides.
    """
    exact = np.float32(size / below)
    neighbors = (exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(0)))
    fitting = [scale for scale in neighbors if int(np.float32(below) * scale) == size]
    if is_nearest:
        positions, taken = np.arange(size, dtype=np.float32), _nearest(below, size)
        fitting = [
            scale
            for scale in fitting
            if np.array_equal(np.minimum(np.floor(positions / scale), np.float32(below - 1)), taken)
        ]
    return fitting[0] if fitting else None
