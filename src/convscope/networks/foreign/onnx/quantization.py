"""Constants as whole numbers of 8 bits, and back: how quantized networks (QDQ) write their weights."""

import numpy as np

from convscope.networks.foreign.building.unsupported import InexpressibleError

from .call import Call
from .tensors import Array


def quantized(call: Call) -> Array:
    """Return whole numbers of 8 bits or so: x / scale, rounded, + zero point."""
    array, (scale, zero) = call.constant(0), _scale_and_zero(call)
    call.budget.take(array.shape)
    limits = np.iinfo(zero.dtype)
    rounded: Array = np.clip(np.rint(array / scale) + zero, limits.min, limits.max).astype(zero.dtype)
    return rounded


def dequantized(call: Call) -> Array:
    """Return (x − zero point) × scale."""
    array, (scale, zero) = call.constant(0), _scale_and_zero(call)
    call.budget.take(array.shape)
    values: Array = (array.astype(np.float32) - zero.astype(np.float32)) * scale
    return values


def _scale_and_zero(call: Call) -> tuple[Array, Array]:
    """Return scale and zero point, one number or one for each index of the axis, as they broadcast to the input."""
    array, scale = call.constant(0), call.constant(1, "scale").astype(np.float32)
    zero = call.constant(2, "zero point") if call.has(2) else np.zeros(scale.shape, np.uint8)
    if zero.dtype.kind not in "iu" or scale.shape != zero.shape or scale.ndim > 1 or call.attribute("block_size", 0):
        raise InexpressibleError("its scales are of an unknown form")
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    axis = call.axis(array.ndim, 1)
    sides = [-1 if at == axis else 1 for at in range(array.ndim)]
    return scale.reshape(sides), zero.reshape(sides)
