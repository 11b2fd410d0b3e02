"""What depends on constants only, computed while a file is read: exporters write sizes and weights as operators.

To add an operator, add a function and its line in `FOLDED`. Every function counts what it makes before it makes it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from convscope.core.errors import ConvscopeError
from convscope.networks.foreign.building.unsupported import InexpressibleError

from .call import Call, axis_of, integers, scalar
from .quantization import dequantized, quantized
from .shapes import new_shape, shape_of, slices, split_sizes
from .tensors import Array, checked_shape, dtype_of

Folding = Callable[[Call], Array | list[Array]]
_VIEWS = frozenset({"Shape", "Size", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Flatten", "Identity", "Constant"})
"""These take no time, whatever they read."""


def folded(call: Call) -> list[Array]:
    """Return the results of an operator that reads constants only.

    Raises:
        InexpressibleError: the operator, or what it is asked for, is unknown.
        ModelFileError: its result would take too much memory or time.
    """
    kind = call.operator.kind
    if kind not in FOLDED:
        raise InexpressibleError("it is unknown as an operation on constants")
    if kind not in _VIEWS:
        call.budget.spend(sum(array.nbytes for array in call.inputs if isinstance(array, np.ndarray)))
    try:
        with np.errstate(all="ignore"):
            result = FOLDED[kind](call)
    except ConvscopeError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError, np.exceptions.AxisError):
        raise InexpressibleError("its constants do not fit each other") from None
    return [np.asarray(one) for one in (result if isinstance(result, list) else [result])]


def constant_value(call: Call) -> Array:
    """Return the value of Constant, which is one of several attributes."""
    for name, dtype in (
        ("value", None), ("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64),
        ("value_ints", np.int64),
    ):  # fmt: skip
        if name in call.operator.attributes:
            return np.asarray(call.operator.attributes[name], dtype)
    raise InexpressibleError("its value is no number")


def _size(call: Call) -> Array:
    return np.array(call.constant(0).size, np.int64)


def _elementwise(function: Callable[..., Any]) -> Callable[[Call], Array]:
    """Return the folding of a function of one or more numbers, of inputs that are broadcast."""

    def fold(call: Call) -> Array:
        arrays = [call.constant(number) for number in range(len(call.inputs))]
        call.budget.take(np.broadcast_shapes(*(array.shape for array in arrays)), arrays[0].itemsize)
        return np.asarray(function(*arrays))

    return fold


def _chained(function: Callable[[Any, Any], Any]) -> Folding:
    """Return the folding of a function of two numbers, applied to any number of inputs."""

    def fold(call: Call) -> Array:
        result = call.constant(0)
        for number in range(1, len(call.inputs)):
            other = call.constant(number)
            call.budget.take(np.broadcast_shapes(result.shape, other.shape), result.itemsize)
            result = np.asarray(function(result, other))
        return result

    return fold


def _divided(first: Array, second: Array) -> Any:
    """Divide; whole numbers are cut off towards 0."""
    if first.dtype.kind not in "iu":
        return first / second
    quotient = np.floor_divide(np.abs(first), np.abs(second))
    return np.where((first < 0) != (second < 0), -quotient, quotient).astype(first.dtype)


def _clipped(call: Call) -> Array:
    array = call.constant(0)
    call.budget.take(array.shape, array.itemsize)
    low, high = call.number("min", 1, -math.inf), call.number("max", 2, math.inf)
    return np.minimum(np.maximum(array, low), high).astype(array.dtype)


def _mod(call: Call) -> Array:
    function = np.fmod if call.attribute("fmod", 0) else np.mod
    return _elementwise(function)(call)


def _cast(call: Call) -> Array:
    array = call.constant(0)
    dtype = call.constant(1).dtype if call.operator.kind == "CastLike" else dtype_of(call.attribute("to", 0))
    if dtype is None:
        raise InexpressibleError("it makes numbers of an unknown type")
    call.budget.take(array.shape, dtype.itemsize)
    return array.astype(dtype)


def _filled(call: Call) -> Array:
    shape = integers(call.constant(0), "shape")
    value = call.attribute("value")
    filling = np.zeros(1, np.float32) if value is None else np.asarray(value)
    return np.broadcast_to(filling.reshape(()), checked_shape(shape, "a constant")[0])


def _expanded(call: Call) -> Array:
    array = call.constant(0)
    shape = np.broadcast_shapes(array.shape, tuple(integers(call.constant(1), "shape")))
    return np.broadcast_to(array, checked_shape(list(shape), "a constant")[0])


def _tiled(call: Call) -> Array:
    array, times = call.constant(0), integers(call.constant(1), "repeats")
    call.budget.take([*times, array.size], array.itemsize)
    return np.tile(array, times)


def _range(call: Call) -> Array:
    start, limit, delta = (scalar(call.constant(number), "limits") for number in range(3))
    call.budget.take([max(0, math.ceil((limit - start) / delta))])
    return np.arange(start, limit, delta).astype(call.constant(0).dtype)


def _gathered(call: Call) -> Array:
    array, indices = call.constant(0), call.constant(1, "indices")
    axis = call.axis(array.ndim, 0)
    call.budget.take([*array.shape[:axis], *indices.shape, *array.shape[axis + 1 :]], array.itemsize)
    return np.take(array, indices, axis)


def _concatenated(call: Call) -> Array:
    arrays = [call.constant(number) for number in range(len(call.inputs))]
    call.budget.take([sum(array.size for array in arrays)], arrays[0].itemsize)
    return np.concatenate(arrays, call.axis(arrays[0].ndim, 0))


def _sliced(call: Call) -> Array:
    array = call.constant(0)
    result = array[tuple(slices(call, array.shape))]
    call.budget.take(result.shape, array.itemsize)
    return result


def _reshaped(call: Call) -> Array:
    return _in_shape(call, new_shape(call, call.constant(0).shape))


def _in_shape(call: Call, shape: list[int]) -> Array:
    array = call.constant(0)
    if not array.flags.c_contiguous:  # it is copied
        call.budget.take(array.shape, array.itemsize)
    return array.reshape(shape)


def _flattened(call: Call) -> Array:
    array = call.constant(0)
    axis = call.attribute("axis", 1)
    axis = axis if axis == array.ndim else axis_of(axis, array.ndim)
    return _in_shape(call, [math.prod(array.shape[:axis]), -1])


def _unsqueezed(call: Call) -> Array:
    return np.expand_dims(call.constant(0), tuple(call.needed("axes", 1)))


def _squeezed(call: Call) -> Array:
    axes = call.numbers("axes", 1)
    return np.squeeze(call.constant(0), None if axes is None else tuple(axes))


def _transposed(call: Call) -> Array:
    return np.transpose(call.constant(0), call.attribute("perm"))


def _split(call: Call) -> list[Array]:
    array = call.constant(0)
    axis = call.axis(array.ndim, 0)
    ends = np.cumsum(split_sizes(call, array.shape[axis]))
    return np.split(array, ends[:-1], axis)


def _reduced(function: Callable[..., Any]) -> Folding:
    def fold(call: Call) -> Array:
        array, axes = call.constant(0), call.numbers("axes", 1)
        keep = bool(call.attribute("keepdims", 1))
        call.budget.take(array.shape, array.itemsize)
        result = function(array, axis=None if not axes else tuple(axes), keepdims=keep)
        return np.asarray(result).astype(array.dtype)

    return fold


def _matrix_product(call: Call) -> Array:
    first, second = call.constant(0), call.constant(1)
    rows = first.shape[-2] if first.ndim > 1 else 1
    columns = second.shape[-1] if second.ndim > 1 else 1
    call.budget.spend(first.size * columns * 8 + second.size * rows * 8)
    batch = np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    call.budget.take([*batch, rows, columns], first.itemsize)
    return np.asarray(first @ second)


def _where(call: Call) -> Array:
    arrays = [call.constant(number) for number in range(3)]
    call.budget.take(np.broadcast_shapes(*(array.shape for array in arrays)), arrays[1].itemsize)
    return np.where(*arrays)


def _padded(call: Call) -> Array:
    array, pads = call.constant(0), call.needed("pads", 1)
    if call.attribute("mode", "constant") != "constant" or len(pads) != 2 * array.ndim or min(pads, default=0) < 0:
        raise InexpressibleError("it pads a constant in an unknown way")
    widths = list(zip(pads[: array.ndim], pads[array.ndim :], strict=True))
    call.budget.take([side + sum(width) for side, width in zip(array.shape, widths, strict=True)], array.itemsize)
    return np.pad(array, widths, constant_values=call.number("value", 2, 0.0))


def _normalized(call: Call) -> Array:
    """Batch normalization of constants: how standardized weights are written."""
    array = call.constant(0).astype(np.float64)
    scale, shift, mean, variance = (call.constant(number).astype(np.float64) for number in range(1, 5))
    call.budget.take([3, *array.shape])
    if call.attribute("training_mode", 0):
        axes = tuple(axis for axis in range(array.ndim) if axis != 1)
        mean, variance = array.mean(axes), array.var(axes)
    sides = (-1, *(1,) * (array.ndim - 2))
    factor = scale / np.sqrt(variance + call.attribute("epsilon", 1e-5))
    result: Array = (array - mean.reshape(sides)) * factor.reshape(sides) + shift.reshape(sides)
    return result.astype(np.float32)


def _same(call: Call) -> Array:
    return call.constant(0)


def _sigmoid(array: Array) -> Any:
    return (1 / (1 + np.exp(-array))).astype(array.dtype)


FOLDED: dict[str, Folding] = {
    "Constant": constant_value,
    "ConstantOfShape": _filled,
    "Shape": shape_of,
    "Size": _size,
    "Identity": _same,
    "Dropout": _same,
    "Cast": _cast,
    "CastLike": _cast,
    "Gather": _gathered,
    "Concat": _concatenated,
    "Slice": _sliced,
    "Split": _split,
    "Reshape": _reshaped,
    "Flatten": _flattened,
    "Squeeze": _squeezed,
    "Unsqueeze": _unsqueezed,
    "Transpose": _transposed,
    "Expand": _expanded,
    "Tile": _tiled,
    "Range": _range,
    "Where": _where,
    "Pad": _padded,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divided),
    "Mod": _mod,
    "Pow": _elementwise(lambda base, exponent: np.power(base, exponent).astype(base.dtype)),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Sqrt": _elementwise(np.sqrt),
    "Reciprocal": _elementwise(np.reciprocal),
    "Exp": _elementwise(np.exp),
    "Log": _elementwise(np.log),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Round": _elementwise(np.rint),
    "Sign": _elementwise(np.sign),
    "Relu": _elementwise(lambda array: np.maximum(array, 0)),
    "Sigmoid": _elementwise(_sigmoid),
    "Tanh": _elementwise(np.tanh),
    "Clip": _clipped,
    "Sum": _chained(np.add),
    "Max": _chained(np.maximum),
    "Min": _chained(np.minimum),
    "Equal": _elementwise(np.equal),
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Not": _elementwise(np.logical_not),
    "ReduceMean": _reduced(np.mean),
    "ReduceSum": _reduced(np.sum),
    "ReduceProd": _reduced(np.prod),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
    "MatMul": _matrix_product,
    "BatchNormalization": _normalized,
    "QuantizeLinear": quantized,
    "DequantizeLinear": dequantized,
}
"""Operators that are computed where they read constants only."""
