"""Add: the sum of several maps, position by position; what makes a residual connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter


@dataclass(frozen=True, kw_only=True)
class Add(Layer):
    """The sum of its inputs, all of one shape."""

    KIND: ClassVar[str] = "add"
    FORMULA: ClassVar[str] = "x + y"
    PHRASE: ClassVar[str] = "the sum of the values of both at the same position"
    SHIFT: ClassVar[str] = "moves along, if both inputs do"
    LEAST_INPUTS: ClassVar[int] = 2
    MOST_INPUTS: ClassVar[int] = 64

    @property
    def notation(self) -> str:
        """The sign of addition."""
        return "+"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of all inputs."""
        if any(shape != inputs[0] for shape in inputs):
            raise LayoutError(f"An addition needs inputs of one shape. Got {' and '.join(map(str, inputs))}.")
        return inputs[0]

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the sum."""
        result = inputs[0]
        for other in inputs[1:]:
            result = result + other
        return result

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add one Add for each input but the first."""
        value = inputs[0]
        for other in inputs[1:]:
            value = writer.node("Add", value, other)
        return value
