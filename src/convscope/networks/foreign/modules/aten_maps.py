"""ATen's concatenations, slices, resizing, padding and views."""

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch

from convscope.networks.foreign.building import parts, views
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .aten_call import AtenCall, Operator, pair_of


def _concatenation(call: AtenCall) -> Value:
    return parts.concatenate(call.builder, _values(call["tensors"]), call["dim"], name=call.name)


def _stack(call: AtenCall) -> Value:
    values = _values(call["tensors"])
    axis = call["dim"] % (len(values[0].shape) + 1)
    shape = (*values[0].shape[:axis], 1, *values[0].shape[axis:])
    return parts.concatenate(
        call.builder, [parts.reshape(call.builder, value, shape) for value in values], axis, name=call.name
    )


def _values(tensors: Sequence[Any]) -> list[Value]:
    if not all(isinstance(value, Value) for value in tensors):
        raise InexpressibleError("it puts a constant beside values of the image")
    return list(tensors)


def _split(call: AtenCall) -> tuple[Value, ...]:
    value, axis = call.value("self"), call["dim"]
    total = value.shape[axis]
    size = call.get("split_size", call.get("split_sizes"))
    if "chunks" in call:
        size = -(-total // call["chunks"])
    sizes = [min(size, total - start) for start in range(0, total, size)] if isinstance(size, int) else size
    return parts.chunk(call.builder, value, sizes, axis, name=call.name)


def _unbind(call: AtenCall) -> tuple[Value, ...]:
    total = call.value("self").shape[call["dim"]]
    return tuple(_index(call.having(index=index)) for index in range(total))


def _index(call: AtenCall) -> Value:
    value = call.value("self")
    axis = call["dim"] % len(value.shape)
    start = call["index"] % value.shape[axis]
    part = parts.select(call.builder, value, axis, start, start + 1, name=call.name)
    return parts.reshape(call.builder, part, (*part.shape[:axis], *part.shape[axis + 1 :]))


def _slice(call: AtenCall) -> Value:
    return parts.select(
        call.builder,
        call.value("self"),
        call["dim"],
        call["start"] or 0,
        call["end"],
        step=call["step"],
        name=call.name,
    )


def _narrow(call: AtenCall) -> Value:
    return parts.select(
        call.builder, call.value("self"), call["dim"], call["start"], call["start"] + call["length"], name=call.name
    )


def _flip(call: AtenCall) -> Value:
    value = call.value("self")
    for axis in call["dims"]:
        value = parts.select(call.builder, value, axis, value.shape[axis] - 1, step=-1, name=call.name)
    return value


def _resize(call: AtenCall, *, mode: Literal["nearest", "bilinear"]) -> Value:
    value = call.value("input" if "input" in call else "self")
    scales = call.get("scale_factors") or [call.get("scales_h"), call.get("scales_w")]
    sizes = call.get("output_size") or [
        math.floor(side * scale) for side, scale in zip(value.shape[-2:], scales, strict=True)
    ]
    for side, size, scale in zip(value.shape[-2:], sizes, scales, strict=True):
        if scale is not None and not math.isclose(side * scale, size):
            raise InexpressibleError(f"its factor {scale:g} does not make {size} of {side}")
    return parts.resize(
        call.builder, value, pair_of(sizes), mode, corners=call.get("align_corners", False), name=call.name
    )


_MODES: dict[str, Literal["constant", "reflect", "edge"]] = {
    "constant": "constant",
    "reflect": "reflect",
    "replicate": "edge",
}


def _pad(call: AtenCall, *, mode: str = "") -> Value:
    mode = mode or call.get("mode", "constant")
    if mode not in _MODES:
        raise InexpressibleError(f"its mode is {mode}")
    value = call.value("self")
    numbers = list(call.get("pad", call.get("padding")) or [])
    last_first = [(numbers[index], numbers[index + 1]) for index in range(0, len(numbers), 2)]
    frame = [(0, 0)] * (len(value.shape) - len(last_first)) + last_first[::-1]
    return parts.pad(call.builder, value, frame, _MODES[mode], float(call.get("value") or 0), name=call.name)


def _same(call: AtenCall) -> Value:
    value: Value = next(argument for argument in call.values() if isinstance(argument, Value))
    return value


def _in_type(call: AtenCall) -> Value:
    kind = call.get("dtype")
    if isinstance(kind, torch.dtype) and not kind.is_floating_point:
        raise InexpressibleError(f"it makes {kind} of the values")
    return call.value("self")


def _view(call: AtenCall) -> Value:
    return parts.reshape(call.builder, call.value("self"), call.get("size", call.get("shape")) or ())


def _flatten(call: AtenCall) -> Value:
    shape = call.value("self").shape
    start, end = call["start_dim"] % len(shape), call["end_dim"] % len(shape)
    merged = math.prod(shape[start : end + 1])
    return parts.reshape(call.builder, call.value("self"), (*shape[:start], merged, *shape[end + 1 :]))


def _unflatten(call: AtenCall) -> Value:
    shape = call.value("self").shape
    axis = call["dim"] % len(shape)
    sizes = list(call["sizes"])
    if -1 in sizes:
        sizes[sizes.index(-1)] = shape[axis] // -math.prod(sizes)
    return parts.reshape(call.builder, call.value("self"), (*shape[:axis], *sizes, *shape[axis + 1 :]))


def _permute(call: AtenCall) -> Value:
    return views.permuted(call.value("self"), call["dims"])


def _transpose(call: AtenCall) -> Value:
    value = call.value("self")
    order = list(range(len(value.shape)))
    first, second = call.get("dim0", call.get("axis0", 0)), call.get("dim1", call.get("axis1", 1))
    order[first], order[second] = order[second], order[first]
    return views.permuted(value, order)


def _squeeze(call: AtenCall) -> Value:
    shape = call.value("self").shape
    axes = call.get("dim")
    asked = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    gone = {axis % len(shape) for axis in asked if shape[axis] == 1}
    return parts.reshape(
        call.builder, call.value("self"), [size for axis, size in enumerate(shape) if axis not in gone]
    )


def _unsqueeze(call: AtenCall) -> Value:
    shape = list(call.value("self").shape)
    shape.insert(call["dim"] % (len(shape) + 1), 1)
    return parts.reshape(call.builder, call.value("self"), shape)


def _expand(call: AtenCall) -> Value:
    shape = call["size"] if "size" in call else call["other"].shape
    return parts.expand(call.builder, call.value("self"), shape, name=call.name)


def _repeat(call: AtenCall) -> Value:
    value, times = call.value("self"), list(call["repeats"])
    own = (1,) * (len(times) - len(value.shape)) + value.shape
    if any(size > 1 and many != 1 for size, many in zip(own, times, strict=True)):
        raise InexpressibleError(f"it puts values of {value.shape} one after another {times} times")
    return parts.expand(
        call.builder, value, [size * many for size, many in zip(own, times, strict=True)], name=call.name
    )


def _repeat_interleave(call: AtenCall) -> Value:
    value, times = call.value("self"), call["repeats"]
    if not isinstance(times, int) or call["dim"] is None:
        raise InexpressibleError("it repeats each value a number of times of its own")
    axis = call["dim"] % len(value.shape)
    shape = list(value.shape)
    apart = parts.reshape(call.builder, value, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
    repeated = parts.expand(call.builder, apart, (*shape[: axis + 1], times, *shape[axis + 1 :]), name=call.name)
    return parts.reshape(call.builder, repeated, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


def _channel_shuffle(call: AtenCall) -> Value:
    value = call.value("self")
    one, maps, *sides = value.shape
    split = parts.reshape(call.builder, value, (one, call["groups"], maps // call["groups"], *sides))
    order = (0, 2, 1, *range(3, len(sides) + 3))
    return parts.reshape(call.builder, views.permuted(split, order), value.shape)


_UNCHANGED = (
    "contiguous", "clone", "dropout", "feature_dropout", "alpha_dropout", "native_dropout", "detach", "alias",
    "lift_fresh_copy", "lift_fresh", "positive", "type_as", "requires_grad",
)  # fmt: skip
MAPS: dict[str, Operator] = {
    **dict.fromkeys(_UNCHANGED, _same),
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
    "repeat": _repeat,
    "repeat_interleave": _repeat_interleave,
    "expand_as": _expand,
    "channel_shuffle": _channel_shuffle,
}
