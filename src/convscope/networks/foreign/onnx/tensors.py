"""Constants of an ONNX file as arrays: every size is compared with what is stored before anything is allocated."""

import math
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ModelFileError

Array = NDArray[Any]
LARGEST_FILE = 1 << 31
MOST_DIMENSIONS = 8

# TensorProto.DataType: how values are stored, and the field that holds them where they are not raw bytes.
_TYPES: dict[int, tuple[str, str]] = {
    1: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("?", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    12: ("<u4", "uint64_data"),
    13: ("<u8", "uint64_data"),
    16: ("<u2", "int32_data"),  # bfloat16: the upper half of a float32
}
_FLOAT16, _BFLOAT16 = 10, 16


def dtype_of(number: int) -> np.dtype[Any] | None:
    """Return the type that values of an ONNX type have here; floats of 16 bits become float32. None: it is unknown."""
    if number in (_FLOAT16, _BFLOAT16):
        return np.dtype(np.float32)
    return np.dtype(_TYPES[number][0]) if number in _TYPES else None


@final
class TensorReader:
    """Reads the constants of one file.

    Args:
        folder: of the file; what it stores in other files must be in there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._external = 0

    def array(self, tensor: Any, name: str) -> Array:
        """Return the values of a TensorProto.

        Raises:
            ModelFileError: type, dimensions and what is stored do not fit each other.
        """
        what = f"the constant {name[:60]!r}"
        if tensor.data_type not in _TYPES:
            raise ModelFileError(
                f"Values must be float, integer or boolean numbers. Got type {tensor.data_type} in {what}."
            )
        shape, count = checked_shape(list(tensor.dims), what)
        code, field = _TYPES[tensor.data_type]
        dtype = np.dtype(code)
        expected = count * dtype.itemsize
        if tensor.data_location == 1:
            values = np.frombuffer(self._outside(tensor, expected, what), dtype)
        elif tensor.HasField("raw_data"):
            _check_size(len(tensor.raw_data), expected, what)
            values = np.frombuffer(bytearray(tensor.raw_data), dtype)  # torch wants memory that can be written
        else:
            stored = getattr(tensor, field)
            _check_size(len(stored) * dtype.itemsize, expected, what)
            values = _typed(stored, dtype, what)
        if tensor.data_type == _BFLOAT16:
            values = (values.astype(np.uint32) << 16).view(np.float32)
        elif tensor.data_type == _FLOAT16:
            values = values.astype(np.float32)
        return values.reshape(shape)

    def _outside(self, tensor: Any, expected: int, what: str) -> bytearray:
        """Return the bytes of a constant that is stored in another file of the folder."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        target = self._beside(entries.get("location", ""), what)
        offset, length = (
            _number(entries.get(key, default), what) for key, default in (("offset", "0"), ("length", ""))
        )
        _check_size(expected if length is None else length, expected, what)
        self._external += expected
        if self._external > LARGEST_FILE:
            raise ModelFileError(f"Its constants must take at most {LARGEST_FILE >> 30} GiB.")
        try:
            with target.open("rb") as file:
                size = target.stat().st_size
                if (offset or 0) + expected > size:
                    raise ModelFileError(f"The file {target.name!r} must hold {what}. It ends before.")
                file.seek(offset or 0)
                return bytearray(file.read(expected))
        except OSError as error:
            raise ModelFileError(f"The file of {what} cannot be read: {error.strerror}.") from None

    def _beside(self, location: str, what: str) -> Path:
        """Return the path of a file inside the folder.

        Raises:
            ModelFileError: it is elsewhere, or no file.
        """
        parts = PurePosixPath(location.replace("\\", "/")).parts
        outside = PurePosixPath(location).is_absolute() or PureWindowsPath(location).anchor or ".." in parts
        if not location or outside or "\0" in location:
            raise ModelFileError(f"The file of {what} must be in the folder of the network. Got {location[:60]!r}.")
        try:
            target = (self._folder / location).resolve(strict=True)
            inside = target.is_relative_to(self._folder.resolve())
            is_file = stat.S_ISREG(target.stat().st_mode)
        except (OSError, RuntimeError):
            raise ModelFileError(f"The file of {what}, {location[:60]!r}, does not exist.") from None
        if not inside or not is_file:
            raise ModelFileError(
                f"The file of {what} must be a file in the folder of the network. Got {location[:60]!r}."
            )
        return target


def checked_shape(dims: list[int], what: str) -> tuple[tuple[int, ...], int]:
    """Return the dimensions and the number of values.

    Raises:
        ModelFileError: they are more than memory could hold.
    """
    bounded = len(dims) <= MOST_DIMENSIONS and min(dims, default=1) >= 0
    if not bounded or math.prod(max(1, side) for side in dims) > LARGEST_FILE:
        text = "x".join(map(str, dims[:MOST_DIMENSIONS]))
        raise ModelFileError(
            f"Dimensions must be at most {MOST_DIMENSIONS}, of at most 2³¹ values. Got {text} in {what}."
        )
    return tuple(dims), math.prod(dims)


def _check_size(stored: int, expected: int, what: str) -> None:
    if stored != expected:
        raise ModelFileError(f"The values of {what} must take {expected:,} bytes by its dimensions. Got {stored:,}.")


def _typed(stored: Any, dtype: np.dtype[Any], what: str) -> Array:
    """Return values that are stored as numbers; floats of 16 bits as their bits."""
    if dtype == np.float16:
        return _typed(stored, np.dtype(np.uint16), what).view(np.float16)
    try:
        values = np.fromiter(stored, np.int64 if dtype.kind in "ib" else np.uint64 if dtype.kind == "u" else dtype)
    except (OverflowError, ValueError):
        raise ModelFileError(f"A value of {what} is out of range.") from None
    return values.astype(dtype)


def _number(text: str, what: str) -> int | None:
    """Return a number that is written as text; None for none."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ModelFileError(f"Offset and length of {what} must be whole numbers. Got {text[:20]!r}.")
    return int(text)
