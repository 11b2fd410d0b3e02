"""Operations on one number, or on two at the same place."""

import math
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from convscope.layers.kinds.add import Add
from convscope.layers.kinds.multiply import Multiply
from convscope.layers.kinds.nonlinearity import Nonlinearity
from convscope.layers.kinds.resize import Resize
from convscope.layers.kinds.softmax import Softmax
from convscope.layers.layer import Layer

from . import views
from .builder import Builder, Number
from .elementary import Combined, Elementary
from .unsupported import InexpressibleError
from .views import MAPS, Value


def activation(builder: Builder, value: Value, text: str, *, name: str = "") -> Value:
    """Apply a nonlinearity, as `nonlinearity_of` takes it."""
    word = text.partition(":")[0]
    return builder.pointwise(value, Nonlinearity(function=text), name or builder.named(word))


def elementary(builder: Builder, value: Value, function: str, *, name: str = "") -> Value:
    """Apply a function that must turn out as a piece of a nonlinearity or normalization: one of `ELEMENTARY`."""
    return builder.pointwise(value, Elementary(function=function), name or builder.named(function))


def clip(builder: Builder, value: Value, low: float = -math.inf, high: float = math.inf, *, name: str = "") -> Value:
    """Limit values."""
    return builder.pointwise(value, Elementary(function="clip", low=low, high=high), name or builder.named("clip"))


def power(builder: Builder, value: Value, exponent: float, *, name: str = "") -> Value:
    """Raise values to a power that does not depend on the image."""
    return builder.pointwise(value, Elementary(function="pow", high=exponent), name or builder.named("pow"))


def prelu(builder: Builder, value: Value, slopes: Tensor, *, name: str = "") -> Value:
    """Multiply negative values by a number for each channel, or for all."""
    if slopes.numel() == 1 and 0 <= slopes.item() <= 1:
        return activation(builder, value, f"leakyrelu:{slopes.item():.7g}", name=name)
    shape = [-1 if number == 1 else 1 for number in range(len(value.axes))]
    numbers = views.per_map(value, slopes.reshape(shape))
    none = torch.zeros_like(numbers)
    positive = activation(builder, value, "relu", name=name)
    turned = builder.scaled(value, none - 1, none, builder.named("negative"))
    negative = builder.scaled(activation(builder, turned, "relu"), -numbers, none, builder.named("slopes"))
    return add(builder, positive, negative)


def softmax(builder: Builder, value: Value, axis: int = -1, *, logarithm: bool = False, name: str = "") -> Value:
    """Take fractions over the channels, or over all values of a vector; their logarithm if asked for."""
    value = builder.flattened_mixture(value, axis)
    if not value.is_whole(value.axes[axis], MAPS):
        raise InexpressibleError(f"softmax is over an axis of {value.shape} that is not the channels")
    value = builder.pointwise(value, Softmax(), name or builder.named("softmax"))
    return elementary(builder, value, "log") if logarithm else value


# Functions of two numbers


def add(builder: Builder, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = "") -> Value:
    """Add two values, or a value and a constant."""
    return _of_two(builder, first, second, "add", name or builder.named("add"))


def subtract(
    builder: Builder, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = ""
) -> Value:
    """Subtract a value or constant from another."""
    name = name or builder.named("sub")
    if isinstance(second, Value):
        return add(builder, first, multiply(builder, second, -1, name=f"{name}.negative"), name=name)
    return add(builder, first, -second, name=name)


def multiply(
    builder: Builder, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = ""
) -> Value:
    """Multiply two values, or a value and a constant; a gate may be smaller than the maps."""
    return _of_two(builder, first, second, "multiply", name or builder.named("mul"))


def divide(
    builder: Builder, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = ""
) -> Value:
    """Divide a value or constant by another; a divisor that depends on the image must turn out as a piece."""
    name = name or builder.named("div")
    if isinstance(second, Value):
        return multiply(builder, elementary(builder, second, "reciprocal"), first, name=name)
    return multiply(builder, first, 1 / second, name=name)


def extreme(
    builder: Builder,
    first: Value | Number,
    second: Value | Number,
    which: Literal["maximum", "minimum"],
    *,
    name: str = "",
) -> Value:
    """Take the larger or smaller of two values, or of a value and a number."""
    name = name or builder.named(which)
    if isinstance(first, Value) and isinstance(second, Value):
        return _combined(builder, first, second, which, name)
    value, number = _value_first(first, second)
    limits = {"low" if which == "maximum" else "high": float(number)}
    return clip(builder, value, **limits, name=name)


def _with_constant(builder: Builder, value: Value, constant: Tensor | Number, name: str, *, scales: bool) -> Value:
    tensor = torch.as_tensor(constant, dtype=torch.float64)
    numbers = views.per_map(value, tensor)
    none = torch.zeros_like(numbers)
    return builder.scaled(value, *((numbers, none) if scales else (none + 1, numbers)), name)


def _of_two(
    builder: Builder,
    first: Value | Tensor | Number,
    second: Value | Tensor | Number,
    kind: Literal["add", "multiply"],
    name: str,
) -> Value:
    if isinstance(first, Value) and isinstance(second, Value):
        return _combined(builder, first, second, kind, name)
    value, constant = _value_first(first, second)
    return _with_constant(builder, value, constant, name, scales=kind == "multiply")


def _combined(builder: Builder, first: Value, second: Value, how: str, name: str) -> Value:
    """Add a layer of two values, aligned as broadcasting does."""
    axes = views.aligned(first, second)
    if axes is None:
        first, second = builder.in_order(first), builder.in_order(second)
        axes = views.aligned(first, second)
    if axes is None:
        raise InexpressibleError(f"values of {first.shape} and {second.shape} are in different orders")
    first, second = _as_large(builder, first, second), _as_large(builder, second, first)
    same = first.maps == second.maps
    layer: Layer = Combined(function=how)
    if how == "multiply":
        layer = Multiply()
    elif how == "add" and same:
        layer = Add()
    return replace(builder.add_layer(layer, (first.node, second.node), name), axes=axes)


def _as_large(builder: Builder, value: Value, other: Value) -> Value:
    """Return values of one row and column repeated for all positions of maps that have more."""
    own, wanted = value.maps, other.maps
    one = own.rows * own.columns == 1 < wanted.rows * wanted.columns
    if one and own.maps == wanted.maps:
        size = Resize(rows=wanted.rows, columns=wanted.columns)
        return builder.add_layer(size, (value.node,), builder.named("expand"))
    return value


def _value_first(first: Value | Tensor | Number, second: Value | Tensor | Number) -> tuple[Value, Tensor | Number]:
    """Return the value and the constant."""
    if isinstance(first, Value) and not isinstance(second, Value):
        return first, second
    if isinstance(second, Value) and not isinstance(first, Value):
        return second, first
    raise InexpressibleError("it computes with constants only")
