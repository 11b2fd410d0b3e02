"""Softmax within a network: values at one position as fractions of a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only


@dataclass(frozen=True, kw_only=True)
class Softmax(Layer):
    """The exponential of each value, divided by the sum over all maps at its position."""

    KIND: ClassVar[str] = "softmax"
    FORMULA: ClassVar[str] = "eˣ / Σ eʸ, over the maps at one position"
    PHRASE: ClassVar[str] = "the values at one position become fractions that sum to 1"
    SHIFT: ClassVar[str] = "moves along: it looks at one position at a time"

    @property
    def notation(self) -> str:
        """Its name."""
        return "softmax"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the fractions."""
        return torch.softmax(inputs[0], dim=1)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Softmax."""
        return writer.node("Softmax", inputs[0], axis=1)
