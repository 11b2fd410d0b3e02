"""How the numbers in an image become gray levels: one range of values for a whole dataset, never one for each image."""

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
"""What `parse_value_range` takes for a range of its own for every image."""

BITS = (8, 10, 12, 14, 16, 24, 32)
UNITS = (1.0, 255.0, 65535.0)
_BLOCK = 1 << 20  # values converted at a time, so that the copies in float64 stay small


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueRange:
    """The values that become the gray levels 0 and 255; those between are rounded, those outside become 0 or 255.

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
        half = self.high / 2 - midpoint  # halves: the difference of two floats may be too large for a float
        if half <= 0:
            return np.zeros(values.shape, np.uint8)
        clipped = np.clip(values.astype(np.float64), self.low, self.high)
        return np.rint((clipped / 2 - midpoint) / half * 255).astype(np.uint8)


BYTES = ValueRange(low=0.0, high=255.0)
UNIT = ValueRange(low=0.0, high=1.0)


@functools.lru_cache(maxsize=8)
def _table(span: ValueRange, kind: str) -> NDArray[np.uint8]:
    """Return the gray level of each value of an integer type of at most 16 bits, by its bits as an unsigned number."""
    dtype = np.dtype(kind)
    integers = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}")
    return span._levels(integers.view(dtype))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueRanges:
    """The ranges of a dataset, one for each kind of number; None leaves a kind to the convention of its type.

    byte: of uint8. integer: of all other integers. float: of floats. each: every image is stretched from its own least
    to its own greatest value instead.
    """

    byte: ValueRange | None = None
    integer: ValueRange | None = None
    float: ValueRange | None = None
    each: bool = False

    @staticmethod
    def by_kind(spans: Mapping[NumberKind, ValueRange]) -> "ValueRanges":
        """Return these ranges; kinds that are not among them are left to convention."""
        return ValueRanges(byte=spans.get("byte"), integer=spans.get("integer"), float=spans.get("float"))

    def of(self, values: NDArray[Any], usual: ValueRange | None = None) -> ValueRange | None:
        """Return the range for the values of one image, or of an array of images; None where nothing says one.

        Args:
            values: finite numbers of any shape.
            usual: what the file, or the array that the image is from, says; it holds where the dataset says nothing.
        """
        if self.each:
            return ValueRange(low=float(values.min()), high=float(values.max()))
        known: ValueRange | None = getattr(self, kind_of(values.dtype))
        return known or usual or convention(values)

    def converter(
        self, values: NDArray[Any], usual: ValueRange | None = None
    ) -> Callable[[NDArray[Any]], NDArray[np.uint8]] | None:
        """Return what makes gray levels of `values`, … H W C, or of any rows of them; None where no range is known.

        A fourth channel is opacity, which has a scale of its own.
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
        """Return finite numbers … H W C as uint8, None where no range is known; a fourth channel is opacity."""
        if self.each and values.ndim == 4:
            return np.stack([levels for image in values if (levels := self.gray_levels(image)) is not None])
        convert = self.converter(values, usual)
        return None if convert is None else convert(values)


def kind_of(dtype: np.dtype[Any]) -> NumberKind:
    """Return the kind of number that a type of NumPy is.

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
    """Return the value that lets nothing shine through: the greatest of so many bits where one pixel has it.

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
    """Return the range of whole numbers of so many bits."""
    return ValueRange(low=0.0, high=float(2**bits - 1))


def convention(values: NDArray[Any], *, together: bool = False) -> ValueRange | None:
    """Return the range that values have by their type alone, where no dataset says one; None where it says none.

    uint8, uint16 and int8 have all of theirs. Other integers are bytes where they fit. Floats are 0…1 (up to 1.5, as
    filters overshoot) or 0…255. `together`, for the values of many images, other integers may have 16 bits, too; of one
    image that would be a guess by how bright it is.

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
    """Return the ranges that the text ``"LOW,HIGH"`` or two numbers ask for, the same for all kinds of numbers.

    ``"each"`` stretches every image from its own least to its own greatest value.

    Raises:
        ParameterError: it is none of these.

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
    """Return a range as the command line has it.

    Examples:
        >>> value_range_as_text((0, 4095)), value_range_as_text("0,1")
        ('0,4095', '0,1')
    """
    return ",".join(map(str, value_range)) if isinstance(value_range, (tuple, list)) else str(value_range)


def _as_they_are(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return values
