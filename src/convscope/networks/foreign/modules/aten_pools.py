"""ATen's poolings and reductions."""

import functools
import math
from typing import Any

from convscope.networks.foreign.building import functions, pools
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .aten_call import AtenCall, Operator, frame_of, pair_of


def _pooling(call: AtenCall, *, code: str) -> Value:
    if call.get("divisor_override") is not None:
        raise InexpressibleError("it divides by a number of its own")
    kernel = pair_of(call["kernel_size"])
    return pools.pooling(
        call.builder,
        call.value("self"),
        code,
        kernel,
        stride=pair_of(call["stride"]) if call["stride"] else kernel,
        padding=frame_of(call["padding"]),
        dilation=pair_of(call.get("dilation", 1)),
        ceil=call["ceil_mode"],
        count_padding=call.get("count_include_pad", False),
        name=call.name,
    )


def _pooling_with_indices(call: AtenCall) -> tuple[Value, None]:
    return _pooling(call, code="MP"), None


def _adaptive_pooling(call: AtenCall, *, code: str) -> Any:
    rows, columns = pair_of(call["output_size"])
    value = call.value("self")
    size = (value.shape[-2] if rows is None else rows, value.shape[-1] if columns is None else columns)
    pooled = pools.adaptive_pooling(call.builder, value, code, size, name=call.name)
    return (pooled, None) if code == "MP" else pooled


def _reduction(call: AtenCall, *, code: str) -> Value:
    value = call.value("self")
    axes = call.get("dim")
    axes = range(len(value.shape)) if axes is None or axes == [] else axes
    axes = [axes] if isinstance(axes, int) else list(axes)
    return pools.global_pooling(call.builder, value, code, axes, keepdim=call.get("keepdim", False), name=call.name)


def _sum(call: AtenCall) -> Value:
    mean = _reduction(call, code="AP")
    return functions.multiply(call.builder, mean, math.prod(call.value("self").shape) / math.prod(mean.shape))


def _pooling_of_channels(call: AtenCall) -> Value:
    size, *others = call["kernel_size"]
    strides, padding = call["stride"] or call["kernel_size"], call["padding"]
    plain = set(others) == {1} and set(strides) == {1} and set(padding) == {0} and not call["ceil_mode"]
    if not plain or call["divisor_override"] is not None:
        raise InexpressibleError("it pools windows of three dimensions")
    return pools.channel_window(call.builder, call.value("self"), size, axis=-3, name=call.name)


POOLS: dict[str, Operator] = {
    "max_pool2d": functools.partial(_pooling, code="MP"),
    "max_pool2d_with_indices": _pooling_with_indices,
    "avg_pool2d": functools.partial(_pooling, code="AP"),
    "avg_pool3d": _pooling_of_channels,
    "adaptive_avg_pool2d": functools.partial(_adaptive_pooling, code="AP"),
    "_adaptive_avg_pool2d": functools.partial(_adaptive_pooling, code="AP"),
    "adaptive_max_pool2d": functools.partial(_adaptive_pooling, code="MP"),
    "mean": functools.partial(_reduction, code="AP"),
    "amax": functools.partial(_reduction, code="MP"),
    "sum": _sum,
}
