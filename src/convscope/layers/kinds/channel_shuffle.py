"""Channel shuffle: maps in another order, so that groups exchange what they know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from convscope.core.errors import LayoutError
from convscope.layers.geometry import LARGEST_UNITS, MapShape, check_range
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only


@dataclass(frozen=True, kw_only=True)
class ChannelShuffle(Layer):
    """The first map of each of `groups` groups, then the second of each, and so on (Zhang et al. 2018).

    Raises:
        LayoutError: the number is out of range.
    """

    KIND: ClassVar[str] = "channel-shuffle"
    FORMULA: ClassVar[str] = "x of another map"
    PHRASE: ClassVar[str] = "the maps change their order: the first of each group, then the second of each"
    SHIFT: ClassVar[str] = "moves along"

    groups: int

    def __post_init__(self) -> None:
        """Validate the number."""
        check_range("groups", self.groups, LARGEST_UNITS)

    @property
    def notation(self) -> str:
        """The number of groups."""
        return f"shuffle {self.groups}"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        if only(inputs).maps % self.groups:
            raise LayoutError(f"A shuffle needs a multiple of {self.groups} maps. Got {only(inputs).maps}.")
        return only(inputs)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the maps in their new order."""
        images, maps, rows, columns = inputs[0].shape
        grouped = inputs[0].reshape(images, self.groups, maps // self.groups, rows, columns)
        return grouped.transpose(1, 2).flatten(1, 2)

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add Gather."""
        maps = only(shapes).maps
        order = np.arange(maps).reshape(self.groups, -1).T.ravel()
        return writer.node("Gather", inputs[0], writer.constant(order.astype(np.int64)), axis=1)
