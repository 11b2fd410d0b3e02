"""Operations that take one value of many."""

import math
from collections.abc import Sequence
from dataclasses import replace

from convscope.layers.geometry import Window
from convscope.layers.kinds.pooling import Pooling
from convscope.layers.kinds.resize import Resize
from convscope.layers.layer import Layer

from . import views
from .builder import NO_FRAME, Builder, Pair
from .elementary import ChannelMean, ChannelWindow
from .sums import Slide, windows
from .unsupported import InexpressibleError
from .views import COLUMNS, MAPS, ROWS, Value


def pooling(
    builder: Builder,
    value: Value,
    code: str,
    kernel: Pair,
    slide: Slide,
    *,
    ceil: bool = False,
    count_padding: bool = False,
    name: str = "",
) -> Value:
    """Pool windows of maps N C H W; `code` is ``MP`` or ``AP``.

    With `ceil`, a window larger than the maps is all of them: a global mean in Hugging Face models.
    """
    if ceil and slide.padding == NO_FRAME and slide.dilation == (1, 1):
        kernel = min(kernel[0], value.shape[-2]), min(kernel[1], value.shape[-1])
    rows, columns = windows(kernel, slide)
    layer = Pooling(code=code, rows=rows, columns=columns, ceil=ceil, count_padding=count_padding)
    return builder.on_maps(value, layer, name or builder.named("pool"))


def global_pooling(
    builder: Builder, value: Value, code: str, axes: Sequence[int], *, keepdim: bool = False, name: str = ""
) -> Value:
    """Take the mean (``AP``) or largest value (``MP``) over axes: all rows, all columns, both, or all channels.

    Raises:
        InexpressibleError: the axes are others.
    """
    reduced = {axis % len(value.axes) for axis in axes}
    taken = [factor for axis in sorted(reduced) for factor in value.axes[axis]]
    left: tuple[views.Axis, ...] = tuple(
        () if number in reduced else axis for number, axis in enumerate(value.axes) if keepdim or number not in reduced
    )
    if not taken:
        return replace(value, axes=left)
    layer = _reduction(value, code, taken)
    node = builder.add_layer(layer, (value.node,), name or builder.named("pool"))
    return replace(node, axes=left)


def _reduction(value: Value, code: str, taken: Sequence[views.Factor]) -> Layer:
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


def adaptive_pooling(builder: Builder, value: Value, code: str, size: Pair, *, name: str = "") -> Value:
    """Pool maps N C H W to a size that divides theirs, or of which theirs is a divisor.

    Raises:
        InexpressibleError: the windows would be of different sizes.
    """
    below = (value.shape[-2], value.shape[-1])
    if size == below:
        return value
    if size == (1, 1):
        return global_pooling(builder, value, code, (-2, -1), keepdim=True, name=name)
    if all(own % wanted == 0 for own, wanted in zip(below, size, strict=True)):
        kernel = (below[0] // size[0], below[1] // size[1])
        return pooling(builder, value, code, kernel, Slide(stride=kernel), name=name)
    if all(wanted % own == 0 for own, wanted in zip(below, size, strict=True)):
        return builder.on_maps(value, Resize(rows=size[0], columns=size[1]), name or builder.named("pool"))
    raise InexpressibleError(
        f"pooling {below[1]}x{below[0]} maps to {size[1]}x{size[0]} takes windows of different sizes"
    )


def channel_window(
    builder: Builder, value: Value, size: int, *, axis: int = 1, before: int = 0, after: int = 0, name: str = ""
) -> Value:
    """Take the mean over neighboring channels, as local response normalization in pieces does."""
    value = builder.in_order(value)
    if not value.is_whole(value.axes[axis], MAPS):
        raise InexpressibleError(f"it slides over an axis of {value.shape} that is not the channels")
    layer = ChannelWindow(size=size, before=before, after=after)
    node = builder.add_layer(layer, (value.node,), name or builder.named("window"))
    axes = list(value.axes)
    axes[axis] = views.whole_side(MAPS, node.maps.maps)
    return replace(node, axes=tuple(axes))
