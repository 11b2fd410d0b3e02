"""ATen operators, as `torch.export` writes them, as calls of the builder: one function each, and a table of them.

Operators are looked up by name, without their overload and without the line at the end of their in-place twins.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from .builder import Builder, Frame, Pair
from .unsupported import InexpressibleError
from .views import Value


@dataclass(frozen=True)
class Call(Mapping[str, Any]):
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

    def having(self, **arguments: Any) -> "Call":
        """Return the call with further arguments."""
        return Call(self.builder, {**self.arguments, **arguments}, self.name)

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


Operator = Callable[[Call], Any]


# Weighted sums


def _convolution(call: Call) -> Value:
    weight, dilation = call.constant("weight"), _pair(call["dilation"])
    if weight.dim() != 4:
        raise InexpressibleError(f"it slides over {weight.dim() - 2} axes and not over rows and columns")
    padding = call["padding"]
    settings: dict[str, Any] = {
        "stride": _pair(call["stride"]),
        "dilation": dilation,
        "groups": call["groups"],
        "name": call.name,
    }
    settings["padding"] = (
        _padding_in_words(padding, weight.shape[2:], dilation) if isinstance(padding, str) else _frame(padding)
    )
    value, bias = call.value("input"), call.optional("bias")
    if call.get("transposed", False):
        return call.builder.transposed_convolution(value, weight, bias, extra=_pair(call["output_padding"]), **settings)
    return call.builder.convolution(value, weight, bias, **settings)


def _transposed_convolution(call: Call) -> Value:
    return _convolution(call.having(transposed=True))


def _padding_in_words(word: str, kernel: Sequence[int], dilation: Pair) -> Frame:
    """Return the zeros that ``same`` and ``valid`` stand for."""
    if word == "valid":
        return (0, 0), (0, 0)
    totals = [apart * (size - 1) for size, apart in zip(kernel, dilation, strict=True)]
    rows, columns = ((total // 2, total - total // 2) for total in totals)
    return rows, columns


def _linear(call: Call) -> Value:
    return call.builder.linear(call.value("input"), call.constant("weight"), call.optional("bias"), name=call.name)


def _product(call: Call) -> Value:
    matrix = call.get("mat2", call.get("other"))
    if not isinstance(matrix, Tensor) or matrix.dim() != 2:
        raise InexpressibleError("it multiplies matrices that both depend on the image")
    return call.builder.linear(call.value("self"), matrix.T, None, name=call.name)


def _sum_and_product(call: Call) -> Value:
    return call.builder.linear(call.value("mat1"), call.constant("mat2").T, call.constant("self"), name=call.name)


# Normalization


def _batch_norm(call: Call) -> Value:
    mean, variance = call.optional("running_mean"), call.optional("running_var")
    if call.get("training", False) or mean is None or variance is None:
        raise InexpressibleError("it normalizes by the statistics of the batch that it sees")
    scale = 1 / (variance.double() + call["eps"]).sqrt()
    weight, bias = call.optional("weight"), call.optional("bias")
    scale = scale if weight is None else scale * weight.double()
    shift = -mean.double() * scale
    return call.builder.scale_and_shift(
        call.value("input"), scale, shift if bias is None else shift + bias.double(), name=call.name
    )


def _batch_norm_with_statistics(call: Call) -> tuple[Value, None, None]:
    return _batch_norm(call), None, None


def _layer_norm(call: Call) -> Value:
    if len(call["normalized_shape"]) != 1:
        raise InexpressibleError("it normalizes over several axes together")
    return call.builder.channel_normalization(
        call.value("input"), call.optional("weight"), call.optional("bias"), call["eps"], name=call.name
    )


# Pooling


def _pooling(call: Call, *, code: str) -> Value:
    if call.get("divisor_override") is not None:
        raise InexpressibleError("it divides by a number of its own")
    kernel = _pair(call["kernel_size"])
    return call.builder.pooling(
        call.value("self"),
        code,
        kernel,
        stride=_pair(call["stride"]) if call["stride"] else kernel,
        padding=_frame(call["padding"]),
        dilation=_pair(call.get("dilation", 1)),
        ceil=call["ceil_mode"],
        count_padding=call.get("count_include_pad", False),
        name=call.name,
    )


def _pooling_with_indices(call: Call) -> tuple[Value, None]:
    return _pooling(call, code="MP"), None


def _adaptive_pooling(call: Call, *, code: str) -> Any:
    rows, columns = _pair(call["output_size"])
    value = call.value("self")
    size = (value.shape[-2] if rows is None else rows, value.shape[-1] if columns is None else columns)
    pooled = call.builder.adaptive_pooling(value, code, size, name=call.name)
    return (pooled, None) if code == "MP" else pooled


def _reduction(call: Call, *, code: str) -> Value:
    value = call.value("self")
    axes = call.get("dim")
    axes = range(len(value.shape)) if axes is None or axes == [] else axes
    axes = [axes] if isinstance(axes, int) else list(axes)
    return call.builder.global_pooling(value, code, axes, keepdim=call.get("keepdim", False), name=call.name)


def _sum(call: Call) -> Value:
    mean = _reduction(call, code="AP")
    return call.builder.multiply(mean, math.prod(call.value("self").shape) / math.prod(mean.shape))


def _pooling_of_channels(call: Call) -> Value:
    size, *others = call["kernel_size"]
    strides, padding = call["stride"] or call["kernel_size"], call["padding"]
    plain = set(others) == {1} and set(strides) == {1} and set(padding) == {0} and not call["ceil_mode"]
    if not plain or call["divisor_override"] is not None:
        raise InexpressibleError("it pools windows of three dimensions")
    return call.builder.channel_window(call.value("self"), size, axis=-3, name=call.name)


# Functions of one number


def _function(call: Call, *, text: str) -> Value:
    return call.builder.activation(call.value("self" if "self" in call else "input"), text, name=call.name)


def _elementary(call: Call, *, function: str) -> Value:
    return call.builder.elementary(call.value("self"), function, name=call.name)


def _gelu(call: Call) -> Value:
    return _function(call, text="gelu" if call["approximate"] == "none" else "gelutanh")


def _leaky(call: Call) -> Value:
    slope = call.get("negative_slope")
    if slope is None:  # a random one while training, the mean of its bounds in prediction
        slope = (call["lower"] + call["upper"]) / 2
    return call.builder.prelu(call.value("self"), torch.tensor(slope), name=call.name)


def _prelu(call: Call) -> Value:
    return call.builder.prelu(call.value("self"), call.constant("weight"), name=call.name)


def _elu(call: Call) -> Value:
    numbers = {key: call[key] for key in ("alpha", "scale", "input_scale") if key in call}
    if set(numbers.values()) != {1}:
        raise InexpressibleError(f"its factors are {', '.join(map(str, numbers.values()))} in place of 1")
    return _function(call, text="elu")


def _softplus(call: Call) -> Value:
    if (call["beta"], call["threshold"]) != (1, 20):
        raise InexpressibleError(
            f"its beta is {call['beta']} and its threshold {call['threshold']}, in place of 1 and 20"
        )
    return _function(call, text="softplus")


def _clip(call: Call) -> Value:
    low, high = call.get("min", call.get("min_val")), call.get("max", call.get("max_val"))
    limits = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    return call.builder.clip(call.value("self"), *limits, name=call.name)


def _power(call: Call) -> Value:
    if isinstance(call["exponent"], Value):
        raise InexpressibleError("its exponent depends on the image")
    return call.builder.power(call.value("self"), float(call["exponent"]), name=call.name)


def _negative(call: Call) -> Value:
    return call.builder.multiply(call.value("self"), -1, name=call.name)


def _softmax(call: Call, *, logarithm: bool = False) -> Value:
    return call.builder.softmax(call.value("self"), call["dim"], logarithm=logarithm, name=call.name)


# Functions of two numbers


def _addition(call: Call) -> Value:
    return call.builder.add(call["self"], _times(call, call["other"], call["alpha"]), name=call.name)


def _subtraction(call: Call) -> Value:
    return call.builder.subtract(call["self"], _times(call, call["other"], call["alpha"]), name=call.name)


def _turned_subtraction(call: Call) -> Value:
    return call.builder.subtract(call["other"], _times(call, call["self"], call["alpha"]), name=call.name)


def _times(call: Call, value: Any, number: float) -> Any:
    return value if number == 1 else call.builder.multiply(value, number)


def _multiplication(call: Call) -> Value:
    return call.builder.multiply(call["self"], call["other"], name=call.name)


def _division(call: Call) -> Value:
    if call.get("rounding_mode") is not None:
        raise InexpressibleError("it rounds")
    return call.builder.divide(call["self"], call["other"], name=call.name)


def _extreme(call: Call, *, which: Literal["maximum", "minimum"]) -> Value:
    return call.builder.extreme(call["self"], call["other"], which, name=call.name)


# Maps side by side, parts of them, and other sizes


def _concatenation(call: Call) -> Value:
    return call.builder.concatenate(_values(call["tensors"]), call["dim"], name=call.name)


def _stack(call: Call) -> Value:
    values = _values(call["tensors"])
    axis = call["dim"] % (len(values[0].shape) + 1)
    shape = (*values[0].shape[:axis], 1, *values[0].shape[axis:])
    return call.builder.concatenate([call.builder.reshape(value, shape) for value in values], axis, name=call.name)


def _values(tensors: Sequence[Any]) -> list[Value]:
    if not all(isinstance(value, Value) for value in tensors):
        raise InexpressibleError("it puts a constant beside values of the image")
    return list(tensors)


def _split(call: Call) -> tuple[Value, ...]:
    value, axis = call.value("self"), call["dim"]
    total = value.shape[axis]
    size = call.get("split_size", call.get("split_sizes"))
    if "chunks" in call:
        size = -(-total // call["chunks"])
    sizes = [min(size, total - start) for start in range(0, total, size)] if isinstance(size, int) else size
    return call.builder.chunk(value, sizes, axis, name=call.name)


def _unbind(call: Call) -> tuple[Value, ...]:
    total = call.value("self").shape[call["dim"]]
    return tuple(_index(call.having(index=index)) for index in range(total))


def _index(call: Call) -> Value:
    value = call.value("self")
    axis = call["dim"] % len(value.shape)
    start = call["index"] % value.shape[axis]
    part = call.builder.select(value, axis, start, start + 1, name=call.name)
    return call.builder.reshape(part, (*part.shape[:axis], *part.shape[axis + 1 :]))


def _slice(call: Call) -> Value:
    return call.builder.select(
        call.value("self"), call["dim"], call["start"] or 0, call["end"], call["step"], name=call.name
    )


def _narrow(call: Call) -> Value:
    return call.builder.select(
        call.value("self"), call["dim"], call["start"], call["start"] + call["length"], name=call.name
    )


def _flip(call: Call) -> Value:
    value = call.value("self")
    for axis in call["dims"]:
        value = call.builder.select(value, axis, value.shape[axis] - 1, None, -1, name=call.name)
    return value


def _resize(call: Call, *, mode: Literal["nearest", "bilinear"]) -> Value:
    value = call.value("input" if "input" in call else "self")
    scales = call.get("scale_factors") or [call.get("scales_h"), call.get("scales_w")]
    sizes = call.get("output_size") or [
        math.floor(side * scale) for side, scale in zip(value.shape[-2:], scales, strict=True)
    ]
    for side, size, scale in zip(value.shape[-2:], sizes, scales, strict=True):
        if scale is not None and not math.isclose(side * scale, size):
            raise InexpressibleError(f"its factor {scale:g} does not make {size} of {side}")
    return call.builder.resize(value, _pair(sizes), mode, corners=call.get("align_corners", False), name=call.name)


_MODES: dict[str, Literal["constant", "reflect", "edge"]] = {
    "constant": "constant",
    "reflect": "reflect",
    "replicate": "edge",
}


def _pad(call: Call, *, mode: str = "") -> Value:
    mode = mode or call.get("mode", "constant")
    if mode not in _MODES:
        raise InexpressibleError(f"its mode is {mode}")
    value = call.value("self")
    numbers = list(call.get("pad", call.get("padding")) or [])
    last_first = [(numbers[index], numbers[index + 1]) for index in range(0, len(numbers), 2)]
    frame = [(0, 0)] * (len(value.shape) - len(last_first)) + last_first[::-1]
    return call.builder.pad(value, frame, _MODES[mode], float(call.get("value") or 0), name=call.name)


# Views


def _same(call: Call) -> Value:
    value: Value = next(argument for argument in call.values() if isinstance(argument, Value))
    return value


def _in_type(call: Call) -> Value:
    kind = call.get("dtype")
    if isinstance(kind, torch.dtype) and not kind.is_floating_point:
        raise InexpressibleError(f"it makes {kind} of the values")
    return call.value("self")


def _view(call: Call) -> Value:
    return call.builder.reshape(call.value("self"), call.get("size", call.get("shape")) or ())


def _flatten(call: Call) -> Value:
    shape = call.value("self").shape
    start, end = call["start_dim"] % len(shape), call["end_dim"] % len(shape)
    merged = math.prod(shape[start : end + 1])
    return call.builder.reshape(call.value("self"), (*shape[:start], merged, *shape[end + 1 :]))


def _unflatten(call: Call) -> Value:
    shape = call.value("self").shape
    axis = call["dim"] % len(shape)
    sizes = list(call["sizes"])
    if -1 in sizes:
        sizes[sizes.index(-1)] = shape[axis] // -math.prod(sizes)
    return call.builder.reshape(call.value("self"), (*shape[:axis], *sizes, *shape[axis + 1 :]))


def _permute(call: Call) -> Value:
    return call.builder.permute(call.value("self"), call["dims"])


def _transpose(call: Call) -> Value:
    value = call.value("self")
    order = list(range(len(value.shape)))
    first, second = call.get("dim0", call.get("axis0", 0)), call.get("dim1", call.get("axis1", 1))
    order[first], order[second] = order[second], order[first]
    return call.builder.permute(value, order)


def _squeeze(call: Call) -> Value:
    shape = call.value("self").shape
    axes = call.get("dim")
    asked = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    gone = {axis % len(shape) for axis in asked if shape[axis] == 1}
    return call.builder.reshape(call.value("self"), [size for axis, size in enumerate(shape) if axis not in gone])


def _unsqueeze(call: Call) -> Value:
    shape = list(call.value("self").shape)
    shape.insert(call["dim"] % (len(shape) + 1), 1)
    return call.builder.reshape(call.value("self"), shape)


def _expand(call: Call) -> Value:
    shape = call["size"] if "size" in call else call["other"].shape
    return call.builder.expand(call.value("self"), shape, name=call.name)


def _channel_shuffle(call: Call) -> Value:
    value = call.value("self")
    one, maps, *sides = value.shape
    split = call.builder.reshape(value, (one, call["groups"], maps // call["groups"], *sides))
    order = (0, 2, 1, *range(3, len(sides) + 3))
    return call.builder.reshape(call.builder.permute(split, order), value.shape)


def _pair(sizes: Any) -> Pair:
    """Return one number, or a list of one or two, as two."""
    numbers = [sizes] if isinstance(sizes, int) else list(sizes)
    if len(numbers) > 2:
        raise InexpressibleError(f"its windows have {len(numbers)} dimensions")
    return numbers[0], numbers[-1]


def _frame(sizes: Any) -> Frame:
    rows, columns = _pair(sizes)
    return (rows, rows), (columns, columns)


_FUNCTIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "abs": "abs",
    "silu": "silu",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "mish": "mish",
}
_ELEMENTARY = {
    "erf": "erf",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "reciprocal": "reciprocal",
    "square": "square",
    "selu": "selu",
    "log_sigmoid": "logsigmoid",
}
_UNCHANGED = (
    "contiguous", "clone", "dropout", "feature_dropout", "alpha_dropout", "native_dropout", "detach", "alias",
    "lift_fresh_copy", "lift_fresh", "positive", "type_as", "requires_grad",
)  # fmt: skip
OPERATORS: dict[str, Operator] = {
    **{name: functools.partial(_function, text=text) for name, text in _FUNCTIONS.items()},
    **{name: functools.partial(_elementary, function=function) for name, function in _ELEMENTARY.items()},
    **dict.fromkeys(_UNCHANGED, _same),
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
    "gelu": _gelu,
    "leaky_relu": _leaky,
    "rrelu": _leaky,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "elu": _elu,
    "celu": _elu,
    "softplus": _softplus,
    "hardtanh": _clip,
    "clamp": _clip,
    "clip": _clip,
    "clamp_min": _clip,
    "clamp_max": _clip,
    "pow": _power,
    "neg": _negative,
    "softmax": _softmax,
    "_softmax": _softmax,
    "log_softmax": functools.partial(_softmax, logarithm=True),
    "_log_softmax": functools.partial(_softmax, logarithm=True),
    "add": _addition,
    "sub": _subtraction,
    "rsub": _turned_subtraction,
    "mul": _multiplication,
    "div": _division,
    "true_divide": _division,
    "maximum": functools.partial(_extreme, which="maximum"),
    "minimum": functools.partial(_extreme, which="minimum"),
    "cat": _concatenation,
    "concat": _concatenation,
    "stack": _stack,
    "chunk": _split,
    "split": _split,
    "split_with_sizes": _split,
    "unbind": _unbind,
    "select": _index,
    "slice": _slice,
    "narrow": _narrow,
    "flip": _flip,
    "upsample_nearest2d": functools.partial(_resize, mode="nearest"),
    "upsample_bilinear2d": functools.partial(_resize, mode="bilinear"),
    "pad": _pad,
    "constant_pad_nd": _pad,
    "reflection_pad2d": functools.partial(_pad, mode="reflect"),
    "replication_pad2d": functools.partial(_pad, mode="replicate"),
    "to": _in_type,
    "_to_copy": _in_type,
    "view": _view,
    "reshape": _view,
    "_unsafe_view": _view,
    "flatten": _flatten,
    "unflatten": _unflatten,
    "permute": _permute,
    "transpose": _transpose,
    "swapaxes": _transpose,
    "t": _transpose,
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "expand": _expand,
    "expand_as": _expand,
    "channel_shuffle": _channel_shuffle,
}
"""Every operator that is read, by its name."""

REFUSED: dict[str, str] = {
    "group_norm": "it normalizes by the mean of each image over groups of channels",
    "native_group_norm": "it normalizes by the mean of each image over groups of channels",
    "instance_norm": "it normalizes by the mean of each map of the image",
    "rms_norm": "it divides by the root of the mean square, which no layer does",
    "pixel_shuffle": "it makes rows and columns of channels",
    "pixel_unshuffle": "it makes channels of rows and columns",
    "scaled_dot_product_attention": "attention weighs positions by what they hold",
    "multi_head_attention_forward": "attention weighs positions by what they hold",
    "_native_multi_head_attention": "attention weighs positions by what they hold",
    "_transformer_encoder_layer_fwd": "attention weighs positions by what they hold",
    "bmm": "it multiplies matrices that both depend on the image",
    "baddbmm": "it multiplies matrices that both depend on the image",
    "einsum": "it multiplies values along axes of its own",
    "upsample_bicubic2d": "resizing is nearest or bilinear",
    "roll": "it moves rows and columns around the edge",
    "copy": "it writes into a part of its values",
    "index_put": "it writes into a part of its values",
    "lstm": "it is recurrent",
    "gru": "it is recurrent",
}
"""Why some well-known operators are not read."""
