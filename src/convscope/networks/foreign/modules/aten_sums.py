"""ATen's weighted sums and normalizations."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convscope.networks.foreign.building import sums
from convscope.networks.foreign.building.builder import Frame, Pair
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .aten_call import AtenCall, Operator, frame_of, pair_of


def _convolution(call: AtenCall) -> Value:
    weight, dilation = call.constant("weight"), pair_of(call["dilation"])
    if weight.dim() != 4:
        raise InexpressibleError(f"it slides over {weight.dim() - 2} axes and not over rows and columns")
    padding = call["padding"]
    settings: dict[str, Any] = {
        "stride": pair_of(call["stride"]),
        "dilation": dilation,
        "groups": call["groups"],
        "name": call.name,
    }
    settings["padding"] = (
        _padding_in_words(padding, weight.shape[2:], dilation) if isinstance(padding, str) else frame_of(padding)
    )
    value, bias = call.value("input"), call.optional("bias")
    if call.get("transposed", False):
        return sums.transposed_convolution(
            call.builder, value, weight, bias, extra=pair_of(call["output_padding"]), **settings
        )
    return sums.convolution(call.builder, value, weight, bias, **settings)


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
