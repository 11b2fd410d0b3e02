"""What each operator of ONNX becomes: one function each, from what it reads to layers.

To add an operator, add a function and its line in `OPERATORS`. Versions of an operator differ in where they have their
settings, as attributes or as inputs; `Call` reads both.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from convscope.networks.foreign.building import functions, parts, pools, sums
from convscope.networks.foreign.building.builder import Builder
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .call import Call, axis_of, scalar
from .rearranging import (
    cast,
    concatenate,
    expand,
    flatten,
    gather,
    pad,
    quantization,
    reshape,
    same,
    sliced,
    split,
    squeeze,
    tile,
    transpose,
    unsqueeze,
)
from .shapes import shape_of
from .tensors import Array
from .windows import kernel_of, resize, windows

Result = Value | Array | Sequence[Value]
Translation = Callable[[Builder, Call], Result]


def tensor(call: Call, number: int, what: str) -> Tensor:
    """Return a constant as float32.

    Raises:
        InexpressibleError: it is none, or not of numbers.
        ModelFileError: all constants together take too much memory.
    """
    array = call.constant(number, what)
    if array.dtype.kind == "b":
        raise InexpressibleError(f"its {what} must be numbers")
    call.budget.take(array.shape, 4)
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def _vector(call: Call, number: int, what: str) -> Tensor:
    values = tensor(call, number, what)
    if values.dim() != 1:
        raise InexpressibleError(f"its {what} must be one number a channel")
    return values


def _operand(call: Call, number: int) -> Value | Tensor:
    """Return what an operator of two numbers reads: values of the network, or constants."""
    found = call.inputs[number] if call.has(number) else None
    return found if isinstance(found, Value) else tensor(call, number, f"input {number + 1}")


# Weighted sums


def _convolution(builder: Builder, call: Call) -> Value:
    value, weight = call.value(), tensor(call, 1, "weights")
    bias = _vector(call, 2, "bias") if call.has(2) else None
    slide, groups = windows(call, value, kernel_of(call, weight)), call.attribute("group", 1)
    return sums.convolution(builder, value, weight, bias, slide, groups=groups, name=call.name)


def _transposed_convolution(builder: Builder, call: Call) -> Value:
    value, weight = call.value(), tensor(call, 1, "weights")
    bias = _vector(call, 2, "bias") if call.has(2) else None
    if "output_shape" in call.operator.attributes or call.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise InexpressibleError("its padding is said by the size of its result")
    slide = windows(call, value, kernel_of(call, weight))
    extra = call.attribute("output_padding", [0, 0])
    if len(extra) != 2:
        raise InexpressibleError("its output_padding must be two numbers")
    groups = call.attribute("group", 1)
    return sums.transposed_convolution(
        builder, value, weight, bias, slide, extra=(extra[0], extra[1]), groups=groups, name=call.name
    )


def _gemm(builder: Builder, call: Call) -> Value:
    """α x B + β c."""
    value, weight = call.value(), tensor(call, 1, "weights")
    if call.attribute("transA", 0) or weight.dim() != 2 or len(value.axes) != 2:
        raise InexpressibleError("it multiplies something else than a vector and a matrix")
    weight = weight if call.attribute("transB", 0) else weight.T.contiguous()
    bias = tensor(call, 2, "bias") if call.has(2) else None
    if bias is not None:
        if bias.numel() not in (1, len(weight)):
            raise InexpressibleError("its bias must be one number a unit")
        bias = (call.attribute("beta", 1.0) * bias.flatten()).expand(len(weight))
    return sums.linear(builder, value, call.attribute("alpha", 1.0) * weight, bias, name=call.name)


def _matrix_product(builder: Builder, call: Call) -> Value:
    if call.has(1) and isinstance(call.inputs[1], Value):
        raise InexpressibleError("it multiplies two matrices that depend on the image, as attention does")
    weight = tensor(call, 1, "weights")
    if weight.dim() != 2:
        raise InexpressibleError("its weights must be a matrix")
    return sums.linear(builder, call.value(), weight.T.contiguous(), None, name=call.name)


# Normalization


def _batch_normalization(builder: Builder, call: Call) -> Value:
    scale, shift, mean, variance = (_vector(call, number, "statistics").double() for number in range(1, 5))
    if call.attribute("training_mode", 0):
        raise InexpressibleError("it normalizes with the statistics of the images themselves")
    factor = scale / (variance + call.attribute("epsilon", 1e-5)).sqrt()
    return sums.scale_and_shift(builder, call.value(), factor, shift - mean * factor, name=call.name)


def _layer_normalization(builder: Builder, call: Call) -> Value:
    value = call.value()
    if call.axis(len(value.axes), -1) != len(value.axes) - 1:
        raise InexpressibleError("it normalizes over several axes")
    scale, shift = (_vector(call, number, "scale") if call.has(number) else None for number in (1, 2))
    return sums.channel_normalization(builder, value, scale, shift, call.attribute("epsilon", 1e-5), name=call.name)


def _local_response(builder: Builder, call: Call) -> Value:
    size = call.attribute("size", 0)
    if size % 2 == 0:
        raise InexpressibleError("it looks at an even number of maps")
    alpha, beta, bias = (call.attribute(*one) for one in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    return sums.local_response(builder, call.value(), size=size, alpha=alpha, beta=beta, bias=bias, name=call.name)


def _softmax(builder: Builder, call: Call) -> Value:
    value, logarithm = call.value(), call.operator.kind == "LogSoftmax"
    rank = len(value.axes)
    if call.opset >= 13:
        return functions.softmax(builder, value, call.axis(rank, -1), logarithm=logarithm, name=call.name)
    axis = call.axis(rank, 1)  # over all axes from there on
    flat = parts.reshape(builder, value, (math.prod(value.shape[:axis]), math.prod(value.shape[axis:])))
    result = functions.softmax(builder, flat, 1, logarithm=logarithm, name=call.name)
    return parts.reshape(builder, result, value.shape)


# Pooling


def _pooling(code: str) -> Translation:
    def translate(builder: Builder, call: Call) -> Value:
        kernel = call.attribute("kernel_shape", [])
        if len(kernel) != 2:
            raise InexpressibleError(f"its windows have {len(kernel)} dimensions")
        slide = windows(call, call.value(), (kernel[0], kernel[1]))
        if code == "AP" and slide.dilation != (1, 1):
            raise InexpressibleError("it takes the mean of values that are apart")
        ceil, count = bool(call.attribute("ceil_mode", 0)), bool(call.attribute("count_include_pad", 0))
        return pools.pooling(
            builder,
            call.value(),
            code,
            (kernel[0], kernel[1]),
            slide,
            ceil=ceil,
            count_padding=count,
            name=call.name,
        )

    return translate


def _global_pooling(code: str) -> Translation:
    def translate(builder: Builder, call: Call) -> Value:
        value = call.value()
        return pools.global_pooling(builder, value, code, range(2, len(value.axes)), keepdim=True, name=call.name)

    return translate


def _reduction(code: str, *, total: bool = False) -> Translation:
    """Return the translation of a mean or largest value over axes; `total` for a sum."""

    def translate(builder: Builder, call: Call) -> Value:
        value = call.value()
        rank = len(value.axes)
        axes = call.numbers("axes", 1) or []
        if not axes and call.attribute("noop_with_empty_axes", 0):
            return value
        axes = [axis_of(axis, rank) for axis in axes] or list(range(rank))
        result = pools.global_pooling(
            builder, value, code, axes, keepdim=bool(call.attribute("keepdims", 1)), name=call.name
        )
        count = math.prod(value.shape[axis] for axis in axes)
        return functions.multiply(builder, result, count) if total else result

    return translate


# Functions of numbers


def _activation(text: str) -> Translation:
    return lambda builder, call: functions.activation(builder, call.value(), text, name=call.name)


def _elementary(function: str) -> Translation:
    return lambda builder, call: functions.elementary(builder, call.value(), function, name=call.name)


def _leaky(builder: Builder, call: Call) -> Value:
    slope = call.attribute("alpha", 0.01)
    return functions.activation(builder, call.value(), f"leakyrelu:{np.float32(slope)!s}", name=call.name)


def _prelu(builder: Builder, call: Call) -> Value:
    value, slopes = call.value(), tensor(call, 1, "slopes")
    channels = (*value.shape[1:2], *(1,) * (len(value.axes) - 2))
    if slopes.numel() != 1 and tuple(slopes.shape) not in (channels, (1, *channels)):
        raise InexpressibleError("its slopes must be one number, or one for each channel")
    return functions.prelu(builder, value, slopes.flatten(), name=call.name)


def _elu(builder: Builder, call: Call) -> Value:
    if call.attribute("alpha", 1.0) != 1:
        raise InexpressibleError(f"its alpha must be 1 and is {call.attribute('alpha', 1.0):g}")
    return functions.activation(builder, call.value(), "elu", name=call.name)


def _hard_sigmoid(builder: Builder, call: Call) -> Value:
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-5) and beta == 0.5:
        return functions.activation(builder, call.value(), "hardsigmoid", name=call.name)
    return functions.clip(
        builder,
        functions.add(builder, functions.multiply(builder, call.value(), alpha), beta),
        0.0,
        1.0,
        name=call.name,
    )


def _gelu(builder: Builder, call: Call) -> Value:
    is_tanh = call.attribute("approximate", "none") == "tanh"
    return functions.activation(builder, call.value(), "gelutanh" if is_tanh else "gelu", name=call.name)


def _swish(builder: Builder, call: Call) -> Value:
    if call.attribute("alpha", 1.0) != 1:
        raise InexpressibleError("its alpha must be 1")
    return functions.activation(builder, call.value(), "silu", name=call.name)


def _clip(builder: Builder, call: Call) -> Value:
    low, high = call.number("min", 1, -math.inf), call.number("max", 2, math.inf)
    return functions.clip(builder, call.value(), low, high, name=call.name)


def _power(builder: Builder, call: Call) -> Value:
    return functions.power(builder, call.value(), scalar(call.constant(1, "exponent"), "exponent"), name=call.name)


def _negative(builder: Builder, call: Call) -> Value:
    return functions.multiply(builder, call.value(), -1, name=call.name)


def _sum(builder: Builder, call: Call) -> Value:
    result = _operand(call, 0)
    for number in range(1, len(call.inputs)):
        result = functions.add(builder, result, _operand(call, number), name=call.name)
    if not isinstance(result, Value):
        raise InexpressibleError("it adds constants only")
    return result


def _subtract(builder: Builder, call: Call) -> Value:
    return functions.subtract(builder, _operand(call, 0), _operand(call, 1), name=call.name)


def _multiply(builder: Builder, call: Call) -> Value:
    first, second = _operand(call, 0), _operand(call, 1)
    if isinstance(first, Tensor):
        first, second = second, first
    if isinstance(first, Value) and isinstance(second, Tensor):  # how Keras scales the deviation of a normalization
        first = parts.broadcast(builder, first, second.shape)
    return functions.multiply(builder, first, second, name=call.name)


def _divide(builder: Builder, call: Call) -> Value:
    return functions.divide(builder, _operand(call, 0), _operand(call, 1), name=call.name)


def _mean(builder: Builder, call: Call) -> Value:
    return functions.multiply(builder, _sum(builder, call), 1 / len(call.inputs))


def _extreme(call: Call, number: int) -> Value | float:
    found = call.inputs[number]
    return found if isinstance(found, Value) else scalar(call.constant(number), "limit")


def _maximum(builder: Builder, call: Call) -> Value:
    return functions.extreme(builder, _extreme(call, 0), _extreme(call, 1), "maximum", name=call.name)


def _minimum(builder: Builder, call: Call) -> Value:
    return functions.extreme(builder, _extreme(call, 0), _extreme(call, 1), "minimum", name=call.name)


OPERATORS: dict[str, Translation] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Gemm": _gemm,
    "MatMul": _matrix_product,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "LRN": _local_response,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "MaxPool": _pooling("MP"),
    "AveragePool": _pooling("AP"),
    "GlobalAveragePool": _global_pooling("AP"),
    "GlobalMaxPool": _global_pooling("MP"),
    "ReduceMean": _reduction("AP"),
    "ReduceMax": _reduction("MP"),
    "ReduceSum": _reduction("AP", total=True),
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "HardSwish": _activation("hardswish"),
    "Mish": _activation("mish"),
    "Abs": _activation("abs"),
    "LeakyRelu": _leaky,
    "PRelu": _prelu,
    "Elu": _elu,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Swish": _swish,
    "Clip": _clip,
    "Pow": _power,
    "Erf": _elementary("erf"),
    "Erfc": _elementary("erfc"),  # not of ONNX: tf2onnx leaves it in a GELU of Keras
    "Exp": _elementary("exp"),
    "Log": _elementary("log"),
    "Sqrt": _elementary("sqrt"),
    "Sign": _elementary("sign"),
    "Reciprocal": _elementary("reciprocal"),
    "Neg": _negative,
    "Add": _sum,
    "Sum": _sum,
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "Mean": _mean,
    "Max": _maximum,
    "Min": _minimum,
    "Concat": concatenate,
    "Split": split,
    "Slice": sliced,
    "Gather": gather,
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Pad": pad,
    "Expand": expand,
    "Tile": tile,
    "Resize": resize,
    "Upsample": resize,
    "Identity": same,
    "Dropout": same,
    "Cast": cast,
    "QuantizeLinear": quantization,
    "DequantizeLinear": quantization,
    "Shape": lambda _, call: shape_of(call),
}
"""Operators of values that depend on the image."""
