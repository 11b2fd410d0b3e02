"""Local response normalization: a value is divided by the strength of the same position in neighboring maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only


@dataclass(frozen=True, kw_only=True)
class LocalResponse(Layer):
    """Local response normalization (Krizhevsky et al. 2012) over `size` neighboring maps.

    Raises:
        LayoutError: the size is out of range.
    """

    KIND: ClassVar[str] = "local-response"
    FORMULA: ClassVar[str] = "x / (k + α / n × Σ y²)^β, over n neighboring maps at one position"
    PHRASE: ClassVar[str] = "each value is divided by the strength of its position in neighboring maps"
    SHIFT: ClassVar[str] = "moves along: it looks at one position at a time"

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    bias: float = 1.0

    def __post_init__(self) -> None:
        """Validate the size."""
        if not 1 <= self.size <= 1_024:
            raise LayoutError(f"`size` must be from 1 to 1,024. Got {self.size}.")

    @property
    def notation(self) -> str:
        """Its usual abbreviation."""
        return "LRN"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the normalized maps."""
        return functional.local_response_norm(inputs[0], self.size, self.alpha, self.beta, self.bias)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add LRN; of an even number of maps, which it does not have, the sum of their squares and what it divides."""
        if self.size % 2 == 0:
            return self._in_parts(writer, inputs[0], only(shapes).maps)
        return writer.node("LRN", inputs[0], size=self.size, alpha=self.alpha, beta=self.beta, bias=self.bias)

    def _in_parts(self, writer: OnnxWriter, value: str, maps: int) -> str:
        """Return the name of the normalized maps; a convolution adds the squares of the neighbors."""
        order = np.arange(maps)
        ahead = order[None, :] - order[:, None]  # maps from each to each other
        near = (ahead >= -(self.size // 2)) & (ahead <= (self.size - 1) // 2)
        neighbors = writer.constant(near.astype(np.float32)[:, :, None, None] * np.float32(self.alpha / self.size))
        total = writer.node("Conv", writer.node("Mul", value, value), neighbors)
        total = writer.node("Add", total, writer.constant(np.array(self.bias, np.float32)))
        return writer.node("Div", value, writer.node("Pow", total, writer.constant(np.array(self.beta, np.float32))))
