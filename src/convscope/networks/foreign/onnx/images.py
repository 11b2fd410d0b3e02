"""The image that an ONNX file takes: which of its inputs that is, in which order, and how pixels are standardized."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.layers.geometry import MapShape
from convscope.networks.foreign.building.unsupported import UnsupportedError

from .call import Call
from .file import Body, OnnxInput, Operator
from .tensors import Array

LARGEST_SIDE = 65_536
_UINT8 = 2
_FLOATS = (1, 10, 11, 16)
_TO_MAPS = [0, 3, 1, 2]  # N H W C -> N C H W
_AS_IS = frozenset({"Identity", "Cast", "QuantizeLinear", "DequantizeLinear"})
_BEFORE_MAPS = _AS_IS | {"Add", "Sub", "Mul", "Div", "Clip", "Pad", "Resize", "Slice", "Gather", "Split", "Concat"}
"""What a network may do to an image whose channels are last, before it makes maps of it."""
_FAR = 32
_LEVELS = 16  # a first number so large, or the inverse of one, is meant for levels 0…255


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """The input that is an image.

    Attributes:
        name: of its value.
        shape: of one image.
        is_pixels: whether it is uint8, 0…255.
        is_last: whether its channels come last, N H W C.
    """

    name: str
    shape: MapShape
    is_pixels: bool
    is_last: bool


def image_input(body: Body, size: tuple[int, int] | None) -> ImageInput:
    """Return the only input that is read, which must be an image; Keras leaves constants among the inputs.

    Args:
        body: of the file.
        size: rows and columns, where the file does not say them.

    Raises:
        UnsupportedError: there are others, or it is no image.
        ParameterError: rows or columns are not known, or others than `size`.
    """
    read = {name for operator in body.operators for name in operator.inputs}
    inputs = [one for one in body.inputs if one.name in read] or body.inputs
    if len(inputs) != 1:
        names = ", ".join(one.name[:40] for one in inputs[:8]) or "none"
        raise UnsupportedError("The input", "", f"a network must take one image, and this one takes {names}")
    (only,) = inputs
    if only.shape is None or len(only.shape) != 4 or only.type not in (*_FLOATS, _UINT8):
        dims = "unknown" if only.shape is None else "x".join(str(side or "?") for side in only.shape)
        raise UnsupportedError("The input", only.name[:60], f"it must be an image of four dimensions, and it is {dims}")
    is_last = _is_channels_last(only, body)
    sides = [only.shape[axis] for axis in ((3, 1, 2) if is_last else (1, 2, 3))]
    channels = sides[0] if sides[0] is not None else _channels_of_weights(only.name, body)
    rows, columns = _size(sides[1:], size)
    if channels is None:
        raise UnsupportedError("The input", only.name[:60], "its number of channels is not known")
    if max(channels, rows, columns) > LARGEST_SIDE:
        raise UnsupportedError("The input", only.name[:60], f"an image of {columns}x{rows} pixels is too large")
    shape = MapShape(maps=channels, rows=rows, columns=columns)
    return ImageInput(name=only.name, shape=shape, is_pixels=only.type == _UINT8, is_last=is_last)


def _size(sides: Sequence[int | None], size: tuple[int, int] | None) -> tuple[int, int]:
    """Return rows and columns of the image."""
    rows, columns = sides
    if rows is not None and columns is not None:
        if size is not None and size != (rows, columns):
            raise ParameterError(
                f"`size` must be that of the network, {rows} rows and {columns} columns. Got {size[0]} and {size[1]}. "
                "Leave it out."
            )
        return rows, columns
    if size is None:
        raise ParameterError(
            "`size` must be given: the network takes images of any size, and its layers are read for one. "
            'Say it with `size="224"`, for example (in Python, load(…, preprocessing={"size": 224})).'
        )
    if (rows or size[0], columns or size[1]) != size or min(size) < 1:
        raise ParameterError(f"`size` must fit the network, {rows or 'any'} rows and {columns or 'any'} columns.")
    return size


def _is_channels_last(image: OnnxInput, body: Body) -> bool:
    """Return whether what reads the image makes maps of it by a transposition."""
    readers: dict[str, list[Operator]] = defaultdict(list)
    for operator in body.operators:
        for name in operator.inputs:
            readers[name].append(operator)
    names = [image.name]
    for name in names:
        for reader in readers[name][:_FAR]:
            if reader.kind == "Transpose" and reader.attributes.get("perm") == _TO_MAPS:
                return True
            if reader.kind == "Reshape" and _is_transposition(image, body.constants.get(reader.inputs[-1])):
                return True
            if reader.kind in _BEFORE_MAPS and len(names) < _FAR:
                names += reader.outputs
    return False


def _is_transposition(image: OnnxInput, wanted: Array | None) -> bool:
    """Return whether a reshape to `wanted` puts the only channel of an image N H W 1 first, as tf2onnx writes it."""
    if wanted is None or image.shape is None or wanted.shape != (4,) or image.shape[3] != 1:
        return False
    return bool(wanted.tolist()[1:] == [1, *image.shape[1:3]])


def _channels_of_weights(image: str, body: Body) -> int | None:
    """Return the channels that the convolution takes that reads the image."""
    for operator in body.operators:
        if operator.kind == "Conv" and operator.inputs[:1] == (image,) and operator.inputs[1] in body.constants:
            weight = body.constants[operator.inputs[1]]
            groups = operator.attributes.get("group", 1)
            return int(weight.shape[1]) * groups if weight.ndim == 4 and isinstance(groups, int) else None
    return None


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """Pixels 0…255 on their way to the first layer: scale × x + shift, one number for each channel or for all.

    What a file does to pixels by itself is how images are standardized, and no layer of the network.

    Attributes:
        scale, shift: one number a channel.
        is_last: whether the channels come last.
        is_sure: whether they are levels 0…255: those of uint8 are, those of float if the file first divides them by a
            number that large, or subtracts one.
    """

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    is_last: bool
    is_sure: bool

    @classmethod
    def of(cls, image: ImageInput) -> "Pixels":
        """Return pixels as they come in."""
        ones = np.ones(image.shape.maps)
        return cls(scale=ones, shift=0 * ones, is_last=image.is_last, is_sure=image.is_pixels)

    @property
    def mean_and_std(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel, in 0…1, that this subtracts and divides by."""
        std = 1 / (255 * self.scale)
        return tuple(map(float, -self.shift * std)), tuple(map(float, std))

    def through(self, operator: Operator, call: Call) -> "Pixels | None":
        """Return what an operator makes of them; None if that is no standardization."""
        kind = operator.kind
        if kind in _AS_IS:
            keeps = kind == "Identity" or (kind == "Cast" and operator.attributes.get("to") in _FLOATS)
            return self if self.is_sure or keeps else None
        if kind == "Transpose":
            order = operator.attributes.get("perm")
            return (
                replace(self, is_last=not self.is_last)
                if order == ([0, 3, 1, 2] if self.is_last else [0, 2, 3, 1])
                else None
            )
        if kind not in ("Add", "Sub", "Mul", "Div") or len(call.inputs) != 2:
            return None
        is_first = isinstance(call.inputs[0], Pixels)
        numbers = self._numbers(call.inputs[1] if is_first else call.inputs[0])
        if numbers is None or (kind == "Div" and not is_first):
            return None
        with np.errstate(all="ignore"):
            if not self.is_sure and np.abs(1 / numbers if kind == "Mul" else numbers).max() < _LEVELS:
                return None
            return self._computed(kind, numbers, is_first=is_first)

    def _computed(self, kind: str, numbers: NDArray[np.float64], *, is_first: bool) -> "Pixels | None":
        scale, shift = self.scale, self.shift
        if kind in ("Mul", "Div"):
            factor = numbers if kind == "Mul" else 1 / numbers
            scale, shift = scale * factor, shift * factor
        elif kind == "Add":
            shift = shift + numbers
        elif is_first:
            shift = shift - numbers
        else:
            scale, shift = -scale, numbers - shift
        whole = np.isfinite(scale).all() and np.isfinite(shift).all() and (scale > 0).all()
        return replace(self, scale=scale, shift=shift, is_sure=True) if whole else None

    def _numbers(self, constant: Any) -> NDArray[np.float64] | None:
        """Return a constant as one number a channel, or None."""
        if not isinstance(constant, np.ndarray) or constant.dtype.kind not in "iuf":
            return None
        channels = len(self.scale)
        if constant.size == 1:
            return np.full(channels, float(constant.ravel()[0]))
        axis = constant.ndim - (1 if self.is_last else 3)
        fits = constant.size == channels and 0 <= axis < constant.ndim and constant.shape[axis] == channels
        return constant.astype(np.float64).ravel() if fits else None
