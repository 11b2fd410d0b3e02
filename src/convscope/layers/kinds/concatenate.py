"""Concatenate: the maps of several inputs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter


@dataclass(frozen=True, kw_only=True)
class Concatenate(Layer):
    """All maps of the first input, then all of the next, and so on; their sides must be the same."""

    KIND: ClassVar[str] = "concatenate"
    FORMULA: ClassVar[str] = "x₁, x₂, …"
    PHRASE: ClassVar[str] = "the maps of all inputs, one after another; no value changes"
    SHIFT: ClassVar[str] = "moves along, if all inputs do"
    LEAST_INPUTS: ClassVar[int] = 2
    MOST_INPUTS: ClassVar[int] = 1_024

    @property
    def notation(self) -> str:
        """Short for concatenate."""
        return "concat"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the maps of all inputs."""
        rows, columns = inputs[0].rows, inputs[0].columns
        if any((shape.rows, shape.columns) != (rows, columns) for shape in inputs):
            raise LayoutError(f"A concatenation needs maps of one size. Got {', '.join(map(str, inputs))}.")
        return MapShape(maps=sum(shape.maps for shape in inputs), rows=rows, columns=columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps side by side."""
        return torch.cat(list(inputs), dim=1)

    def compute_into(
        self, out: Tensor, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor], part: tuple[slice, slice]
    ) -> None:
        """Write the maps side by side, without a copy between."""
        torch.cat([one[:, :, *part] for one in inputs], dim=1, out=out)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Concat."""
        return writer.node("Concat", *inputs, axis=1)
