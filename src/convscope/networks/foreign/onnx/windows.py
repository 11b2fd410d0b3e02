"""Where windows stand and what a resizing takes, from what ONNX says of them."""

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from convscope.networks.foreign.building import parts
from convscope.networks.foreign.building.builder import Builder, Pair
from convscope.networks.foreign.building.sums import Slide
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .call import Call
from .tensors import Array


def kernel_of(call: Call, weight: Tensor) -> Pair:
    """Return the window of a convolution, which the weights say.

    Raises:
        InexpressibleError: they are not those of maps, or the operator says something else.
    """
    sides = tuple(weight.shape[2:])
    said = call.attribute("kernel_shape", list(sides))
    if len(sides) != 2 or tuple(said) != sides:
        raise InexpressibleError(f"its weights are {tuple(weight.shape)}, its windows {tuple(said)}")
    return sides[0], sides[1]


def windows(call: Call, value: Value, kernel: Pair) -> Slide:
    """Return how the windows of an operator slide.

    Raises:
        InexpressibleError: it does not have two of each.
    """
    stride, dilation = call.attribute("strides", [1, 1]), call.attribute("dilations", [1, 1])
    if not len(stride) == len(dilation) == 2 or min(*stride, *dilation) < 1:
        raise InexpressibleError("its strides and dilations must be two numbers from 1")
    how = call.attribute("auto_pad", "NOTSET")
    if how.startswith("SAME") and len(value.shape) == 4:
        sides = zip(value.shape[2:], kernel, stride, dilation, strict=True)
        frame = [_same(*side, lower=how == "SAME_LOWER") for side in sides]
    else:
        pads = call.attribute("pads", [0] * 4) if how == "NOTSET" else [0] * 4
        if len(pads) != 4:
            raise InexpressibleError("its pads must be four numbers")
        frame = [(pads[0], pads[2]), (pads[1], pads[3])]
    return Slide(stride=(stride[0], stride[1]), padding=(frame[0], frame[1]), dilation=(dilation[0], dilation[1]))


def _same(size: int, kernel: int, stride: int, dilation: int, *, lower: bool) -> Pair:
    """Return the zeros before and after a side that give ⌈size / stride⌉ positions."""
    extent = (kernel - 1) * dilation + 1
    both = max(0, (-(-size // stride) - 1) * stride + extent - size)
    less, more = both // 2, both - both // 2
    return (more, less) if lower else (less, more)


def resize(builder: Builder, call: Call) -> Value:
    """Return resized maps, where the values that ONNX takes are those that a layer takes.

    Raises:
        InexpressibleError: they are others.
    """
    value = call.value()
    mode = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}.get(call.attribute("mode", "nearest"))
    stretched = call.attribute("keep_aspect_ratio_policy", "stretch") == "stretch"
    if mode is None or len(value.axes) != 4 or call.attribute("antialias", 0) or not stretched:
        raise InexpressibleError(f"it resizes in an unknown way, {call.attribute('mode', 'nearest')[:20]}")
    sizes, scales = _sizes_and_scales(call, value)
    if sizes[:2] != list(value.shape[:2]):
        raise InexpressibleError("it makes more or fewer channels")
    if sizes == list(value.shape):
        return value
    places = [_places(call, value.shape[axis], sizes[axis], scales[axis]) for axis in (2, 3)]
    for corners in (False, True):
        ours = [_own_places(mode, corners, value.shape[axis], sizes[axis]) for axis in (2, 3)]
        if all(np.allclose(one, other, atol=1e-4) for one, other in zip(places, ours, strict=True)):
            return parts.resize(builder,
                value, (sizes[2], sizes[3]), "nearest" if mode == "nearest" else "bilinear",
                corners=corners and mode == "bilinear", name=call.name,
            )  # fmt: skip
    way = call.attribute("coordinate_transformation_mode", _default_way(call))
    raise InexpressibleError(f"it resizes between other values ({mode}, {way[:30]})")


def _sizes_and_scales(call: Call, value: Value) -> tuple[list[int], list[float]]:
    """Return the size of each axis of the result, and by how much it grows."""
    rank = len(value.axes)
    axes = call.attribute("axes", list(range(rank)))
    number = 1 if call.opset <= 10 else 2
    scales, sizes = [1.0] * rank, list(value.shape)
    if call.has(3) and call.constant(3).size:
        for axis, size in zip(axes, call.needed("sizes", 3), strict=True):
            sizes[axis], scales[axis] = size, size / value.shape[axis]
        return _checked(sizes), scales
    given = call.constant(number, "scales").ravel() if call.has(number) else np.array(call.attribute("scales", []))
    if given.size != len(axes) or not np.isfinite(given).all() or not (given > 0).all():
        raise InexpressibleError("its scales must be one number for each axis")
    for axis, scale in zip(axes, given, strict=True):
        scales[axis], sizes[axis] = float(scale), math.floor(value.shape[axis] * float(scale))
    return _checked(sizes), scales


def _checked(sizes: list[int]) -> list[int]:
    if not all(1 <= size <= 65_536 for size in sizes):
        raise InexpressibleError(f"it resizes to {sizes}")
    return sizes


def _default_way(call: Call) -> str:
    return "half_pixel" if call.opset >= 11 else "asymmetric"


def _places(call: Call, size: int, wanted: int, scale: float) -> Array:
    """Return the place below that each value of the result is read off at; whole numbers for the nearest one."""
    at: Array = np.arange(wanted)
    way = call.attribute("coordinate_transformation_mode", _default_way(call))
    if way == "align_corners":
        places: Array = at * (size - 1) / max(1, wanted - 1)
    elif way == "asymmetric":
        places = at / scale
    elif way in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "tf_half_pixel_for_nn"):
        places = (at + 0.5) / scale - (0.0 if way == "tf_half_pixel_for_nn" else 0.5)
        if way == "pytorch_half_pixel" and wanted == 1:
            places = np.zeros(1)
        if way == "half_pixel_symmetric":
            places = places + (1 - wanted / (scale * size)) * size / 2
    else:
        raise InexpressibleError(f"it resizes with {way[:30]}")
    if call.attribute("mode", "nearest") == "nearest":
        nearest = call.attribute("nearest_mode", "round_prefer_floor" if call.opset >= 11 else "floor")
        if nearest not in _NEAREST:
            raise InexpressibleError(f"it rounds places with {nearest[:30]}")
        places = _NEAREST[nearest](places)
    return np.clip(places, 0, size - 1)


_NEAREST: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda places: np.ceil(places - 0.5),
    "round_prefer_ceil": lambda places: np.floor(places + 0.5),
}


def _own_places(mode: str, corners: bool, size: int, wanted: int) -> Array:
    """Return the same for the layer."""
    at = np.arange(wanted)
    if mode == "nearest":
        return np.floor(at * size / wanted)
    places = at * (size - 1) / max(1, wanted - 1) if corners else (at + 0.5) * size / wanted - 0.5
    return np.clip(places, 0, size - 1)
