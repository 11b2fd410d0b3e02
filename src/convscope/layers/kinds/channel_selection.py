"""Channel selection: some of the maps, or all in the reverse order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only


@dataclass(frozen=True, kw_only=True)
class ChannelSelection(Layer):
    """`count` maps, the first of them `start`, then every `step`-th; a step of −1 goes backwards (RGB to BGR).

    Raises:
        LayoutError: a number is out of range.
    """

    KIND: ClassVar[str] = "channel-selection"
    FORMULA: ClassVar[str] = "x of some maps"
    PHRASE: ClassVar[str] = "some of the maps go on; no value changes"
    SHIFT: ClassVar[str] = "moves along"

    start: int
    count: int
    step: int = 1

    def __post_init__(self) -> None:
        """Validate the numbers."""
        last = self.start + (self.count - 1) * self.step
        if self.count < 1 or self.step == 0 or min(self.start, last) < 0:
            raise LayoutError(f"No maps can be selected from {self.start}, {self.count} in steps of {self.step}.")

    @property
    def notation(self) -> str:
        """First and last of the maps, from 1."""
        return f"maps {self.start + 1}…{self.start + (self.count - 1) * self.step + 1}"

    @property
    def indices(self) -> list[int]:
        """The indices of the maps below, from 0, in their order here."""
        return [self.start + index * self.step for index in range(self.count)]

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return `count` maps of the same size."""
        below = only(inputs)
        if max(self.start, self.start + (self.count - 1) * self.step) >= below.maps:
            raise LayoutError(f"{self.notation} cannot be taken from {below}.")
        return MapShape(maps=self.count, rows=below.rows, columns=below.columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps."""
        if self.step > 0:
            return inputs[0][:, self.start : self.start + (self.count - 1) * self.step + 1 : self.step]
        return inputs[0][:, self.indices]

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Slice, or Gather for a reversed order."""
        if self.step < 0:
            return writer.node("Gather", inputs[0], writer.constant(np.array(self.indices, np.int64)), axis=1)
        end = self.start + (self.count - 1) * self.step + 1
        numbers = ([self.start], [end], [1], [self.step])  # starts, ends, axes, steps
        return writer.node("Slice", inputs[0], *(writer.constant(np.array(number, np.int64)) for number in numbers))
