"""Operations that are weighted sums and normalizations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from convscope.layers.geometry import Window
from convscope.layers.kinds.channel_normalization import ChannelNormalization
from convscope.layers.kinds.convolution import Convolution
from convscope.layers.kinds.linear import Linear
from convscope.layers.kinds.local_response import LocalResponse
from convscope.layers.kinds.transposed_convolution import TransposedConvolution

from . import views
from .builder import NO_FRAME, Builder, Frame, Pair
from .unsupported import InexpressibleError
from .views import MAPS, Value


@dataclass(frozen=True, kw_only=True)
class Slide:
    """How a window slides, down and across: by which steps, over which zeros around, its values how far apart."""

    stride: Pair = (1, 1)
    padding: Frame = NO_FRAME
    dilation: Pair = (1, 1)


BY_ONE = Slide()


def convolution(
    builder: Builder,
    value: Value,
    weight: Tensor,
    bias: Tensor | None,
    slide: Slide = BY_ONE,
    *,
    groups: int = 1,
    name: str = "",
) -> Value:
    """Add a convolution of maps N C H W; `weight` is units × maps in a group × rows × columns."""
    units = weight.shape[0]
    rows, columns = windows(_pair(weight.shape[2:]), slide)
    layer = Convolution(units=units, rows=rows, columns=columns, groups=groups)
    tensors = {"weight": weight, "bias": _bias(bias, units)}
    return builder.on_maps(value, layer, name or builder.named("conv"), tensors)


def transposed_convolution(
    builder: Builder,
    value: Value,
    weight: Tensor,
    bias: Tensor | None,
    slide: Slide = BY_ONE,
    *,
    extra: Pair = (0, 0),
    groups: int = 1,
    name: str = "",
) -> Value:
    """Add a transposed convolution; `weight` is maps × units in a group × rows × columns."""
    units = weight.shape[1] * groups
    rows, columns = windows(_pair(weight.shape[2:]), slide)
    layer = TransposedConvolution(
        units=units, rows=rows, columns=columns, extra_rows=extra[0], extra_columns=extra[1], groups=groups
    )
    tensors = {"weight": weight, "bias": _bias(bias, units)}
    return builder.on_maps(value, layer, name or builder.named("deconv"), tensors)


def linear(builder: Builder, value: Value, weight: Tensor, bias: Tensor | None, *, name: str = "") -> Value:
    """Add sums over the last axis, `weight` units × values: a 1 × 1 convolution where that is C of N H W C.

    Raises:
        InexpressibleError: the last axis is neither all channels nor all values.
    """
    units, name = weight.shape[0], name or builder.named("linear")
    axis = value.axes[-1]
    tensors = {"weight": weight, "bias": _bias(bias, units)}
    if views.size_of(axis) == value.maps.values:
        tensors["weight"] = torch.empty_like(weight)
        tensors["weight"][:, value.order] = weight  # the columns in the order of the node
        node = builder.add_layer(Linear(units=units), (value.node,), name, tensors)
        new = views.whole_side(MAPS, units)
        return replace(node, axes=(*(() for _ in value.axes[:-1]), new))
    if not value.is_whole(axis, MAPS):
        raise InexpressibleError(f"it sums over an axis of {value.shape} that is not the channels")
    tensors["weight"] = torch.empty_like(weight)
    tensors["weight"][:, views.indices(axis)] = weight
    tensors["weight"] = tensors["weight"][:, :, None, None]
    layer = Convolution(units=units, rows=Window(kernel=1), columns=Window(kernel=1))
    node = builder.add_layer(layer, (value.node,), name, tensors)
    return replace(node, axes=(*value.axes[:-1], views.whole_side(MAPS, units)))


# Normalization


def scale_and_shift(
    builder: Builder, value: Value, scale: Tensor, shift: Tensor, *, axis: int = 1, name: str = ""
) -> Value:
    """Multiply each channel by a number and add another: batch normalization as it predicts."""
    value = builder.flattened_mixture(value, axis)
    shape = [-1 if number == axis % len(value.axes) else 1 for number in range(len(value.axes))]
    scale, shift = (views.per_map(value, tensor.reshape(shape)) for tensor in (scale, shift))
    return builder.scaled(value, scale, shift, name or builder.named("norm"))


def channel_normalization(
    builder: Builder,
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
    return builder.pointwise(value, ChannelNormalization(epsilon=epsilon), name or builder.named("norm"), tensors)


def local_response(
    builder: Builder, value: Value, *, size: int, alpha: float, beta: float, bias: float, name: str = ""
) -> Value:
    """Add local response normalization; alpha is divided by the size, as in torch and ONNX."""
    return builder.on_maps(
        value, LocalResponse(size=size, alpha=alpha, beta=beta, bias=bias), name or builder.named("norm")
    )


def _pair(sizes: Sequence[int]) -> Pair:
    if len(sizes) != 2:
        raise InexpressibleError(f"its windows have {len(sizes)} dimensions")
    return sizes[0], sizes[1]


def windows(kernel: Pair, slide: Slide) -> tuple[Window, Window]:
    """Return the windows down and across."""
    rows, columns = (
        Window(kernel=size, stride=step, before=frame[0], after=frame[1], dilation=apart)
        for size, step, frame, apart in zip(kernel, slide.stride, slide.padding, slide.dilation, strict=True)
    )
    return rows, columns


def _bias(bias: Tensor | None, units: int) -> Tensor:
    return torch.zeros(units) if bias is None else bias
