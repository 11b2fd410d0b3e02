"""A nonlinearity as a layer of its own, where the values before it are used elsewhere too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only
from convscope.layers.nonlinearity import nonlinearity_of


@dataclass(frozen=True, kw_only=True)
class Nonlinearity(Layer):
    """One function of one number, applied to every value.

    Attributes:
        function: as `nonlinearity_of` takes it.

    Raises:
        ParameterError: the function is unknown.
    """

    KIND: ClassVar[str] = "nonlinearity"
    FORMULA: ClassVar[str] = "f(x)"
    PHRASE: ClassVar[str] = "the same function of every value"
    SHIFT: ClassVar[str] = "moves along: it looks at one value at a time"

    function: str

    def __post_init__(self) -> None:
        """Validate the function."""
        nonlinearity_of(self.function)

    @property
    def notation(self) -> str:
        """The name of the function."""
        return self.function

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the values of the function."""
        return nonlinearity_of(self.function).apply(inputs[0])

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add the operators of the function."""
        return nonlinearity_of(self.function).onnx(writer, inputs[0])
