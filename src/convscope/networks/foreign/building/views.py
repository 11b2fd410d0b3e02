"""Values of a network seen through permutations and reshapes, which cost nothing until an operation needs maps.

A node gives maps C × h × w. A view says of each of its axes which factors of C, h and w it runs through, from the
outermost to the innermost: N H W C is ``(), (h), (w), (C)``; a flattened one ``(), (C, h, w)``; a channel shuffle is C
as two factors in the other order. The images of a batch are axes without factors, for one image is traced.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from convscope.core.text import counted
from convscope.layers.geometry import MapShape

from .unsupported import InexpressibleError

MAPS, ROWS, COLUMNS = SIDES = ("maps", "rows", "columns")


class Factor(NamedTuple):
    """`size` indices of one side of the maps, `stride` apart."""

    side: str
    size: int
    stride: int


Axis = tuple[Factor, ...]


@dataclass(frozen=True)
class Value:
    """Values of a node as an operation sees them.

    Attributes:
        node: name of the node.
        maps: shape of its values.
        axes: the factors of each axis; together they are all of the node's.
    """

    node: str
    maps: MapShape
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis.

        Examples:
            >>> image = value_of("image", MapShape(maps=6, rows=4, columns=5))
            >>> image.shape, permuted(image, (0, 2, 3, 1)).shape, reshaped(image, (1, 2, 3, 20)).shape
            ((1, 6, 4, 5), (1, 4, 5, 6), (1, 2, 3, 20))
        """
        return tuple(map(size_of, self.axes))

    def side(self, name: str) -> int:
        """Return the number of maps, rows or columns of the node."""
        number: int = getattr(self.maps, name)
        return number

    def is_whole(self, axis: Axis, side: str) -> bool:
        """Return whether an axis runs through one side, all of it, and through nothing else."""
        return all(factor.side == side for factor in axis) and size_of(axis) == self.side(side)

    @property
    def is_maps(self) -> bool:
        """Whether it is seen as the node gives it, N C H W."""
        return self.axes == natural(self.maps)

    @property
    def order(self) -> Tensor:
        """For each value in the order of the view, its index in the order of the node."""
        strides = {MAPS: self.maps.rows * self.maps.columns, ROWS: self.maps.columns, COLUMNS: 1}
        factors = [factor for axis in self.axes for factor in axis]
        return indices([replaced_stride(factor, strides[factor.side]) for factor in factors])


def replaced_stride(factor: Factor, times: int) -> Factor:
    """Return a factor with its stride multiplied."""
    return factor._replace(stride=factor.stride * times)


def size_of(axis: Axis) -> int:
    """Return the size of an axis."""
    return math.prod(factor.size for factor in axis)


def whole_side(side: str, size: int) -> Axis:
    """Return the axis that runs through a side from its first index to its last."""
    return (Factor(side, size, 1),) if size > 1 else ()


def natural(maps: MapShape) -> tuple[Axis, ...]:
    """Return the axes N, C, H and W."""
    return (), whole_side(MAPS, maps.maps), whole_side(ROWS, maps.rows), whole_side(COLUMNS, maps.columns)


def value_of(node: str, maps: MapShape) -> Value:
    """Return the values of a node as N C H W."""
    return Value(node, maps, natural(maps))


def permuted(value: Value, order: Sequence[int]) -> Value:
    """Return the view with its axes in another order."""
    return replace(value, axes=tuple(value.axes[axis] for axis in order))


def reshaped(value: Value, shape: Sequence[int]) -> Value:
    """Return the view with other axes, the values in the same order; one of them may be -1.

    Raises:
        InexpressibleError: an axis would run through a part of one side and a part of another.
    """
    total, known = math.prod(value.shape), math.prod(size for size in shape if size != -1)
    sizes = [total // known if size == -1 else size for size in shape]
    if math.prod(sizes) != total:
        raise InexpressibleError(f"{counted(total, 'value')} cannot be reshaped to {tuple(shape)}")
    rest = list(_merged(factor for axis in value.axes for factor in axis))[::-1]  # the outermost one last
    axes = []
    for size in sizes:
        axis = []
        while size > 1:
            taken, left = _taken(rest.pop(), size, value.shape, shape)
            axis.append(taken)
            rest.extend(left)
            size //= taken.size  # noqa: PLW2901  # what is still to be found
        axes.append(_merged(axis))
    return replace(value, axes=tuple(axes))


def _taken(factor: Factor, size: int, before: Sequence[int], after: Sequence[int]) -> tuple[Factor, list[Factor]]:
    """Return the outer part of a factor that an axis of `size` takes, and what is left of it."""
    if size % factor.size == 0:
        return factor, []
    if factor.size % size:
        raise InexpressibleError(f"a reshape from {tuple(before)} to {tuple(after)} mixes channels, rows and columns")
    inner = factor._replace(size=factor.size // size)
    return factor._replace(size=size, stride=factor.stride * inner.size), [inner]


def _merged(factors: Iterable[Factor]) -> Axis:
    """Return factors with those made one that follow each other as in the node."""
    merged: list[Factor] = []
    for factor in factors:
        if merged and merged[-1].side == factor.side and merged[-1].stride == factor.size * factor.stride:
            factor = factor._replace(size=factor.size * merged.pop().size)  # noqa: PLW2901  # both as one
        merged.append(factor)
    return tuple(merged)


def indices(factors: Iterable[Factor]) -> Tensor:
    """Return the indices that nested loops over factors give, the last one running fastest.

    Examples:
        >>> indices([Factor("maps", 3, 1), Factor("maps", 2, 3)])
        tensor([0, 3, 1, 4, 2, 5])
    """
    result = torch.zeros(1, dtype=torch.int64)
    for factor in factors:
        result = (result[:, None] + torch.arange(factor.size) * factor.stride).flatten()
    return result


def in_natural_order(value: Value) -> tuple[Value, tuple[int, ...]]:
    """Return the view as if its channels were in the order in which it shows them, and the sizes of their factors.

    The sizes are those of the node's channels split up, in the order of the view; where it is the natural one there is
    at most one.
    """
    shown = _merged(factor for axis in value.axes for factor in axis if factor.side == MAPS)
    left, axes = value.maps.maps, []
    for axis in value.axes:
        new = []
        for factor in axis:
            if factor.side == MAPS:
                left //= factor.size
            new.append(factor._replace(stride=left) if factor.side == MAPS else factor)
        axes.append(_merged(new))
    return replace(value, axes=tuple(axes)), tuple(factor.size for factor in shown)


def aligned(first: Value, second: Value) -> tuple[Axis, ...] | None:
    """Return the axes of both together as broadcasting aligns them; None where they do not fit each other."""
    rank = max(len(first.axes), len(second.axes))
    pairs = zip(*(((),) * (rank - len(value.axes)) + value.axes for value in (first, second)), strict=True)
    axes = []
    for one, other in pairs:
        if one and other and one != other:
            return None
        axes.append(one or other)
    fits = all(1 in (first.side(side), second.side(side)) or first.side(side) == second.side(side) for side in SIDES)
    return tuple(axes) if fits else None


def per_map(value: Value, constant: Tensor) -> Tensor:
    """Return one number a channel of the node from a constant that broadcasts to the view.

    Raises:
        InexpressibleError: it differs between positions, or makes the values more.
    """
    rank = len(value.axes)
    if constant.dim() > rank or any(
        size not in (1, own) for size, own in zip(constant.shape[::-1], value.shape[::-1], strict=False)
    ):
        raise InexpressibleError(f"a constant of {tuple(constant.shape)} does not fit values of {value.shape}")
    constant = constant.reshape((1,) * (rank - constant.dim()) + tuple(constant.shape))
    loops: list[Factor] = []
    sizes = []
    for number, axis in enumerate(value.axes):
        if constant.shape[number] > 1 and any(factor.side != MAPS for factor in axis):
            if not torch.equal(constant.amin(number), constant.amax(number)):
                raise InexpressibleError("a constant differs between positions")
            constant = constant.narrow(number, 0, 1)
        own = [factor for factor in axis if factor.side == MAPS]
        loops += own
        sizes.append(math.prod(factor.size for factor in own))
    result = torch.empty(value.maps.maps, dtype=constant.dtype)
    result[indices(loops)] = constant.expand(sizes).flatten()
    return result
