"""Multiply: maps times other maps, or times one number a map, as the gates of squeeze-and-excitation are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter


@dataclass(frozen=True, kw_only=True)
class Multiply(Layer):
    """The product of two inputs of one shape, or of maps and a gate: one value for each whole map, or for all maps.

    The receptive field is that of the maps; through a gate a value depends on the whole image besides.
    """

    KIND: ClassVar[str] = "multiply"
    FORMULA: ClassVar[str] = "x × gate"
    PHRASE: ClassVar[str] = "each value is multiplied by another, often by one number for its whole map"
    SHIFT: ClassVar[str] = "moves along, if both inputs do; a gate that reads whole maps stays"
    LEAST_INPUTS: ClassVar[int] = 2
    MOST_INPUTS: ClassVar[int] = 2

    @property
    def notation(self) -> str:
        """The sign of multiplication."""
        return "×"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of the larger input."""
        first, second = inputs
        larger, smaller = (first, second) if first.values >= second.values else (second, first)
        for side in ("maps", "rows", "columns"):
            if getattr(smaller, side) not in (1, getattr(larger, side)):
                raise LayoutError(f"A multiplication needs inputs that fit each other. Got {first} and {second}.")
        return larger

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the product."""
        return inputs[0] * inputs[1]

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Mul."""
        return writer.node("Mul", *inputs)
