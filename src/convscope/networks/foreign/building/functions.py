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
from .drafting import Drafting, Number
from .elementary import Combined, Elementary
from .unsupported import InexpressibleError
from .views import MAPS, Value


class Functions(Drafting):
    """Nonlinearities, sums and products, and the pieces in which functions are written."""

    def activation(self, value: Value, text: str, *, name: str = "") -> Value:
        """Apply a nonlinearity, as `nonlinearity_of` takes it."""
        word = text.partition(":")[0]
        return self._pointwise(value, Nonlinearity(function=text), name or self._named(word))

    def elementary(self, value: Value, function: str, *, name: str = "") -> Value:
        """Apply a function that must turn out as a piece of a nonlinearity or normalization: one of `ELEMENTARY`."""
        return self._pointwise(value, Elementary(function=function), name or self._named(function))

    def clip(self, value: Value, low: float = -math.inf, high: float = math.inf, *, name: str = "") -> Value:
        """Limit values."""
        return self._pointwise(value, Elementary(function="clip", low=low, high=high), name or self._named("clip"))

    def power(self, value: Value, exponent: float, *, name: str = "") -> Value:
        """Raise values to a power that does not depend on the image."""
        return self._pointwise(value, Elementary(function="pow", high=exponent), name or self._named("pow"))

    def prelu(self, value: Value, slopes: Tensor, *, name: str = "") -> Value:
        """Multiply negative values by a number for each channel, or for all."""
        if slopes.numel() == 1 and 0 <= slopes.item() <= 1:
            return self.activation(value, f"leakyrelu:{slopes.item():.7g}", name=name)
        shape = [-1 if number == 1 else 1 for number in range(len(value.axes))]
        numbers = views.per_map(value, slopes.reshape(shape))
        none = torch.zeros_like(numbers)
        positive = self.activation(value, "relu", name=name)
        turned = self._scaled(value, none - 1, none, self._named("negative"))
        negative = self._scaled(self.activation(turned, "relu"), -numbers, none, self._named("slopes"))
        return self.add(positive, negative)

    def softmax(self, value: Value, axis: int = -1, *, logarithm: bool = False, name: str = "") -> Value:
        """Take fractions over the channels, or over all values of a vector; their logarithm if asked for."""
        value = self._flattened_mixture(value, axis)
        if not value.is_whole(value.axes[axis], MAPS):
            raise InexpressibleError(f"softmax is over an axis of {value.shape} that is not the channels")
        value = self._pointwise(value, Softmax(), name or self._named("softmax"))
        return self.elementary(value, "log") if logarithm else value

    # Functions of two numbers

    def add(self, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = "") -> Value:
        """Add two values, or a value and a constant."""
        name = name or self._named("add")
        if isinstance(first, Value) and isinstance(second, Value):
            return self._combined(first, second, "add", name)
        value, constant = _value_first(first, second)
        return self._with_constant(value, constant, name, scales=False)

    def subtract(self, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = "") -> Value:
        """Subtract a value or constant from another."""
        name = name or self._named("sub")
        if isinstance(second, Value):
            return self.add(first, self.multiply(second, -1, name=f"{name}.negative"), name=name)
        return self.add(first, -second, name=name)

    def multiply(self, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = "") -> Value:
        """Multiply two values, or a value and a constant; a gate may be smaller than the maps."""
        name = name or self._named("mul")
        if isinstance(first, Value) and isinstance(second, Value):
            return self._combined(first, second, "multiply", name)
        value, constant = _value_first(first, second)
        return self._with_constant(value, constant, name, scales=True)

    def divide(self, first: Value | Tensor | Number, second: Value | Tensor | Number, *, name: str = "") -> Value:
        """Divide a value or constant by another; a divisor that depends on the image must turn out as a piece."""
        name = name or self._named("div")
        if isinstance(second, Value):
            return self.multiply(self.elementary(second, "reciprocal"), first, name=name)
        return self.multiply(first, 1 / second, name=name)

    def extreme(
        self, first: Value | Number, second: Value | Number, which: Literal["maximum", "minimum"], *, name: str = ""
    ) -> Value:
        """Take the larger or smaller of two values, or of a value and a number."""
        name = name or self._named(which)
        if isinstance(first, Value) and isinstance(second, Value):
            return self._combined(first, second, which, name)
        value, number = _value_first(first, second)
        limits = {"low" if which == "maximum" else "high": float(number)}
        return self.clip(value, **limits, name=name)

    def _with_constant(self, value: Value, constant: Tensor | Number, name: str, *, scales: bool) -> Value:
        tensor = torch.as_tensor(constant, dtype=torch.float64)
        numbers = views.per_map(value, tensor)
        none = torch.zeros_like(numbers)
        return self._scaled(value, *((numbers, none) if scales else (none + 1, numbers)), name)

    def _combined(self, first: Value, second: Value, how: str, name: str) -> Value:
        """Add a layer of two values, aligned as broadcasting does."""
        axes = views.aligned(first, second)
        if axes is None:
            first, second = self._in_order(first), self._in_order(second)
            axes = views.aligned(first, second)
        if axes is None:
            raise InexpressibleError(f"values of {first.shape} and {second.shape} are in different orders")
        first, second = self._as_large(first, second), self._as_large(second, first)
        same = first.maps == second.maps
        layer: Layer = Combined(function=how)
        if how == "multiply":
            layer = Multiply()
        elif how == "add" and same:
            layer = Add()
        return replace(self._add(layer, (first.node, second.node), name), axes=axes)

    def _as_large(self, value: Value, other: Value) -> Value:
        """Return values of one row and column repeated for all positions of maps that have more."""
        own, wanted = value.maps, other.maps
        one = own.rows * own.columns == 1 < wanted.rows * wanted.columns
        if one and own.maps == wanted.maps:
            size = Resize(rows=wanted.rows, columns=wanted.columns)
            return self._add(size, (value.node,), self._named("expand"))
        return value


def _value_first(first: Value | Tensor | Number, second: Value | Tensor | Number) -> tuple[Value, Tensor | Number]:
    """Return the value and the constant."""
    if isinstance(first, Value) and not isinstance(second, Value):
        return first, second
    if isinstance(second, Value) and not isinstance(first, Value):
        return second, first
    raise InexpressibleError("it computes with constants only")
