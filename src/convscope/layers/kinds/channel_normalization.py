"""Channel normalization: the values of all maps at one position get mean 0 and standard deviation 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import (
    Arrays,
    Layer,
    OnnxWriter,
    TensorShapes,
    only,
)


@dataclass(frozen=True, kw_only=True)
class ChannelNormalization(Layer):
    """Layer normalization (Ba et al. 2016) over the maps at each position, as in ConvNeXt (Liu et al. 2022).

    Attributes:
        epsilon: added to the variance.

    Raises:
        LayoutError: it is not above 0.
    """

    KIND: ClassVar[str] = "channel-normalization"
    FORMULA: ClassVar[str] = "scale × (x − mean) / √(variance + ε) + shift, over the maps at one position"
    PHRASE: ClassVar[str] = "the values of all maps at one position get mean 0 and standard deviation 1"
    SHIFT: ClassVar[str] = "moves along: it looks at one position at a time"

    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        """Validate the number."""
        if not 0 < self.epsilon < 1:
            raise LayoutError(f"`epsilon` must be above 0 and below 1. Got {self.epsilon}.")

    @property
    def notation(self) -> str:
        """Short for normalization over channels."""
        return "norm"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return one scale and one shift a map."""
        return {"scale": (only(inputs).maps,), "shift": (only(inputs).maps,)}

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        centered = inputs[0] - inputs[0].mean(dim=1, keepdim=True)
        normalized = centered * (centered.square().mean(dim=1, keepdim=True) + self.epsilon).rsqrt()
        return normalized * tensors["scale"][:, None, None] + tensors["shift"][:, None, None]

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add a mean over the maps, another of the squares, and what they divide."""
        axes = writer.constant(np.array([1], np.int64))
        centered = writer.node("Sub", inputs[0], writer.node("ReduceMean", inputs[0], axes))
        variance = writer.node("ReduceMean", writer.node("Mul", centered, centered), axes)
        deviation = writer.node(
            "Sqrt", writer.node("Add", variance, writer.constant(np.array(self.epsilon, np.float32)))
        )
        scaled = writer.node(
            "Mul", writer.node("Div", centered, deviation), writer.constant(tensors["scale"][:, None, None])
        )
        return writer.node("Add", scaled, writer.constant(tensors["shift"][:, None, None]))
