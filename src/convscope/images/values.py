"""Value ranges: how the numbers of an image become gray levels, with one range for a whole dataset."""

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError

NumberKind = Literal["byte", "integer", "float"]
EACH = "each"
"""Given to `parse_value_range`, this stretches every image by its own range."""

BITS = (8, 10, 12, 14, 16, 24, 32)
UNITS = (1.0, 255.0, 65535.0)
_BLOCK = 1 << 20  # values converted at a time, so that the float64 copies stay small


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueRange:
    """The values that become the gray levels 0 and 255; values between are rounded, values outside are clipped.

    Raises:
        ParameterError: `low` or `high` is not a finite number, or `low` is above `high`.

    Examples:
        >>> ValueRange(low=-1000, high=40).gray_levels(np.array([-1000, -480, 40, 3000], np.int16))
        array([  0, 128, 255, 255], dtype=uint8)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= self.high):
            raise ParameterError(f"`value_range` must be two finite numbers, LOW,HIGH. Got {self.low},{self.high}.")

    def __str__(self) -> str:
        return f"{self.low:g}…{self.high:g}"

    def gray_levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return finite numbers of any shape as uint8; uint8 itself where the range is 0…255."""
        if values.dtype == np.uint8 and self == BYTES:
            return values
        if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size > 1 << 16:
            native = values.dtype.newbyteorder("=")
            table = _table(self, native.str)
            return np.take(table, values.astype(native, copy=False).view(f"u{native.itemsize}"))
        result = np.empty(values.shape, np.uint8)
        source, target = values.reshape(-1), result.reshape(-1)
        for start in range(0, source.size, _BLOCK):
            target[start : start + _BLOCK] = self._levels(source[start : start + _BLOCK])
        return result

    def beyond(self, values: NDArray[Any]) -> float:
        """Return the fraction of the values that lie outside the range."""
        outside = sum(
            int(np.count_nonzero((block < self.low) | (block > self.high)))
            for block in (values[row : row + 64].astype(np.float64) for row in range(0, len(values), 64))
        )
        return outside / values.size

    def _levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        midpoint = self.low / 2
        half = self.high / 2 - midpoint  # halves: the difference of two floats may overflow
        if half <= 0:
            return np.zeros(values.shape, np.uint8)
        clipped = np.clip(values.astype(np.float64), self.low, self.high)
        return np.rint((clipped / 2 - midpoint) / half * 255).astype(np.uint8)


BYTES = ValueRange(low=0.0, high=255.0)
UNIT = ValueRange(low=0.0, high=1.0)


@functools.lru_cache(maxsize=8)
def _table(span: ValueRange, kind: str) -> NDArray[np.uint8]:
    """Return the gray levels of an integer type of at most 16 bits, indexed by its bits as an unsigned number."""
    dtype = np.dtype(kind)
    integers = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}")
    return span._levels(integers.view(dtype))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueRanges:
    """The ranges of a dataset, one per kind of number; None means the convention of the type.

    byte: of uint8. integer: of all other integers. float: of floats. each: every image is stretched from its own
    minimum to its own maximum instead.
    """

    byte: ValueRange | None = None
    integer: ValueRange | None = None
    float: ValueRange | None = None
    each: bool = False

    @staticmethod
    def by_kind(spans: Mapping[NumberKind, ValueRange]) -> "ValueRanges":
        """Return these ranges; other kinds follow the convention of their type."""
        return ValueRanges(byte=spans.get("byte"), integer=spans.get("integer"), float=spans.get("float"))

    def of(self, values: NDArray[Any], usual: ValueRange | None = None) -> ValueRange | None:
        """Return the range of the values of one image, or of an array of images; None if unknown.

        Args:
            values: finite numbers of any shape.
            usual: range declared by the file or array of the image; used if the dataset has no range.
        """
        if self.each:
            return ValueRange(low=float(values.min()), high=float(values.max()))
        known: ValueRange | None = getattr(self, kind_of(values.dtype))
        return known or usual or convention(values)

    def converter(
        self, values: NDArray[Any], usual: ValueRange | None = None
    ) -> Callable[[NDArray[Any]], NDArray[np.uint8]] | None:
        """Return the function from `values`, … H W C, or any rows of them, to gray levels; None if no range is known.

        A fourth channel is opacity, which has its own range.
        """
        if values.dtype == np.uint8 and self.byte is None and not self.each:
            return _as_they_are
        if values.shape[-1] != 4:
            span = self.of(values, usual)
            return None if span is None else span.gray_levels
        span, opaque = self.of(values[..., :3], usual), ValueRange(low=0.0, high=opaque_value(values[..., 3]))
        if span is None:
            return None
        color = span

        def with_opacity(rows: NDArray[Any]) -> NDArray[np.uint8]:
            return np.concatenate([color.gray_levels(rows[..., :3]), opaque.gray_levels(rows[..., 3:])], axis=-1)

        return with_opacity

    def gray_levels(self, values: NDArray[Any], usual: ValueRange | None = None) -> NDArray[np.uint8] | None:
        """Return finite numbers … H W C as uint8, None if no range is known; a fourth channel is opacity."""
        if self.each and values.ndim == 4:
            return np.stack([levels for image in values if (levels := self.gray_levels(image)) is not None])
        convert = self.converter(values, usual)
        return None if convert is None else convert(values)


def kind_of(dtype: np.dtype[Any]) -> NumberKind:
    """Return the kind of number of a NumPy type.

    Examples:
        >>> kind_of(np.dtype("u1")), kind_of(np.dtype("i2")), kind_of(np.dtype("f4"))
        ('byte', 'integer', 'float')
    """
    if dtype == np.uint8:
        return "byte"
    return "float" if dtype.kind == "f" else "integer"


def full_range(dtype: np.dtype[Any]) -> ValueRange | None:
    """Return the range of a type of integers, None for floats."""
    if dtype.kind == "f":
        return None
    return ValueRange(low=float(np.iinfo(dtype).min), high=float(np.iinfo(dtype).max))


def opaque_value(opacity: NDArray[Any]) -> float:
    """Return the value of full opacity: the maximum of a usual number of bits if a pixel has it.

    Examples:
        >>> opaque_value(np.array([0, 4095], np.uint16)), opaque_value(np.array([7], np.uint16))
        (4095.0, 65535.0)
        >>> opaque_value(np.array([0, 255])), opaque_value(np.array([0.5]))
        (255.0, 1.0)
    """
    if opacity.dtype == np.uint8:
        return 255.0
    top = float(opacity.max())
    if opacity.dtype.kind == "f":
        return next((unit for unit in UNITS if top <= unit), top)
    if top in {2.0**bits - 1 for bits in (1, *BITS)}:
        return top
    return 65535.0 if opacity.dtype == np.uint16 or top > 255 else 255.0


def bits_in_use(bits: int) -> ValueRange:
    """Return the range of unsigned integers of this many bits."""
    return ValueRange(low=0.0, high=float(2**bits - 1))


def convention(values: NDArray[Any], *, together: bool = False) -> ValueRange | None:
    """Return the range of values by their type alone, without a dataset; None if the type has no convention.

    uint8, uint16 and int8 use their full range. Other integers are bytes if they fit. Floats are 0…1 (up to 1.5, as
    filters overshoot) or 0…255. With `together` (values of many images), other integers may have 16 bits, too; for
    one image that would be a guess from its brightness.

    Examples:
        >>> str(convention(np.array([7], np.uint16))), str(convention(np.array([0, 1.02]))), convention(np.array([-9]))
        ('0…65535', '0…1', None)
    """
    if values.dtype in (np.uint8, np.uint16, np.int8):
        return full_range(values.dtype)
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= -0.5 and high <= 1.5:
        return UNIT
    if low >= 0 and high <= 255:
        return BYTES
    is_word = together and values.dtype.kind != "f" and low >= 0 and high <= 65535
    return bits_in_use(16) if is_word else None


def parse_value_range(value_range: str | Sequence[float] | None) -> ValueRanges | None:
    """Return the ranges for the text ``"LOW,HIGH"`` or two numbers, the same for all kinds of numbers.

    ``"each"`` stretches every image from its own minimum to its own maximum.

    Raises:
        ParameterError: the value is not a range.

    Examples:
        >>> str(parse_value_range("-1000,3000").integer), parse_value_range(None)
        ('-1000…3000', None)
    """
    if value_range is None:
        return None
    text = value_range_as_text(value_range)
    if text == EACH:
        return ValueRanges(each=True)
    number = r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*"
    if not re.fullmatch(f"{number},{number}", text) or len(text) > 100:
        raise ParameterError(
            f"`value_range` must be two numbers, LOW,HIGH, like 0,4095, or {EACH}. Got {str(value_range)[:100]!r}."
        )
    low, high = (float(part) for part in text.split(","))
    if not low < high:
        raise ParameterError(f"`value_range` must be LOW,HIGH with LOW below HIGH. Got {text}.")
    span = ValueRange(low=low, high=high)
    return ValueRanges(byte=span, integer=span, float=span)


def value_range_as_text(value_range: str | Sequence[float]) -> str:
    """Return a range as command-line text.

    Examples:
        >>> value_range_as_text((0, 4095)), value_range_as_text("0,1")
        ('0,4095', '0,1')
    """
    return ",".join(map(str, value_range)) if isinstance(value_range, (tuple, list)) else str(value_range)


def _as_they_are(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return values
