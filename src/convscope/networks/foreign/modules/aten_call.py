"""One operator of ATen with its arguments."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from convscope.networks.foreign.building.builder import Builder, Frame, Pair
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value


@dataclass(frozen=True)
class AtenCall(Mapping[str, Any]):
    """One operator with its arguments.

    Attributes:
        builder: what it is read into.
        arguments: by the names of the operator's schema.
        name: of the layer that it is; empty where the builder names it.
    """

    builder: Builder
    arguments: Mapping[str, Any]
    name: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arguments)

    def __len__(self) -> int:
        return len(self.arguments)

    def having(self, **arguments: Any) -> "AtenCall":
        """Return the call with further arguments."""
        return AtenCall(self.builder, {**self.arguments, **arguments}, self.name)

    def value(self, name: str) -> Value:
        """Return an argument that depends on the image."""
        if not isinstance(self[name], Value):
            raise InexpressibleError(f"`{name}` does not depend on the image")
        value: Value = self[name]
        return value

    def constant(self, name: str) -> Tensor:
        """Return an argument that does not."""
        if not isinstance(self[name], Tensor):
            raise InexpressibleError(f"its {name} depends on the image")
        tensor: Tensor = self[name]
        return tensor

    def optional(self, name: str) -> Tensor | None:
        """Return an argument that does not, or None where it is left out."""
        return None if self[name] is None else self.constant(name)


def pair_of(sizes: Any) -> Pair:
    """Return one number, or a list of one or two, as two."""
    numbers = [sizes] if isinstance(sizes, int) else list(sizes)
    if len(numbers) > 2:
        raise InexpressibleError(f"its windows have {len(numbers)} dimensions")
    return numbers[0], numbers[-1]


def frame_of(sizes: Any) -> Frame:
    """Return the same zeros before and after rows, and before and after columns."""
    rows, columns = pair_of(sizes)
    return (rows, rows), (columns, columns)


Operator = Callable[[AtenCall], Any]
