"""Shapes that operators ask for, by what they read and by their attributes; of constants and of values alike."""

from collections.abc import Sequence

import numpy as np

from convscope.core.text import counted
from convscope.networks.foreign.building.unsupported import InexpressibleError

from .call import Call, axis_of
from .tensors import Array


def shape_of(call: Call) -> Array:
    """Return the shape of what it reads, values or constants."""
    value = call.inputs[0]
    if value is None:
        raise InexpressibleError("its input is missing")
    start, end = call.attribute("start", 0), call.attribute("end")
    return np.array(value.shape[start:end], np.int64)


def slices(call: Call, shape: Sequence[int]) -> list[slice]:
    """Return what Slice takes of each axis of values of this shape.

    Raises:
        InexpressibleError: starts, ends, axes and steps do not fit each other.
    """
    starts, ends = call.needed("starts", 1), call.needed("ends", 2)
    axes = call.numbers("axes", 3) or list(range(len(starts)))
    steps = call.numbers("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise InexpressibleError("its starts, ends, axes and steps do not fit each other")
    result = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis_of(axis, len(shape))]
        before = end < -size and step < 0  # everything down to the first
        result[axis_of(axis, len(shape))] = slice(start, None if before else end, step)
    return result


def new_shape(call: Call, shape: Sequence[int]) -> list[int]:
    """Return the shape that Reshape asks for, where a 0 stands for the side as it is; one may be -1."""
    wanted = call.needed("shape", 1)
    if call.attribute("allowzero", 0):
        return wanted
    if any(side == 0 and at >= len(shape) for at, side in enumerate(wanted)):
        raise InexpressibleError("its shape has a 0 too many")
    return [shape[at] if side == 0 else side for at, side in enumerate(wanted)]


def split_sizes(call: Call, size: int) -> list[int]:
    """Return the sizes of the parts that Split makes of a side.

    Raises:
        InexpressibleError: they are not those of the side.
    """
    count = len(call.operator.outputs)
    sizes = call.numbers("split", 1)
    if sizes is None:
        part = -(-size // count)
        sizes = [max(0, min(part, size - at * part)) for at in range(count)]
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 0:
        raise InexpressibleError(f"{counted(size, 'value')} cannot be split into parts of {sizes}")
    return sizes
