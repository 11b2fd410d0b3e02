"""Operators that put values elsewhere and compute nothing: parts, other shapes and orders, frames."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from convscope.networks.foreign.building import parts, views
from convscope.networks.foreign.building.builder import Builder
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .call import Call, axis_of
from .shapes import new_shape, slices, split_sizes
from .tensors import dtype_of


def concatenate(builder: Builder, call: Call) -> Value:
    """Put channels side by side."""
    if not all(isinstance(value, Value) for value in call.inputs):
        raise InexpressibleError("it puts constants beside values that depend on the image")
    values = [call.value(number) for number in range(len(call.inputs))]
    return parts.concatenate(builder, values, call.axis(len(values[0].axes), 0), name=call.name)


def split(builder: Builder, call: Call) -> Sequence[Value]:
    """Divide an axis into parts."""
    value = call.value()
    axis = call.axis(len(value.axes), 0)
    return parts.chunk(builder, value, split_sizes(call, value.shape[axis]), axis, name=call.name)


def sliced(builder: Builder, call: Call) -> Value:
    """Take a part of each axis."""
    value = call.value()
    for axis, part in enumerate(slices(call, value.shape)):
        if part != slice(None):
            value = parts.select(builder, value, axis, part.start, part.stop, step=part.step, name=call.name)
    return value


def gather(builder: Builder, call: Call) -> Value:
    """Take one index, or several: a slice, or all channels in the order of a shuffle."""
    value, indices = call.value(), call.constant(1, "indices")
    axis = call.axis(len(value.axes), 0)
    size = value.shape[axis]
    if indices.dtype.kind not in "iu" or not 0 < indices.size <= size:
        raise InexpressibleError("it takes an unknown choice of values")
    order = [axis_of(int(index), size) for index in indices.ravel()]
    steps = {after - before for before, after in itertools.pairwise(order)} or {1}
    if len(steps) == 1 and 0 not in steps:
        (step,) = steps
        stop = order[-1] + (1 if step > 0 else -1)
        taken = parts.select(builder, value, axis, order[0], stop if stop >= 0 else None, step=step, name=call.name)
    else:
        taken = _shuffled(builder, value, axis, order)
    return parts.reshape(builder, taken, [*value.shape[:axis], *indices.shape, *value.shape[axis + 1 :]])


def _shuffled(builder: Builder, value: Value, axis: int, order: list[int]) -> Value:
    """Return an axis in the order of a shuffle of groups: as two axes that change places."""
    size = len(order)
    apart = order[1] - order[0]  # the groups are so many values each
    if size != value.shape[axis] or apart < 1 or size % apart:
        raise InexpressibleError("it puts channels in an order that no shuffle of groups gives")
    if order != [start + at for start in range(apart) for at in range(0, size, apart)]:
        raise InexpressibleError("it puts channels in an order that no shuffle of groups gives")
    before, after = value.shape[:axis], value.shape[axis + 1 :]
    split = parts.reshape(builder, value, [*before, size // apart, apart, *after])
    places = [*range(axis), axis + 1, axis, *range(axis + 2, len(split.axes))]
    return parts.reshape(builder, views.permuted(split, places), value.shape)


def flatten(builder: Builder, call: Call) -> Value:
    """Make a vector."""
    value, axis = call.value(), call.attribute("axis", 1)
    axis = axis if axis == len(value.axes) else axis_of(axis, len(value.axes))
    return parts.reshape(builder, value, (math.prod(value.shape[:axis]), math.prod(value.shape[axis:])))


def reshape(builder: Builder, call: Call) -> Value:
    """Return other axes, the values in the same order."""
    value = call.value()
    shape = new_shape(call, value.shape)
    if sum(side == -1 for side in shape) > 1 or min(shape, default=1) < -1 or 0 in shape:
        raise InexpressibleError(f"there is no shape {shape[:8]}")
    return parts.reshape(builder, value, shape)


def squeeze(builder: Builder, call: Call) -> Value:
    """Take axes of size 1 away."""
    value = call.value()
    rank = len(value.axes)
    axes = [axis_of(axis, rank) for axis in call.numbers("axes", 1) or []]
    taken = axes or [axis for axis in range(rank) if value.shape[axis] == 1]
    return parts.reshape(builder, value, [side for axis, side in enumerate(value.shape) if axis not in taken])


def unsqueeze(builder: Builder, call: Call) -> Value:
    """Add axes of size 1."""
    value, axes = call.value(), call.needed("axes", 1)
    rank = len(value.axes) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    sides = iter(value.shape)
    return parts.reshape(builder, value, [1 if axis in new else next(sides, 1) for axis in range(rank)])


def transpose(_: Builder, call: Call) -> Value:
    """Return the axes in another order."""
    rank = len(call.value().axes)
    order = call.attribute("perm", list(range(rank))[::-1])
    if sorted(order) != list(range(rank)):
        raise InexpressibleError(f"{order[:8]} is no order of {rank} axes")
    return views.permuted(call.value(), order)


def pad(builder: Builder, call: Call) -> Value:
    """Put a frame around rows and columns."""
    value, pads = call.value(), call.needed("pads", 1)
    rank = len(value.axes)
    axes = [axis_of(axis, rank) for axis in call.numbers("axes", 3) or range(rank)]
    mode = call.attribute("mode", "constant")
    if len(pads) != 2 * len(axes) or mode not in ("constant", "reflect", "edge"):
        raise InexpressibleError(f"it pads in an unknown way, {mode[:20]}")
    frame = [(0, 0)] * rank
    for number, axis in enumerate(axes):
        frame[axis] = (pads[number], pads[number + len(axes)])
    return parts.pad(builder, value, frame, mode, call.number("value", 2, 0.0), name=call.name)


def expand(builder: Builder, call: Call) -> Value:
    """Repeat the only value of each map."""
    value = call.value()
    shape = np.broadcast_shapes(value.shape, tuple(call.needed("shape", 1)))
    return parts.expand(builder, value, shape, name=call.name)


def tile(builder: Builder, call: Call) -> Value:
    """Repeat values along axes that have one."""
    value, times = call.value(), call.needed("repeats", 1)
    if len(times) != len(value.axes) or any(
        size > 1 and many != 1 for size, many in zip(value.shape, times, strict=True)
    ):
        raise InexpressibleError(f"it puts values of {value.shape} one after another {times} times")
    shape = [size * many for size, many in zip(value.shape, times, strict=True)]
    return parts.expand(builder, value, shape, name=call.name)


def same(_: Builder, call: Call) -> Value:
    """Return the values as they are."""
    return call.value()


def cast(_: Builder, call: Call) -> Value:
    """Return the values as they are; whole numbers are refused."""
    dtype = dtype_of(call.attribute("to", 1))
    if dtype is None or dtype.kind != "f":
        raise InexpressibleError("it makes whole numbers of values")
    return call.value()


def quantization(builder: Builder, call: Call) -> Value:
    """Return the values as they are, and note that they are not rounded."""
    note = "The network is quantized: its weights are read as float, and its values are not rounded."
    if note not in builder.notes:
        builder.notes.append(note)
    return call.value()
