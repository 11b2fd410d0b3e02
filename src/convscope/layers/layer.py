"""One operation of a network as a record that answers for all of it: its shape, what it sees, costs and computes.

A kind of layer is a frozen dataclass in one file of `layers/kinds`, registered in `kinds.LAYERS`. Everything that works
on networks asks the layer and knows no kind: plan, computation, ONNX, file, cost, receptive fields, page.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import LayoutError

from .geometry import LARGEST_UNITS, MapShape, ReceptiveField, Window, check_range
from .planned import PlannedLayer
from .sliding import SideTaps, SlidingInput, local_taps

Fields = tuple[ReceptiveField, ReceptiveField]
"""What a value depends on: down the image, and across it."""
Arrays = Mapping[str, NDArray[np.float32]]
Attribute = int | float | str | list[int]
TensorShapes = dict[str, tuple[int, ...]]


class OnnxWriter(Protocol):
    """What a layer needs to write itself as ONNX operators."""

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Add an operator on values by name; return the name of its result, which may be chosen."""

    def constant(self, values: NDArray[Any]) -> str:
        """Add an array; return its name."""


class Layer(ABC):
    """One operation: maps N C H W of one or more inputs become maps N C h w.

    Vectors are maps of one row and one column. Weights are not part of a layer: they are tensors by name beside it.

    Attributes:
        KIND: its name in files and on the page.
        FORMULA: what a value is, in Unicode.
        PHRASE: the same in words.
        SHIFT: what happens to the result when the input is moved.
        LEAST_INPUTS, MOST_INPUTS: how many it takes.
        GIVES_NEW: what `dense` returns is a tensor of its own, never a part of an input.
    """

    KIND: ClassVar[str]
    FORMULA: ClassVar[str]
    PHRASE: ClassVar[str]
    SHIFT: ClassVar[str]
    LEAST_INPUTS: ClassVar[int] = 1
    MOST_INPUTS: ClassVar[int] = 1
    GIVES_NEW: ClassVar[bool] = False

    @property
    @abstractmethod
    def notation(self) -> str:
        """A few letters that name it to a reader, in the notation of layouts where that has it."""

    @abstractmethod
    def shape(self, inputs: Sequence[MapShape]) -> MapShape:
        """Return the shape of the result.

        Raises:
            LayoutError: the inputs do not fit it.
        """

    def fields(self, inputs: Sequence[Fields], shapes: Sequence[MapShape]) -> Fields:
        """Return the receptive fields of the result from those of the inputs, whose shapes are `shapes`.

        By default a value depends on the values at its own position.
        """
        largest = max(shapes, key=lambda shape: shape.rows * shape.columns)
        local = [field for field, shape in zip(inputs, shapes, strict=True) if shape.rows == largest.rows]
        rows, columns = local[0]
        for field in local[1:]:
            rows, columns = rows.united(field[0]), columns.united(field[1])
        return rows, columns

    def tensors(self, inputs: Sequence[MapShape]) -> TensorShapes:
        """Return the shape of each of its tensors by name."""
        return {}

    def parameters(self, inputs: Sequence[MapShape]) -> int:
        """Return the number of weights and biases."""
        return sum(math.prod(shape) for shape in self.tensors(inputs).values())

    def macs(self, inputs: Sequence[MapShape]) -> int:
        """Return the multiply-accumulate operations for one image; only those of weights count, as is usual."""
        return 0

    def planned(self, name: str, inputs: Sequence[MapShape], fields: Fields) -> PlannedLayer:
        """Return what a plan says of it, as the layer `name` whose values have the receptive fields `fields`."""
        shape = self.shape(inputs)
        return PlannedLayer(
            name=name,
            maps=shape.maps,
            rows=shape.rows,
            columns=shape.columns,
            parameters=self.parameters(inputs),
            macs=self.macs(inputs),
            field_rows=fields[0],
            field_columns=fields[1],
        )

    @abstractmethod
    def compute(self, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        """Return N C h w from inputs N C H W, differentiable in all of them."""

    def compute_into(
        self, out: Tensor, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor], part: tuple[slice, slice]
    ) -> None:
        """Write some rows and columns of the values into `out`."""
        out.copy_(self.compute(inputs, tensors)[:, :, *part])

    def taps(self, inputs: Sequence[MapShape]) -> tuple[SideTaps, SideTaps] | None:
        """Return what each position of the result reads of each input, down and across; None if it cannot slide.

        By default it reads its own position.
        """
        result = self.shape(inputs)
        return (
            tuple(local_taps(shape.rows, result.rows) for shape in inputs),
            tuple(local_taps(shape.columns, result.columns) for shape in inputs),
        )

    def dense(
        self, sources: Sequence[SlidingInput], tensors: Mapping[str, Tensor], rows: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return one family of its values in a sliding window, N C h w, from those that it reads (`sliding`).

        Args:
            sources: the inputs.
            tensors: of the layer, by name.
            rows: the sums over each row of taps of the first input, where families share them.
        """
        return self.compute([source.only() for source in sources], tensors)

    def some_taps(self, source: SlidingInput, tensors: Mapping[str, Tensor]) -> Tensor | None:
        """Return the sum over some taps, with the bias if the middle one is there; None of a layer that is no sum."""
        return None

    @abstractmethod
    def export(self, writer: OnnxWriter, inputs: Sequence[str], tensors: Arrays, shapes: Sequence[MapShape]) -> str:
        """Add its ONNX operators on the values `inputs`; return the name of the result.

        Raises:
            ParameterError: ONNX has no operator for it.
        """


def only(inputs: Sequence[MapShape]) -> MapShape:
    """Return the shape of the only input."""
    (shape,) = inputs
    return shape


def check_groups(units: int, groups: int) -> None:
    """Check that `units` hidden units can be divided into `groups`.

    Raises:
        LayoutError: a number is out of range, or no multiple.
    """
    check_range("units", units, LARGEST_UNITS)
    check_range("groups", groups, LARGEST_UNITS)
    if units % groups:
        raise LayoutError(f"`units` must be a multiple of `groups`. Got {units} and {groups}.")


def with_added(notation: str, result: MapShape, inputs: Sequence[MapShape]) -> MapShape:
    """Return the shape of maps to which a second input is added, if there is one.

    Raises:
        LayoutError: it has another shape.
    """
    if len(inputs) == 2 and inputs[1] != result:
        raise LayoutError(f"{notation} gives {result} and cannot add {inputs[1]}.")
    return result


def fields_with_added(rows: Window, columns: Window, inputs: Sequence[Fields]) -> Fields:
    """Return the fields of the first input, grown by a window, with those of what is added."""
    grown = inputs[0][0].through(rows), inputs[0][1].through(columns)
    for added in inputs[1:]:
        grown = grown[0].united(added[0]), grown[1].united(added[1])
    return grown
