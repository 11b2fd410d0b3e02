"""Operations that put maps together, take parts of them, or change their size or axes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from convscope.layers.geometry import Window
from convscope.layers.kinds.channel_selection import ChannelSelection
from convscope.layers.kinds.concatenate import Concatenate
from convscope.layers.kinds.padding import Padding
from convscope.layers.kinds.pooling import Pooling
from convscope.layers.kinds.resize import Resize

from . import pools, views
from .builder import Builder, Frame, Pair
from .elementary import ChannelRepeat
from .unsupported import InexpressibleError
from .views import COLUMNS, MAPS, ROWS, Value


def concatenate(builder: Builder, values: Sequence[Value], axis: int, *, name: str = "") -> Value:
    """Put channels side by side.

    Raises:
        InexpressibleError: the axis is another, or the values do not fit.
    """
    name = name or builder.named("cat")
    if len(values) == 1:
        return values[0]
    axis %= len(values[0].axes)
    values = [builder.in_order(builder.flattened_mixture(value, axis)) for value in values]
    stacked = not any(value.axes[axis] for value in values)  # along an axis of size 1
    if not stacked and not all(value.is_whole(value.axes[axis], MAPS) for value in values):
        raise InexpressibleError("it puts values side by side along an axis that is not the channels")
    rests = {(*value.axes[:axis], *value.axes[axis + 1 :]) for value in values}
    if len(rests) > 1:
        raise InexpressibleError("it puts values of different sizes or orders side by side")
    node = builder.add_layer(Concatenate(), tuple(value.node for value in values), name)
    axes = list(values[0].axes)
    new = views.Factor(MAPS, len(values), values[0].maps.maps)
    axes[axis] = (new,) if stacked else views.whole_side(MAPS, node.maps.maps)
    return replace(node, axes=tuple(axes))


def select(
    builder: Builder, value: Value, axis: int, start: int = 0, stop: int | None = None, *, step: int = 1, name: str = ""
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
    name = name or builder.named("slice")
    if len(value.axes[axis]) != 1:
        value = builder.in_order(value)
    if len(value.axes[axis]) != 1:
        raise InexpressibleError("it takes a part of an axis that mixes channels, rows and columns")
    if value.axes[axis][0].side == MAPS:
        return _some_channels(builder, value, axis, taken, name)
    return _some_positions(builder, value, axis, taken, name)


def _some_channels(builder: Builder, value: Value, axis: int, taken: range, name: str) -> Value:
    """Take the same part of an outermost factor of the channels, or one index of the innermost."""
    below, axes = value.maps.maps, list(value.axes)
    (factor,) = axes[axis]
    if factor.size * factor.stride == below and (taken.step == 1 or factor.stride == 1):  # the outermost factor
        layer = ChannelSelection(start=taken.start * factor.stride, count=len(taken) * factor.stride, step=taken.step)
        axes[axis] = (factor._replace(size=len(taken)),) if len(taken) > 1 else ()
    elif factor.stride == 1 and len(taken) == 1:  # the innermost
        layer = ChannelSelection(start=taken.start, count=below // factor.size, step=factor.size)
        axes = [
            tuple(other._replace(stride=other.stride // factor.size) if other.side == MAPS else other for other in own)
            for own in axes
        ]
        axes[axis] = ()
    else:
        raise InexpressibleError("it takes channels that do not follow each other")
    return replace(builder.add_layer(layer, (value.node,), name), axes=tuple(axes))


def _some_positions(builder: Builder, value: Value, axis: int, taken: range, name: str) -> Value:
    """Cut rows or columns off, and take every so many of them."""
    (factor,) = value.axes[axis]
    if not value.is_whole(value.axes[axis], factor.side) or taken.step < 0:
        raise InexpressibleError("it takes rows or columns that do not follow each other in one direction")
    last = taken[-1]
    before, after = -taken.start, last + 1 - factor.size
    rows = factor.side == ROWS
    frame = ((before, after), (0, 0)) if rows else ((0, 0), (before, after))
    plain = value
    if before or after:
        plain = builder.add_layer(_padding(frame, "constant", 0.0), (value.node,), name)
    if taken.step > 1:
        strided, every = Window(kernel=1, stride=taken.step), Window(kernel=1)
        sides = (strided, every) if rows else (every, strided)
        plain = builder.add_layer(Pooling(code="MP", rows=sides[0], columns=sides[1]), (plain.node,), name)
    axes = list(value.axes)
    axes[axis] = views.whole_side(factor.side, len(taken))
    return replace(plain, axes=tuple(axes))


def chunk(builder: Builder, value: Value, sizes: Sequence[int], axis: int, *, name: str = "") -> tuple[Value, ...]:
    """Divide an axis into parts of these sizes."""
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(
        select(builder, value, axis, start, start + size, name=name) for start, size in zip(starts, sizes, strict=True)
    )


def resize(
    builder: Builder,
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
    return builder.on_maps(value, layer, name or builder.named("resize"))


def pad(
    builder: Builder,
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
            if mode != "constant" or number != 0 or sum(any(pair) for pair in frame) > 1:
                raise InexpressibleError("it pads channels with other numbers than 0, or other axes as well")
            name = name or builder.named("pad")
            return pools.channel_window(builder, value, 1, axis=number_, before=pair[0], after=pair[1], name=name)
        side = _side_of(value, number_, axis)
        sides[side] = pair
        axes[number_] = views.whole_side(side, value.side(side) + sum(pair))
    if not any(any(pair) for pair in sides.values()):
        return value
    layer = _padding((sides[ROWS], sides[COLUMNS]), mode, number)
    return replace(builder.add_layer(layer, (value.node,), name or builder.named("pad")), axes=tuple(axes))


def _side_of(value: Value, number: int, axis: views.Axis) -> str:
    """Return which of rows and columns an axis is; a side of one row is known by where it stands."""
    if axis:
        fitting = [side for side in (ROWS, COLUMNS) if value.is_whole(axis, side)]
    else:
        usual = {len(value.axes) - 2: ROWS, len(value.axes) - 1: COLUMNS}.get(number, "")
        fitting = [usual] if usual and value.side(usual) == 1 else []
    if not fitting:
        raise InexpressibleError(f"it pads an axis of {value.shape} that is neither rows nor columns")
    return fitting[0]


def reshape(builder: Builder, value: Value, shape: Sequence[int]) -> Value:
    """Return other axes, the values in the same order; one size may be -1."""
    try:
        return views.reshaped(value, shape)
    except InexpressibleError:  # it may run through channels that are in another order
        return views.reshaped(builder.in_order(value), shape)


def expand(builder: Builder, value: Value, shape: Sequence[int], *, name: str = "") -> Value:
    """Repeat the only value of each map for all rows and columns, or each row or column along a new axis behind it.

    Axes of the size they have, or -1, stay.
    """
    own = ((),) * (len(shape) - len(value.axes)) + value.axes
    value = replace(value, axes=own)
    sizes = [old if size == -1 else size for old, size in zip(value.shape, shape, strict=True)]
    grown = [number for number, size in enumerate(sizes) if size != value.shape[number]]
    if not grown:
        return value
    rank, name = len(sizes), name or builder.named("expand")
    if set(grown) <= {rank - 2, rank - 1} and value.is_maps:
        return resize(builder, value, (sizes[-2], sizes[-1]), "nearest", name=name)
    for number in grown:
        value = _repeated(builder, value, number, sizes[number], name)
    return value


def broadcast(builder: Builder, value: Value, shape: Sequence[int]) -> Value:
    """Repeat the only map for a constant of `shape` that has a number for each of more channels."""
    sides = (1,) * (len(shape) - len(value.shape)) + value.shape
    grown = [axis for axis in range(-len(shape), 0) if shape[axis] > 1 and sides[axis] == 1]
    if value.maps.maps != 1 or len(grown) != 1 or -grown[0] >= len(value.axes):
        return value
    layer = ChannelRepeat(maps=shape[grown[0]])
    axes = list(value.axes)
    axes[grown[0]] = views.whole_side(MAPS, layer.maps)
    return replace(builder.add_layer(layer, (value.node,), builder.named("repeat")), axes=tuple(axes))


def _repeated(builder: Builder, value: Value, number: int, times: int, name: str) -> Value:
    """Return values with each row or column several times, in an axis behind that of the rows or columns."""
    before = value.axes[number - 1] if number else ()
    side = before[0].side if before and not value.axes[number] else ""
    if side not in (ROWS, COLUMNS) or not value.is_whole(before, side):
        raise InexpressibleError(f"it repeats values of {value.shape} along an axis that is not rows or columns")
    rows, columns = (value.side(one) * (times if one == side else 1) for one in (ROWS, COLUMNS))
    larger = builder.add_layer(Resize(rows=rows, columns=columns, mode="nearest", corners=False), (value.node,), name)
    axes = [
        tuple(views.replaced_stride(factor, times) if factor.side == side else factor for factor in axis)
        for axis in value.axes
    ]
    axes[number] = (views.Factor(side, times, 1),)
    return replace(larger, axes=tuple(axes))


def _padding(frame: Frame, mode: Literal["constant", "reflect", "edge"], value: float) -> Padding:
    (top, bottom), (left, right) = frame
    return Padding(top=top, left=left, bottom=bottom, right=right, mode=mode, value=value)
