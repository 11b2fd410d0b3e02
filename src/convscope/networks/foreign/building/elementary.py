"""Layers of a draft that tidying replaces: the pieces that functions and normalizations are written in."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.layer import Arrays, Layer, OnnxWriter, only

ELEMENTARY: dict[str, Callable[[Tensor], Tensor]] = {
    "erf": torch.erf,
    "erfc": torch.erfc,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "sign": torch.sign,
    "selu": functional.selu,
    "logsigmoid": functional.logsigmoid,
    "softsign": functional.softsign,
    "square": torch.square,
    "sin": torch.sin,
    "cos": torch.cos,
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
}
"""Functions of one number that no layer has by itself."""
COMBINED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "pow": torch.pow,
}
"""Functions of two numbers that no layer has by itself; ``add`` is of inputs of different shapes."""


class Piece(Layer):
    """A layer that only stands for a part of another; a graph must not hold it."""

    FORMULA: ClassVar[str] = "a part of a function"
    PHRASE: ClassVar[str] = "a part of a function that is written in pieces"
    SHIFT: ClassVar[str] = "unknown"

    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Raise an error.

        Raises:
            ParameterError: always.
        """
        raise ParameterError(f"{self.notation} is no layer.")


@dataclass(frozen=True, kw_only=True)
class Elementary(Piece):
    """A function of one number, of `ELEMENTARY`; ``clip`` to low and high; ``pow`` to the exponent `high`."""

    KIND: ClassVar[str] = "elementary"

    function: str
    low: float = -math.inf
    high: float = math.inf

    @property
    def notation(self) -> str:
        """The name of the function, with its numbers."""
        if self.function == "clip":
            return f"clip to {self.low:g}…{self.high:g}"
        return f"pow {self.high:g}" if self.function == "pow" else self.function

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape below."""
        return only(inputs)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the values of the function."""
        if self.function == "clip":
            return inputs[0].clamp(self.low, self.high)
        if self.function == "pow":
            return inputs[0].pow(self.high)
        return ELEMENTARY[self.function](inputs[0])


@dataclass(frozen=True, kw_only=True)
class Combined(Piece):
    """A function of two numbers, of `COMBINED`."""

    KIND: ClassVar[str] = "combined"
    LEAST_INPUTS: ClassVar[int] = 2
    MOST_INPUTS: ClassVar[int] = 2

    function: str

    @property
    def notation(self) -> str:
        """The name of the function."""
        return f"{self.function} of inputs of different shapes" if self.function == "add" else self.function

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of both together."""
        sides = [{getattr(shape, side) for shape in inputs} - {1} for side in ("maps", "rows", "columns")]
        if any(len(sizes) > 1 for sizes in sides):
            raise LayoutError(f"{self.function} needs inputs that fit each other. Got {inputs[0]} and {inputs[1]}.")
        maps, rows, columns = (max(sizes, default=1) for sizes in sides)
        return MapShape(maps=maps, rows=rows, columns=columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the values of the function."""
        return COMBINED[self.function](*inputs)


@dataclass(frozen=True, kw_only=True)
class ChannelMean(Piece):
    """The mean over all maps at each position: a part of channel normalization."""

    KIND: ClassVar[str] = "channel-mean"

    @property
    def notation(self) -> str:
        """What it is."""
        return "mean over channels"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return one map."""
        below = only(inputs)
        return MapShape(maps=1, rows=below.rows, columns=below.columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N 1 H W."""
        return inputs[0].mean(dim=1, keepdim=True)


@dataclass(frozen=True, kw_only=True)
class ChannelWindow(Piece):
    """The mean over `size` neighboring maps, zeros beside the first and last: a part of local response."""

    KIND: ClassVar[str] = "channel-window"

    size: int
    before: int = 0
    after: int = 0

    @property
    def notation(self) -> str:
        """What it is."""
        return f"mean over {self.size} neighboring channels"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return what is left of the maps."""
        below = only(inputs)
        maps = below.maps + self.before + self.after - self.size + 1
        if min(maps, self.size) < 1 or min(self.before, self.after) < 0:
            raise LayoutError(f"{self.notation} does not fit {below}.")
        return MapShape(maps=maps, rows=below.rows, columns=below.columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return the means."""
        framed = functional.pad(inputs[0], (0, 0, 0, 0, self.before, self.after))
        return framed.unfold(1, self.size, 1).mean(-1)


@dataclass(frozen=True, kw_only=True)
class ChannelRepeat(Piece):
    """The only map, `maps` times: a part of channel normalization."""

    KIND: ClassVar[str] = "channel-repeat"

    maps: int

    @property
    def notation(self) -> str:
        """What it is."""
        return f"one map {self.maps} times"

    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return so many maps."""
        below = only(inputs)
        if below.maps != 1:
            raise LayoutError(f"{self.notation} does not fit {below}.")
        return MapShape(maps=self.maps, rows=below.rows, columns=below.columns)

    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N C H W."""
        return inputs[0].expand(-1, self.maps, -1, -1)
