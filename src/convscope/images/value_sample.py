"""A sample of the values of a dataset, from which its value range is chosen."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .values import BITS, BYTES, UNIT, UNITS, NumberKind, ValueRange, kind_of

_TAIL = 0.001  # of the values at either end, which may be hot pixels, metal, or specks
_FILLED = 0.25  # of a usual range: with less of it in use, more than two of the eight bits would be lost


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ValueSample:
    """Random values of images of one kind of number.

    kind: of number. drawn: float64, the random values. low, high: minimum and maximum of the images. usual: range
    declared by the files; None if they declare none, or different ones.
    """

    kind: NumberKind
    drawn: NDArray[np.float64]
    low: float
    high: float
    usual: ValueRange | None = None

    @staticmethod
    def of(values: NDArray[Any], usual: ValueRange | None = None, *, count: int = 4096) -> "ValueSample":
        """Return at most `count` random values of an image, the same ones every time."""
        if values.size <= count:
            drawn = values.reshape(-1)
        else:  # by coordinates: flattening some channels would copy them
            drawn = values[np.unravel_index(np.random.default_rng(0).integers(0, values.size, count), values.shape)]
        return ValueSample(
            kind=kind_of(values.dtype),
            drawn=drawn.astype(np.float64),
            low=float(values.min()),
            high=float(values.max()),
            usual=usual,
        )

    @staticmethod
    def joined(images: Iterable["ValueSample"]) -> "ValueSample":
        """Return the sample of several images of one kind of number."""
        samples = list(images)
        usual = {sample.usual for sample in samples}
        return ValueSample(
            kind=samples[0].kind,
            drawn=np.concatenate([sample.drawn for sample in samples]),
            low=min(sample.low for sample in samples),
            high=max(sample.high for sample in samples),
            usual=usual.pop() if len(usual) == 1 else None,
        )

    def range(self) -> ValueRange:
        """Return the range for all images of the dataset.

        Values within 0…1 are black to white; other whole numbers from 0 to 255 are gray levels already. Otherwise the
        smallest usual range that holds the values (but for a thousandth at either end) is chosen if they fill a
        quarter of it: 0…1023, 0…4095, … for integers; 0…1, 0…255, 0…65535 for floats. Values that fit none of these,
        such as negative ones, range from minimum to maximum; outliers are cut off if they would take more than half of
        the range.

        Examples:
            >>> str(ValueSample.of(np.array([0, 4000], np.uint16)).range())
            '0…4095'
            >>> str(ValueSample.of(np.array([0, 0.97])).range())
            '0…1'
            >>> str(ValueSample.of(np.array([-1000, 40], np.int16)).range())
            '-1000…40'
        """
        ends = np.quantile(self.drawn / 2, (_TAIL, 1 - _TAIL))  # halves, as above
        low, high = 2 * float(ends[0]), 2 * float(ends[1])
        is_float = self.kind == "float"
        if self.low >= 0 and self.high <= 1 and high - low >= _FILLED:
            return UNIT
        if self.low >= 0 and self.high <= 255 and (not is_float or (self.high > 1 and _is_integral(self.drawn))):
            return BYTES
        top = self.high if self.high <= 4 * high else high
        if is_float:
            usual = next((unit for unit in UNITS if high <= unit), 0.0)
        else:
            declared = () if self.usual is None else (self.usual.high,)
            usual = next((most for most in (*declared, *(2.0**bits - 1 for bits in BITS)) if top <= most), 0.0)
        if low >= 0 and high - low >= _FILLED * usual > 0:
            return ValueRange(low=0.0, high=usual)
        spread = high / 2 - low / 2
        if spread > 0 and self.high / 2 - self.low / 2 > 2 * spread:
            return ValueRange(low=low, high=high)
        return ValueRange(low=self.low, high=self.high)


def _is_integral(values: NDArray[Any]) -> bool:
    return bool((values == np.rint(values)).all())
