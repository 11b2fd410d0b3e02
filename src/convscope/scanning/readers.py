"""Images of any size behind one protocol: a shape, and any rectangle of pixels."""

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import ConvscopeError, DataError
from convscope.core.text import printable

from .channels import check_shape

_BLOCK, _BLOCKS = 256, 64  # pixels a side, and how many are kept


@runtime_checkable
class Reader(Protocol):
    """An image of any size.

    Attributes:
        shape: rows, columns and channels: 1 gray, 3 RGB, 4 RGBA.
        name: for the user.
        tags: TIFF tags of resolution and georeference, by number: what the result carries on.

    One that knows rows and columns of a pixel in micrometers has them as `pixel_um`; one that leaves out images of its
    file says so in a sentence, `note`.
    """

    shape: tuple[int, int, int]
    name: str
    tags: dict[int, Any]

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle within the image, rows × columns × channels."""


@contextlib.contextmanager
def reading(name: str, row: int, column: int) -> Iterator[None]:
    """Turn what a library raises while it reads a part of an image into one sentence.

    Raises:
        DataError: the block raised another exception.
    """
    try:
        yield
    except (ConvscopeError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"{printable(name)} cannot be read at x {column:,}, y {row:,}: that part is damaged or missing."
        ) from error


class ArrayReader:
    """An array H W or H W C, or anything that is sliced like one, such as a Zarr array.

    Attributes:
        held_bytes: of an array that is there for the scan only.
        note: what of a file is left out.
    """

    held_bytes = 0
    note = ""

    def __init__(self, array: Any, name: str = "array") -> None:
        self.array, self.name = array, name
        self.tags: dict[int, Any] = {}
        shape = tuple(array.shape)
        if len(shape) == 2:
            shape = (*shape, 1)
        self.shape = check_shape(shape, name)

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle."""
        with reading(self.name, row, column):
            found = np.asarray(self.array[row : row + rows, column : column + columns])
        return found[..., None] if found.ndim == 2 else found


class ScaledReader:
    """An image resampled by a factor, in blocks: the pixels do not depend on the rectangle in which they are read."""

    def __init__(self, reader: Reader, factor: float) -> None:
        self.reader, self.name, self.tags = reader, reader.name, reader.tags
        rows, columns, channels = reader.shape
        self.shape = max(1, round(rows * factor)), max(1, round(columns * factor)), channels
        self._block = functools.lru_cache(maxsize=_BLOCKS)(self._resampled)

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle of the resampled image, antialiased (triangle filter)."""
        result = np.empty((rows, columns, self.shape[2]), np.uint8)
        for top in range(row // _BLOCK * _BLOCK, row + rows, _BLOCK):
            for left in range(column // _BLOCK * _BLOCK, column + columns, _BLOCK):
                block = self._block(top, left)
                first, last = max(row, top), min(row + rows, top + block.shape[0])
                near, far = max(column, left), min(column + columns, left + block.shape[1])
                part = block[first - top : last - top, near - left : far - left]
                result[first - row : last - row, near - column : far - column] = part
        return result

    def _resampled(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return the block that begins at a pixel of the resampled image."""
        sides = []
        for first, own, whole in zip((row, column), self.shape[:2], self.reader.shape[:2], strict=True):
            step, count = whole / own, min(_BLOCK, own - first)
            reach = math.ceil(max(1.0, step)) + 1
            start = max(0, math.floor(first * step) - reach)
            end = min(whole, math.ceil((first + count) * step) + reach)
            sides.append((start, end, first * step - start, min((first + count) * step, whole) - start, count))
        (top, bottom, low, high, rows), (left, right, near, far, columns) = sides
        pixels = self.reader.read(top, left, bottom - top, right - left)
        if pixels.dtype != np.uint8:
            raise DataError(f"An image must have 8 bits to be scaled. Got {pixels.dtype}. Scale it before.")
        bands = [
            Image.fromarray(np.ascontiguousarray(pixels[..., band])).resize(
                (columns, rows), Image.Resampling.BILINEAR, box=(near, low, far, high)
            )
            for band in range(pixels.shape[2])
        ]
        return np.stack([np.asarray(band) for band in bands], axis=-1)


class PaddedReader:
    """An image in a frame of one color.

    Args:
        reader: of the image.
        margin: rows above and columns to the left.
        more: rows and columns of the frame in all.
        color: of the frame.
    """

    def __init__(self, reader: Reader, margin: tuple[int, int], more: tuple[int, int], color: tuple[int, ...]) -> None:
        self.reader, self.name, self.tags, self.margin = reader, reader.name, reader.tags, margin
        rows, columns, channels = reader.shape
        self.shape = rows + more[0], columns + more[1], channels
        wide = color * 3 if channels >= 3 and len(color) == 1 else color
        gray = wide[:1] if channels == 1 else wide
        self.color = np.array([*gray, 255][:channels] if channels == 4 else gray[:channels])

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle, with the frame where it reaches beyond the image."""
        top, left = row - self.margin[0], column - self.margin[1]
        first, last = max(0, top), min(self.reader.shape[0], top + rows)
        near, far = max(0, left), min(self.reader.shape[1], left + columns)
        inside = self.reader.read(first, near, max(1, last - first), max(1, far - near))
        result = np.empty((rows, columns, self.shape[2]), inside.dtype)
        result[:] = self.color
        if last > first and far > near:
            result[first - top : last - top, near - left : far - left] = inside
        return result
