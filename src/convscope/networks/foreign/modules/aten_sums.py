"""ATen's weighted sums, normalizations, poolings and reductions."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convscope.networks.foreign.building import functions, pools, sums
from convscope.networks.foreign.building.builder import Frame, Pair
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .aten_call import AtenCall, Operator, frame_of, pair_of


def _convolution(call: AtenCall) -> Value:
    weight, dilation = call.constant("weight"), pair_of(call["dilation"])
    if weight.dim() != 4:
        raise InexpressibleError(f"it slides over {weight.dim() - 2} axes and not over rows and columns")
    padding = call["padding"]
    frame = _padding_in_words(padding, weight.shape[2:], dilation) if isinstance(padding, str) else frame_of(padding)
    slide = sums.Slide(stride=pair_of(call["stride"]), padding=frame, dilation=dilation)
    value, bias = call.value("input"), call.optional("bias")
    if call.get("transposed", False):
        extra = pair_of(call["output_padding"])
        return sums.transposed_convolution(
            call.builder, value, weight, bias, slide, extra=extra, groups=call["groups"], name=call.name
        )
    return sums.convolution(call.builder, value, weight, bias, slide, groups=call["groups"], name=call.name)


def _transposed_convolution(call: AtenCall) -> Value:
    return _convolution(call.having(transposed=True))


def _padding_in_words(word: str, kernel: Sequence[int], dilation: Pair) -> Frame:
    """Return the zeros that ``same`` and ``valid`` stand for."""
    if word == "valid":
        return (0, 0), (0, 0)
    totals = [apart * (size - 1) for size, apart in zip(kernel, dilation, strict=True)]
    rows, columns = ((total // 2, total - total // 2) for total in totals)
    return rows, columns


def _linear(call: AtenCall) -> Value:
    return sums.linear(
        call.builder, call.value("input"), call.constant("weight"), call.optional("bias"), name=call.name
    )


def _product(call: AtenCall) -> Value:
    matrix = call.get("mat2", call.get("other"))
    if not isinstance(matrix, Tensor) or matrix.dim() != 2:
        raise InexpressibleError("it multiplies matrices that both depend on the image")
    return sums.linear(call.builder, call.value("self"), matrix.T, None, name=call.name)


def _sum_and_product(call: AtenCall) -> Value:
    return sums.linear(call.builder, call.value("mat1"), call.constant("mat2").T, call.constant("self"), name=call.name)


def _batch_norm(call: AtenCall) -> Value:
    mean, variance = call.optional("running_mean"), call.optional("running_var")
    if call.get("training", False) or mean is None or variance is None:
        raise InexpressibleError("it normalizes by the statistics of the batch that it sees")
    scale = 1 / (variance.double() + call["eps"]).sqrt()
    weight, bias = call.optional("weight"), call.optional("bias")
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return sums.scale_and_shift(
        call.builder, call.value("input"), scale, shift if bias is None else shift + bias.double(), name=call.name
    )


def _batch_norm_with_statistics(call: AtenCall) -> tuple[Value, None, None]:
    return _batch_norm(call), None, None


def _layer_norm(call: AtenCall) -> Value:
    if len(call["normalized_shape"]) != 1:
        raise InexpressibleError("it normalizes over several axes together")
    return sums.channel_normalization(
        call.builder, call.value("input"), call.optional("weight"), call.optional("bias"), call["eps"], name=call.name
    )


def _layer_norm_with_statistics(call: AtenCall) -> tuple[Value, None, None]:
    return _layer_norm(call), None, None


SUMS: dict[str, Operator] = {
    "conv2d": _convolution,
    "convolution": _convolution,
    "_convolution": _convolution,
    "conv_transpose2d": _transposed_convolution,
    "linear": _linear,
    "addmm": _sum_and_product,
    "matmul": _product,
    "mm": _product,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm_with_statistics,
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm_with_statistics,
}


def _pooling(call: AtenCall, *, code: str) -> Value:
    if call.get("divisor_override") is not None:
        raise InexpressibleError("it divides by a number of its own")
    kernel = pair_of(call["kernel_size"])
    slide = sums.Slide(
        stride=pair_of(call["stride"]) if call["stride"] else kernel,
        padding=frame_of(call["padding"]),
        dilation=pair_of(call.get("dilation", 1)),
    )
    return pools.pooling(
        call.builder,
        call.value("self"),
        code,
        kernel,
        slide,
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
