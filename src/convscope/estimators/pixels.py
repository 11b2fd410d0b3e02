"""Arrays of any numbers as pixels: what 0 and 255 stand for is settled once, by the training images."""

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.numeric import is_integer
from convscope.core.text import counted
from convscope.images.value_sample import ValueSample
from convscope.images.values import BYTES, UNIT, ValueRange

_ROWS = 1_000
_DRAWN = 1 << 20  # values by which the range is chosen


def range_of(rows: NDArray[Any]) -> ValueRange:
    """Return the range for training images, finite numbers N × values (at least one), as for any other dataset.

    Examples:
        >>> str(range_of(np.array([[0.0, 16.0]]))), str(range_of(np.array([[0.1, 0.9]])))
        ('0…255', '0…1')
        >>> str(range_of(np.array([[-1.5, 0.5]])))
        '-1.5…0.5'
    """
    if rows.dtype.kind == "b":
        return UNIT
    return BYTES if rows.dtype == np.uint8 else ValueSample.of(rows, count=_DRAWN).range()


def pixels(rows: NDArray[Any], span: ValueRange) -> NDArray[np.uint8]:
    """Return finite numbers N × values as uint8 of the same shape by the range of the training images.

    Raises:
        DataError: the range was settled by values from 0 to 1, and here are whole numbers above.
    """
    if rows.dtype != np.uint8 or span != BYTES:
        _compare(rows, span)
    return span.gray_levels(rows)


def _compare(rows: NDArray[Any], span: ValueRange) -> None:
    """Raise an error, or warn, if images are plainly in another unit than the training images."""
    whole = rows.dtype.kind in "iu"
    if span == UNIT and whole and rows.max(initial=0) > 1:
        raise DataError(
            f"`X` must have values from 0 to 1, as in fit. Got {rows.dtype} up to {rows.max()}. Divide it by 255."
        )
    fractions = span == BYTES and rows.dtype.kind == "f" and 0 < rows.max(initial=0) <= 1 and rows.min() >= 0
    if fractions and not _whole(rows):
        warnings.warn("X has values from 0 to 1 only, where fit had pixels from 0 to 255.", UserWarning, stacklevel=4)


class _KindError(DataError, TypeError):
    """What scikit-learn refuses with a TypeError."""


@contextlib.contextmanager
def checked_by_sklearn() -> Iterator[None]:
    """Turn the errors of scikit-learn's own checks in the block into a DataError with their text, on one line.

    Raises:
        DataError: they refuse it.
    """
    try:
        yield
    except DataError:
        raise
    except TypeError as error:
        raise _KindError(" ".join(str(error).split())) from error
    except ValueError as error:
        raise DataError(" ".join(str(error).split())) from error


def as_rows(images: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Return images N H W (C) as rows N × (H·W·C), and (H, W, C); anything else unchanged, and None.

    Raises:
        DataError: the images are of different shapes, or there are more than four axes.
    """
    if isinstance(images, (list, tuple)):
        try:
            images = np.asarray(images)
        except ValueError as error:
            raise DataError("`X` must hold images of one shape. Got a list of different ones. Resize them.") from error
    if getattr(images, "ndim", 2) <= 2:
        return images, None
    array = np.asarray(images)
    if array.ndim > 4:
        raise DataError(f"`X` must have the shape N H W, N H W C or N × values. Got {array.shape}. Reshape it.")
    height, width, channels = (*array.shape[1:], 1)[:3]
    return array.reshape(len(array), height * width * channels), (height, width, channels)  # N H W C -> N, H*W*C


def image_shape(features: int, given: tuple[int, int, int] | None, asked: Any) -> tuple[int, int, int]:
    """Return (H, W, C) of rows of `features` values, which were images of the shape `given` or None.

    `asked` is what the user says: (H, W), (H, W, C) or None. Rows of which nothing is known are one pixel high.

    Raises:
        DataError: the shapes do not agree, or there are not 1 or 3 channels.

    Examples:
        >>> image_shape(64, None, (8, 8)), image_shape(5, None, None)
        ((8, 8, 1), (1, 5, 1))
    """
    shape = given or (1, features, 1)
    if asked is not None:
        sizes = tuple(asked) if isinstance(asked, (tuple, list)) else ()
        if len(sizes) not in (2, 3) or not all(is_integer(size) and size > 0 for size in sizes):
            raise DataError(f"`image_shape` must be (height, width) or (height, width, channels). Got {asked!r}.")
        height, width, channels = (*(int(size) for size in sizes), 1)[:3]
        shape = (height, width, channels)
        if (given or shape) != shape or math.prod(shape) != features:
            got = f"images of {given}" if given else f"rows of {counted(features, 'value')}"
            raise DataError(f"`image_shape` must be the shape of the images in `X`. Got {shape} for {got}.")
    if shape[2] not in (1, 3):
        first = given is not None and given[0] in (1, 3)
        advice = "The channels come last: np.moveaxis(X, 1, -1)." if first else "Leave out the others."
        raise DataError(f"`X` must have images of 1 or 3 channels. Got {shape[2]} in {shape}. {advice}")
    return shape


def _whole(rows: NDArray[Any]) -> bool:
    parts = (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
    return all(bool((part == np.rint(part)).all()) for part in parts)
