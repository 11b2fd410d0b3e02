"""Builds a graph from a foreign network's operations, one call each; views cost nothing, and what is left is tidied."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import Window
from convscope.layers.kinds import (
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    LocalResponse,
    Multiply,
    Nonlinearity,
    Padding,
    Pooling,
    Resize,
    ScaleAndShift,
    Softmax,
    TransposedConvolution,
)
from convscope.layers.layer import Layer, MapShape
from convscope.networks.graph import IMAGE, Graph

from . import tidy, views
from .draft import Draft, Drafted
from .elementary import ChannelMean, ChannelWindow, Combined, Elementary
from .unsupported import InexpressibleError, UnsupportedError
from .views import COLUMNS, MAPS, ROWS, Value

Number = int | float
Pair = tuple[int, int]
Frame = tuple[Pair, Pair]
"""Zeros before and after the rows, and before and after the columns."""
NO_FRAME: Frame = ((0, 0), (0, 0))
_INNER = {MAPS: 0, ROWS: 1, COLUMNS: 2}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A network that was read.

    Attributes:
        graph: its layers.
        tensors: theirs, as the graph names them.
        notes: what the user must know, one sentence each.
        mean, std: how it standardizes pixels before its first layer, one number a channel in 0…1; empty if it does not
            say.
    """

    graph: Graph
    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class Builder:
    """Collects the operations of a network; one image is traced, so that every first axis is 1.

    Operations are called within `operation`, which names them where they are refused, and gives the layers that they
    make their names where none is asked for.

    Args:
        image: shape of the network's input.

    Examples:
        >>> builder = Builder(MapShape(maps=3, rows=8, columns=8))
        >>> image = builder.image()
        >>> with builder.operation("Conv", "stem.conv"):
        ...     maps = builder.convolution(image, torch.ones(4, 3, 3, 3), None, name="stem.conv")
        >>> with builder.operation("Relu", "stem"):
        ...     maps = builder.activation(maps, "relu")
        >>> [(node.name, node.layer.notation, node.nonlinearity) for node in builder.finish(maps).graph.nodes]
        [('stem.conv', '4C3', 'relu')]
    """

    def __init__(self, image: MapShape) -> None:
        self._draft = Draft(image)
        self._operator = self._place = ""
        self.notes: list[str] = []

    @contextmanager
    def operation(self, operator: str, place: str) -> Iterator[None]:
        """Name what is read within: the operator, and the path of the module or block that it is in.

        Raises:
            UnsupportedError: in place of the error that says why it cannot be read.
        """
        self._operator, self._place = operator, place
        try:
            yield
        except (InexpressibleError, LayoutError, ParameterError) as error:
            raise self.refused(str(error).rstrip(".")) from None

    def refused(self, reason: str, remedy: str = "") -> UnsupportedError:
        """Return the error that names the present operation, with the last layer that can be had before it."""
        return UnsupportedError(self._operator, self._place, reason, tidy.last_layer(self._draft), remedy)

    def image(self, order: Literal["NCHW", "NHWC"] = "NCHW") -> Value:
        """Return the network's input."""
        image = views.value_of(IMAGE, self._draft.image)
        return image if order == "NCHW" else views.permuted(image, (0, 2, 3, 1))

    # Weighted sums

    def convolution(
        self,
        value: Value,
        weight: Tensor,
        bias: Tensor | None,
        *,
        stride: Pair = (1, 1),
        padding: Frame = NO_FRAME,
        dilation: Pair = (1, 1),
        groups: int = 1,
        name: str = "",
    ) -> Value:
        """Add a convolution of maps N C H W; `weight` is units × maps in a group × rows × columns."""
        units = weight.shape[0]
        rows, columns = _windows(_pair(weight.shape[2:]), stride, padding, dilation)
        layer = Convolution(units=units, rows=rows, columns=columns, groups=groups)
        tensors = {"weight": weight, "bias": _bias(bias, units)}
        return self._on_maps(value, layer, name or self._named("conv"), tensors)

    def transposed_convolution(
        self,
        value: Value,
        weight: Tensor,
        bias: Tensor | None,
        *,
        stride: Pair = (1, 1),
        padding: Frame = NO_FRAME,
        dilation: Pair = (1, 1),
        extra: Pair = (0, 0),
        groups: int = 1,
        name: str = "",
    ) -> Value:
        """Add a transposed convolution; `weight` is maps × units in a group × rows × columns."""
        units = weight.shape[1] * groups
        rows, columns = _windows(_pair(weight.shape[2:]), stride, padding, dilation)
        layer = TransposedConvolution(
            units=units, rows=rows, columns=columns, extra_rows=extra[0], extra_columns=extra[1], groups=groups
        )
        tensors = {"weight": weight, "bias": _bias(bias, units)}
        return self._on_maps(value, layer, name or self._named("deconv"), tensors)

    def linear(self, value: Value, weight: Tensor, bias: Tensor | None, *, name: str = "") -> Value:
        """Add sums over the last axis, `weight` units × values: a 1 × 1 convolution where that is C of N H W C.

        Raises:
            InexpressibleError: the last axis is neither all channels nor all values.
        """
        units, name = weight.shape[0], name or self._named("linear")
        axis = value.axes[-1]
        tensors = {"weight": weight, "bias": _bias(bias, units)}
        if views.size_of(axis) == value.maps.values:
            tensors["weight"] = torch.empty_like(weight)
            tensors["weight"][:, value.order] = weight  # the columns in the order of the node
            node = self._add(Linear(units=units), (value.node,), name, tensors)
            new = views.whole_side(MAPS, units)
            return replace(node, axes=(*(() for _ in value.axes[:-1]), new))
        if not value.is_whole(axis, MAPS):
            raise InexpressibleError(f"it sums over an axis of {value.shape} that is not the channels")
        tensors["weight"] = torch.empty_like(weight)
        tensors["weight"][:, views.indices(axis)] = weight
        tensors["weight"] = tensors["weight"][:, :, None, None]
        layer = Convolution(units=units, rows=Window(kernel=1), columns=Window(kernel=1))
        node = self._add(layer, (value.node,), name, tensors)
        return replace(node, axes=(*value.axes[:-1], views.whole_side(MAPS, units)))

    # Normalization

    def scale_and_shift(self, value: Value, scale: Tensor, shift: Tensor, *, axis: int = 1, name: str = "") -> Value:
        """Multiply each channel by a number and add another: batch normalization as it predicts."""
        value = self._flattened_mixture(value, axis)
        shape = [-1 if number == axis % len(value.axes) else 1 for number in range(len(value.axes))]
        scale, shift = (views.per_map(value, tensor.reshape(shape)) for tensor in (scale, shift))
        return self._scaled(value, scale, shift, name or self._named("norm"))

    def channel_normalization(
        self,
        value: Value,
        scale: Tensor | None,
        shift: Tensor | None,
        epsilon: float,
        *,
        axis: int = -1,
        name: str = "",
    ) -> Value:
        """Normalize the values of all channels at each position.

        Raises:
            InexpressibleError: the axis is not that of the channels.
        """
        own = value.axes[axis]
        if not value.is_whole(own, MAPS):
            raise InexpressibleError(f"it normalizes over an axis of {value.shape} that is not the channels")
        order = views.indices(own)
        tensors = {}
        for key, tensor, default in (("scale", scale, 1.0), ("shift", shift, 0.0)):
            tensors[key] = torch.full((value.maps.maps,), default)
            if tensor is not None:
                tensors[key][order] = tensor.float()
        return self._pointwise(value, ChannelNormalization(epsilon=epsilon), name or self._named("norm"), tensors)

    def local_response(
        self, value: Value, *, size: int, alpha: float, beta: float, bias: float, name: str = ""
    ) -> Value:
        """Add local response normalization; alpha is divided by the size, as in torch and ONNX."""
        return self._on_maps(
            value, LocalResponse(size=size, alpha=alpha, beta=beta, bias=bias), name or self._named("norm")
        )

    # Pooling

    def pooling(
        self,
        value: Value,
        code: str,
        kernel: Pair,
        *,
        stride: Pair,
        padding: Frame = NO_FRAME,
        dilation: Pair = (1, 1),
        ceil: bool = False,
        count_padding: bool = False,
        name: str = "",
    ) -> Value:
        """Pool windows of maps N C H W; `code` is ``MP`` or ``AP``."""
        rows, columns = _windows(kernel, stride, padding, dilation)
        layer = Pooling(code=code, rows=rows, columns=columns, ceil=ceil, count_padding=count_padding)
        return self._on_maps(value, layer, name or self._named("pool"))

    def global_pooling(
        self, value: Value, code: str, axes: Sequence[int], *, keepdim: bool = False, name: str = ""
    ) -> Value:
        """Take the mean (``AP``) or largest value (``MP``) over axes: all rows, all columns, both, or all channels.

        Raises:
            InexpressibleError: the axes are others.
        """
        reduced = {axis % len(value.axes) for axis in axes}
        taken = [factor for axis in sorted(reduced) for factor in value.axes[axis]]
        left: tuple[views.Axis, ...] = tuple(
            () if number in reduced else axis
            for number, axis in enumerate(value.axes)
            if keepdim or number not in reduced
        )
        if not taken:
            return replace(value, axes=left)
        layer = self._reduction(value, code, taken)
        node = self._add(layer, (value.node,), name or self._named("pool"))
        return replace(node, axes=left)

    def _reduction(self, value: Value, code: str, taken: Sequence[views.Factor]) -> Layer:
        sides = {factor.side for factor in taken}
        if any(math.prod(factor.size for factor in taken if factor.side == side) != value.side(side) for side in sides):
            raise InexpressibleError("it pools a part of the rows, columns or channels")
        if sides == {MAPS} and code == "AP":
            return ChannelMean()
        if MAPS in sides:
            raise InexpressibleError("it pools over channels")
        maps = value.maps
        if {side for side in (ROWS, COLUMNS) if value.side(side) > 1} == sides:
            return Pooling(code=code)
        rows, columns = (maps.rows, 1) if ROWS in sides else (1, maps.columns)
        return Pooling(code=code, rows=Window(kernel=rows, stride=rows), columns=Window(kernel=columns, stride=columns))

    def adaptive_pooling(self, value: Value, code: str, size: Pair, *, name: str = "") -> Value:
        """Pool maps N C H W to a size that divides theirs, or of which theirs is a divisor.

        Raises:
            InexpressibleError: the windows would be of different sizes.
        """
        below = (value.shape[-2], value.shape[-1])
        if size == below:
            return value
        if size == (1, 1):
            return self.global_pooling(value, code, (-2, -1), keepdim=True, name=name)
        if all(own % wanted == 0 for own, wanted in zip(below, size, strict=True)):
            kernel = (below[0] // size[0], below[1] // size[1])
            return self.pooling(value, code, kernel, stride=kernel, name=name)
        if all(wanted % own == 0 for own, wanted in zip(below, size, strict=True)):
            return self.resize(value, size, "nearest", name=name or self._named("pool"))
        raise InexpressibleError(
            f"pooling {below[1]}x{below[0]} maps to {size[1]}x{size[0]} takes windows of different sizes"
        )

    def channel_window(
        self, value: Value, size: int, *, axis: int = 1, before: int = 0, after: int = 0, name: str = ""
    ) -> Value:
        """Take the mean over neighbouring channels, as local response normalization in pieces does."""
        value = self._in_order(value)
        if not value.is_whole(value.axes[axis], MAPS):
            raise InexpressibleError(f"it slides over an axis of {value.shape} that is not the channels")
        layer = ChannelWindow(size=size, before=before, after=after)
        node = self._add(layer, (value.node,), name or self._named("window"))
        axes = list(value.axes)
        axes[axis] = views.whole_side(MAPS, node.maps.maps)
        return replace(node, axes=tuple(axes))

    # Functions of one number

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
        value, number = (first, second) if isinstance(first, Value) else (second, first)
        assert isinstance(value, Value)  # noqa: S101  # one of them is
        assert not isinstance(number, Value)  # noqa: S101
        limits = {"low" if which == "maximum" else "high": float(number)}
        return self.clip(value, **limits, name=name)

    # Maps side by side, parts of them, and other sizes

    def concatenate(self, values: Sequence[Value], axis: int, *, name: str = "") -> Value:
        """Put channels side by side.

        Raises:
            InexpressibleError: the axis is another, or the values do not fit.
        """
        name = name or self._named("cat")
        if len(values) == 1:
            return values[0]
        axis %= len(values[0].axes)
        values = [self._in_order(self._flattened_mixture(value, axis)) for value in values]
        if not all(value.is_whole(value.axes[axis], MAPS) for value in values):
            raise InexpressibleError("it puts values side by side along an axis that is not the channels")
        rests = {(*value.axes[:axis], *value.axes[axis + 1 :]) for value in values}
        if len(rests) > 1:
            raise InexpressibleError("it puts values of different sizes or orders side by side")
        node = self._add(Concatenate(), tuple(value.node for value in values), name)
        axes = list(values[0].axes)
        axes[axis] = views.whole_side(MAPS, node.maps.maps)
        return replace(node, axes=tuple(axes))

    def select(
        self, value: Value, axis: int, start: int = 0, stop: int | None = None, step: int = 1, *, name: str = ""
    ) -> Value:
        """Take some indices of an axis, as a slice of Python does; all of them backwards for channels with step -1.

        Raises:
            InexpressibleError: what is left is no maps.
        """
        axis %= len(value.axes)
        taken = range(value.shape[axis])[slice(start, stop, step)]
        if not taken:
            raise InexpressibleError(f"nothing is left of an axis of {value.shape[axis]}")
        if taken == range(value.shape[axis]):
            return value
        name = name or self._named("slice")
        value = self._in_order(value)
        if len(value.axes[axis]) != 1:
            raise InexpressibleError("it takes a part of an axis that mixes channels, rows and columns")
        (factor,) = value.axes[axis]
        if factor.side == MAPS:
            node, axes = self._some_channels(value, axis, factor, taken, name)
        else:
            node, axes = self._some_positions(value, axis, factor, taken, name)
        return replace(node, axes=axes)

    def _some_channels(
        self, value: Value, axis: int, factor: views.Factor, taken: range, name: str
    ) -> tuple[Value, tuple[views.Axis, ...]]:
        below, axes = value.maps.maps, list(value.axes)
        if factor.size * factor.stride == below and (taken.step == 1 or factor.stride == 1):  # the outermost factor
            layer = ChannelSelection(
                start=taken.start * factor.stride, count=len(taken) * factor.stride, step=taken.step
            )
            axes[axis] = (factor._replace(size=len(taken)),) if len(taken) > 1 else ()
        elif factor.stride == 1 and len(taken) == 1:  # the innermost
            layer = ChannelSelection(start=taken.start, count=below // factor.size, step=factor.size)
            axes = [
                tuple(
                    other._replace(stride=other.stride // factor.size) if other.side == MAPS else other for other in own
                )
                for own in axes
            ]
            axes[axis] = ()
        else:
            raise InexpressibleError("it takes channels that do not follow each other")
        return self._add(layer, (value.node,), name), tuple(axes)

    def _some_positions(
        self, value: Value, axis: int, factor: views.Factor, taken: range, name: str
    ) -> tuple[Value, tuple[views.Axis, ...]]:
        if not value.is_whole(value.axes[axis], factor.side) or taken.step < 0:
            raise InexpressibleError("it takes rows or columns that do not follow each other in one direction")
        last = taken[-1]
        before, after = -taken.start, last + 1 - factor.size
        rows = factor.side == ROWS
        frame = ((before, after), (0, 0)) if rows else ((0, 0), (before, after))
        plain = value
        if before or after:
            plain = self._add(_padding(frame, "constant", 0.0), (value.node,), name)
        if taken.step > 1:
            strided, every = Window(kernel=1, stride=taken.step), Window(kernel=1)
            sides = (strided, every) if rows else (every, strided)
            plain = self._add(Pooling(code="MP", rows=sides[0], columns=sides[1]), (plain.node,), name)
        axes = list(value.axes)
        axes[axis] = views.whole_side(factor.side, len(taken))
        return plain, tuple(axes)

    def chunk(self, value: Value, sizes: Sequence[int], axis: int, *, name: str = "") -> tuple[Value, ...]:
        """Divide an axis into parts of these sizes."""
        starts = [sum(sizes[:number]) for number in range(len(sizes))]
        return tuple(
            self.select(value, axis, start, start + size, name=name) for start, size in zip(starts, sizes, strict=True)
        )

    def resize(
        self,
        value: Value,
        size: Pair,
        mode: Literal["nearest", "bilinear"],
        *,
        corners: bool = False,
        name: str = "",
    ) -> Value:
        """Make maps N C H W larger or smaller."""
        if size == (value.shape[-2], value.shape[-1]):
            return value
        layer = Resize(rows=size[0], columns=size[1], mode=mode, corners=corners)
        return self._on_maps(value, layer, name or self._named("resize"))

    def pad(
        self,
        value: Value,
        frame: Sequence[Pair],
        mode: Literal["constant", "reflect", "edge"] = "constant",
        number: float = 0.0,
        *,
        name: str = "",
    ) -> Value:
        """Put a frame around rows and columns, wherever the view has them; `frame` is before and after each axis.

        Raises:
            InexpressibleError: another axis would grow.
        """
        sides: dict[str, Pair] = {ROWS: (0, 0), COLUMNS: (0, 0)}
        axes = list(value.axes)
        for number_, (axis, pair) in enumerate(zip(value.axes, frame, strict=True)):
            if pair == (0, 0):
                continue
            if axis and value.is_whole(axis, MAPS):
                return self._padded_channels(value, number_, frame, mode, number, name)
            side = self._side_of(value, number_, axis)
            sides[side] = pair
            axes[number_] = views.whole_side(side, value.side(side) + sum(pair))
        if not any(any(pair) for pair in sides.values()):
            return value
        layer = _padding((sides[ROWS], sides[COLUMNS]), mode, number)
        return replace(self._add(layer, (value.node,), name or self._named("pad")), axes=tuple(axes))

    def _padded_channels(
        self, value: Value, axis: int, frame: Sequence[Pair], mode: str, number: float, name: str
    ) -> Value:
        if mode != "constant" or number != 0 or sum(pair != (0, 0) for pair in frame) > 1:
            raise InexpressibleError("it pads channels with something other than zeros, or other axes as well")
        before, after = frame[axis]
        return self.channel_window(value, 1, axis=axis, before=before, after=after, name=name or self._named("pad"))

    def _side_of(self, value: Value, number: int, axis: views.Axis) -> str:
        """Return which of rows and columns an axis is; a side of one row is known by where it stands."""
        if axis:
            fitting = [side for side in (ROWS, COLUMNS) if value.is_whole(axis, side)]
        else:
            usual = {len(value.axes) - 2: ROWS, len(value.axes) - 1: COLUMNS}.get(number, "")
            fitting = [usual] if usual and value.side(usual) == 1 else []
        if not fitting:
            raise InexpressibleError(f"it pads an axis of {value.shape} that is neither rows nor columns")
        return fitting[0]

    def permute(self, value: Value, order: Sequence[int]) -> Value:
        """Return the axes in another order."""
        return views.permuted(value, order)

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """Return other axes, the values in the same order; one size may be -1."""
        return views.reshaped(value, shape)

    def expand(self, value: Value, shape: Sequence[int], *, name: str = "") -> Value:
        """Repeat the only value of each map for all rows and columns; axes of the size they have, or -1, stay."""
        own = ((),) * (len(shape) - len(value.axes)) + value.axes
        value = replace(value, axes=own)
        sizes = [old if size == -1 else size for old, size in zip(value.shape, shape, strict=True)]
        grown = [number for number, size in enumerate(sizes) if size != value.shape[number]]
        if not grown:
            return value
        rank = len(sizes)
        if set(grown) - {rank - 2, rank - 1} or not value.is_maps:
            raise InexpressibleError(f"it repeats values of {value.shape} along an axis that is not rows or columns")
        return self.resize(value, (sizes[-2], sizes[-1]), "nearest", name=name or self._named("expand"))

    # The end

    def finish(self, output: Value | None, *, up_to: str = "") -> Source:
        """Return the graph of what was collected, tidied.

        Args:
            output: the network's output; None if it was not reached.
            up_to: name of the layer to end with in its place.

        Raises:
            UnsupportedError: a piece of a function is left that is no layer by itself.
            ParameterError: there is no layer `up_to`.
        """
        end = ""
        if output is not None and not up_to:
            with self.operation("the output", ""):
                end = self._as_output(output).node
        draft, notes = tidy.tidied(self._draft, end, up_to)
        graph = Graph(nodes=tidy.nodes(draft), image=draft.image)
        tensors = {
            f"{layer.name}.{name}": tensor.detach().float().contiguous()
            for layer in draft.layers.values()
            for name, tensor in layer.tensors.items()
        }
        return Source(graph=graph, tensors=tensors, notes=(*self.notes, *notes))

    def _as_output(self, value: Value) -> Value:
        """Return maps or a vector whose values are the output, in the order C, H, W."""
        shown = self._in_order(value)
        sides = [axis for axis in shown.axes if axis]
        whole = [axis for axis in views.natural(shown.maps) if axis]
        return shown if sorted(sides) == sorted(whole) else self._maps(value)

    # What all operations are made of

    def _named(self, word: str) -> str:
        """Return the name of a layer that has none: the place, and a word."""
        return f"{self._place}.{word}" if self._place else word

    def _add(
        self, layer: Layer, inputs: tuple[str, ...], name: str, tensors: Mapping[str, Tensor] | None = None
    ) -> Value:
        """Add a layer; return its values as N C H W."""
        drafted = Drafted(name=name, layer=layer, inputs=inputs, tensors=tensors or {}, operator=self._operator)
        expected = layer.tensors([self._draft.shapes[below] for below in inputs])
        for key, shape in expected.items():
            if tuple(drafted.tensors[key].shape) != shape:
                raise InexpressibleError(f"its {key} is {tuple(drafted.tensors[key].shape)} in place of {shape}")
        node = self._draft.add(drafted)
        return views.value_of(node, self._draft.shapes[node])

    def _pointwise(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that looks at one position at a time; its values are seen like those before it."""
        return replace(self._add(layer, (value.node,), name, tensors), axes=value.axes)

    def _on_maps(self, value: Value, layer: Layer, name: str, tensors: Mapping[str, Tensor] | None = None) -> Value:
        """Add a layer that takes maps N C H W."""
        return self._add(layer, (self._maps(value).node,), name, tensors)

    def _scaled(self, value: Value, scale: Tensor, shift: Tensor, name: str) -> Value:
        return self._pointwise(value, ScaleAndShift(), name, {"scale": scale, "shift": shift})

    def _maps(self, value: Value) -> Value:
        """Return values that the node gives as N C H W in the order in which they are seen.

        Raises:
            InexpressibleError: they are seen as something else.
        """
        if len(value.axes) != 4:
            raise InexpressibleError(f"values of {value.shape} are not maps N C H W")
        value = self._in_order(value)
        if value.is_maps:
            return value
        if value.shape[1] == value.maps.values and torch.equal(value.order, torch.arange(value.maps.values)):
            return self._add(Flatten(), (value.node,), self._named("flatten"))
        raise InexpressibleError("its maps are made of rows or columns and not of channels")

    def _in_order(self, value: Value) -> Value:
        """Return values whose channels the node gives in the order in which they are seen; a shuffle, if need be."""
        plain, sizes = views.in_natural_order(value)
        if len(sizes) < 2:
            return value
        if len(sizes) > 2:
            raise InexpressibleError("the channels are in an order that no shuffle of groups gives")
        node = self._add(ChannelShuffle(groups=sizes[1]), (value.node,), self._named("shuffle"))
        return replace(plain, node=node.node)

    def _flattened_mixture(self, value: Value, axis: int) -> Value:
        """Return a vector as channels where an axis holds the values of whole maps in a row."""
        own = value.axes[axis]
        if len({factor.side for factor in own}) < 2 or views.size_of(own) != value.maps.values:
            return value
        value = self._in_order(value)
        if not torch.equal(value.order, torch.arange(value.maps.values)):
            raise InexpressibleError("it flattens values in another order than channels, rows, columns")
        node = self._add(Flatten(), (value.node,), self._named("flatten"))
        axes: list[views.Axis] = [()] * len(value.axes)
        axes[axis] = views.whole_side(MAPS, node.maps.maps)
        return replace(node, axes=tuple(axes))

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


def _pair(sizes: Sequence[int]) -> Pair:
    if len(sizes) != 2:
        raise InexpressibleError(f"its windows have {len(sizes)} dimensions")
    return sizes[0], sizes[1]


def _windows(kernel: Pair, stride: Pair, padding: Frame, dilation: Pair) -> tuple[Window, Window]:
    """Return the windows down and across."""
    rows, columns = (
        Window(kernel=size, stride=step, before=frame[0], after=frame[1], dilation=apart)
        for size, step, frame, apart in zip(kernel, stride, padding, dilation, strict=True)
    )
    return rows, columns


def _bias(bias: Tensor | None, units: int) -> Tensor:
    return torch.zeros(units) if bias is None else bias


def _padding(frame: Frame, mode: Literal["constant", "reflect", "edge"], value: float) -> Padding:
    (top, bottom), (left, right) = frame
    return Padding(top=top, left=left, bottom=bottom, right=right, mode=mode, value=value)


def _value_first(first: Value | Tensor | Number, second: Value | Tensor | Number) -> tuple[Value, Tensor | Number]:
    """Return the value and the constant."""
    if isinstance(first, Value) and not isinstance(second, Value):
        return first, second
    if isinstance(second, Value) and not isinstance(first, Value):
        return second, first
    raise InexpressibleError("it computes with constants only")
