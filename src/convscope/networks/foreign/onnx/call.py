"""One operator with the values that it reads, as the functions that compute or translate it take it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convscope.core.errors import ModelFileError
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .file import Operator
from .tensors import Array


@dataclass(kw_only=True)
class Budget:
    """What constants may take: a bounded number of bytes, in proportion to the file.

    Attributes:
        room: bytes that may still be made.
        work: bytes that may still be read or written.
    """

    room: int
    work: int

    @classmethod
    def of_file(cls, size: int) -> "Budget":
        """Return the budget of a file of `size` bytes; the floor lets graphs in that compute their weights."""
        room = (640 << 20) + 4 * size
        return cls(room=room, work=4 * room)

    def take(self, shape: Sequence[int], itemsize: int = 8) -> None:
        """Count an array that is to be made.

        Raises:
            ModelFileError: there is no room for it.
        """
        size = itemsize
        for side in shape:
            size *= int(side)
        self.room -= size
        self.spend(size)
        if self.room < 0:
            raise ModelFileError("Its constants take more memory than a network of its size needs.")

    def spend(self, size: int) -> None:
        """Count bytes that are read or written.

        Raises:
            ModelFileError: they are too many.
        """
        self.work -= size
        if self.work < 0:
            raise ModelFileError("Its constants take more work than a network of its size needs.")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operator and what it reads.

    Attributes:
        operator: from the file.
        inputs: values of the network or constants; None for those that are left out.
        opset: version of the operators.
        name: of the layer that it becomes.
        budget: of constants.
    """

    operator: Operator
    inputs: tuple[Any, ...]
    opset: int
    name: str
    budget: Budget

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute of the type of its default, or the default.

        Raises:
            InexpressibleError: it is of another type.
        """
        value = self.operator.attributes.get(name, default)
        wanted = (float, int) if isinstance(default, float) else type(default)
        if default is not None and not isinstance(value, wanted):
            raise InexpressibleError(f"its attribute {name} has a wrong type")
        return value

    def has(self, number: int) -> bool:
        """Return whether an input is there."""
        return number < len(self.inputs) and self.inputs[number] is not None

    def constant(self, number: int, what: str = "") -> Array:
        """Return an input that must be a constant.

        Raises:
            InexpressibleError: it is computed from the image, or missing.
        """
        value = self.inputs[number] if self.has(number) else None
        if not isinstance(value, np.ndarray):
            raise InexpressibleError(f"its {what or f'input {number + 1}'} must be a constant")
        return value

    def value(self, number: int = 0) -> Value:
        """Return an input that must be computed from the image.

        Raises:
            InexpressibleError: it is a constant, or missing.
        """
        value = self.inputs[number] if self.has(number) else None
        if not isinstance(value, Value):
            raise InexpressibleError(f"its input {number + 1} must be computed from the image")
        return value

    def numbers(self, name: str, number: int, default: list[int] | None = None) -> list[int] | None:
        """Return whole numbers that are an attribute in old versions, and an input in new ones."""
        if self.has(number):
            return integers(self.constant(number, name), name)
        value = self.attribute(name)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(one, int) for one in value):
            raise InexpressibleError(f"its {name} must be whole numbers")
        return value

    def needed(self, name: str, number: int) -> list[int]:
        """Return whole numbers as `numbers` does.

        Raises:
            InexpressibleError: they are missing.
        """
        value = self.numbers(name, number)
        if value is None:
            raise InexpressibleError(f"its {name} are missing")
        return value

    def number(self, name: str, number: int, default: float) -> float:
        """Return one number that is an attribute in old versions, and an input in new ones."""
        if self.has(number):
            return scalar(self.constant(number, name), name)
        return float(self.attribute(name, default))

    def axis(self, rank: int, default: int) -> int:
        """Return the attribute `axis` of values of so many axes, from 0.

        Raises:
            InexpressibleError: they have no such axis.
        """
        return axis_of(self.attribute("axis", default), rank)


def integers(array: Array, what: str, most: int = 4_096) -> list[int]:
    """Return the whole numbers of a short constant.

    Raises:
        InexpressibleError: they are no whole numbers, or too many.
    """
    if array.dtype.kind not in "iu" or array.size > most:
        raise InexpressibleError(f"its {what} must be whole numbers")
    return [int(number) for number in array.ravel()]


def scalar(array: Array, what: str) -> float:
    """Return the only number of a constant.

    Raises:
        InexpressibleError: there are others.
    """
    if array.size != 1:
        raise InexpressibleError(f"its {what} must be one number")
    return float(array.ravel()[0])


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from 0.

    Raises:
        InexpressibleError: there is none.
    """
    if not -rank <= axis < rank:
        raise InexpressibleError(f"there is no axis {axis} of {rank}")
    return axis % rank
