"""A TIFF of any size, read tile by tile (or strip by strip) through tifffile, with the last ones in memory."""

import collections
import contextlib
import itertools
import math
import re
import struct
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, MissingPackageError, UnreadableImageError
from convscope.core.extras import optional
from convscope.core.text import counted, printable
from convscope.images.decoding.decoder_messages import TIFF_STARTS
from convscope.images.decoding.tiff import turn
from convscope.images.decoding.tiff_tags import FLIPPED_COLUMNS, FLIPPED_ROWS, ON_ITS_SIDE, ORIENTATION

from .channels import check_shape
from .pixel_size import said_size

LARGEST_CACHE = 64 << 20  # bytes of decoded tiles
LARGEST_SEGMENT = 1 << 30  # bytes of one tile or strip
CARRIED = (282, 283, 296, 33550, 33922, 34264, 34735, 34736, 34737)
"""Tags that say how large a pixel is and where it lies: resolution and GeoTIFF."""
_RESOLUTION = {282: 283, 283: 282, 296: 296}  # by the tag of the other axis
_BLACK_IS_0, _RGB, _YCBCR = 1, 2, 6
_COLORS = (_BLACK_IS_0, _RGB, _YCBCR)  # that a tile is decoded to as it is
_KEEPS_YCBCR = (1, 5, 8, 32773, 32946, 50000)  # compressions of bytes, unlike JPEG, which gives RGB
_SEPARATE = 2  # planes of channels
_UNSAID, _MULTIPLIED = 0, 1  # what an extra channel is: not said; opacity that the colors are multiplied by
_PLANES = {
    "depth": r'\bSizeZ="([0-9]{1,9})"|^slices=([0-9]{1,9})$',
    "time": r'\bSizeT="([0-9]{1,9})"|^frames=([0-9]{1,9})$',
    "channel": r'\bSizeC="([0-9]{1,9})"|^channels=([0-9]{1,9})$',
}
"""What OME and ImageJ say of the images in a file."""
_MOST_PAGES = 1_000  # that are looked at, to tell images from the levels of a pyramid


class TiffReader:
    """The first image of a TIFF, at its full resolution, turned as its orientation says.

    Args:
        path: of the file.

    Attributes:
        held_bytes: that whoever wrote the file for the scan keeps.
        note: the other images in the file, which are left out; empty if there is none.

    Raises:
        DataError: it is damaged, or a TIFF that cannot be read in parts.
        UnreadableImageError: it is no TIFF, its colors are those of a palette, of print, … or have fewer than 8 bits.
        MissingPackageError: tifffile, or imagecodecs for its compression, is not installed.
    """

    held_bytes = 0

    def __init__(self, path: Path) -> None:
        tifffile = optional("tifffile", needed_for="Large TIFFs", extra="large")
        self.name = printable(str(path))
        self.tags: dict[int, Any] = {}
        damaged = f"{self.name} cannot be scanned: the directory of the TIFF is damaged or cut off."
        try:
            with path.open("rb") as stream:
                if not stream.read(4).startswith(TIFF_STARTS):
                    raise UnreadableImageError("it is no TIFF")
            self._file = tifffile.TiffFile(path)
        except FileNotFoundError:
            raise DataError(f"{self.name} cannot be scanned: the file is not there.") from None
        except PermissionError:
            raise DataError(f"{self.name} cannot be scanned: there is no permission to read it.") from None
        except (tifffile.TiffFileError, OSError, ValueError, IndexError, TypeError, KeyError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(damaged) from error
        try:
            self._page = self._file.pages[0]
            self._check()
            self.note = self._left_out()
        except (IndexError, ValueError, TypeError, KeyError, struct.error) as error:
            self._file.close()
            if isinstance(error, DataError):
                raise
            raise DataError(damaged) from error
        self._cache: collections.OrderedDict[int, NDArray[Any]] = collections.OrderedDict()
        self._cached = 0

    def _check(self) -> None:
        page = self._page
        channels = page.samplesperpixel
        if channels == 4 and page.photometric == _RGB and _UNSAID in page.extrasamples:
            channels = 3  # the fourth is no opacity; near infrared, for example
        shape = check_shape((page.imagelength, page.imagewidth, channels), self.name)
        is_raw = page.photometric == _YCBCR and page.compression in _KEEPS_YCBCR
        is_multiplied = _MULTIPLIED in page.extrasamples
        if page.photometric not in _COLORS or page.bitspersample < 8 or is_raw or is_multiplied:
            raise UnreadableImageError("its colors are a palette, for print, or of another kind that parts do not show")
        self._segment = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
        rows = min(self._segment[0], page.imagelength)
        if page.dtype is None or rows * self._segment[1] * channels * page.dtype.itemsize > LARGEST_SEGMENT:
            raise DataError(f"{self.name} cannot be scanned: it is one strip. Write it with tiles.")
        self._segment = rows, self._segment[1]
        self.tags = {tag.code: tag.value for tag in page.tags if tag.code in CARRIED}
        self.pixel_um = said_size(str(page.description), self.tags)
        self.shape, self._orientation = shape, page.tags.valueof(ORIENTATION, 1)
        if self._orientation in range(
            2, 9
        ):  # resolution is carried on, but a georeference is that of the file as it lies
            self.tags = {code: value for code, value in self.tags.items() if code in _RESOLUTION}
        if self._orientation in ON_ITS_SIDE:
            self.shape = shape[1], shape[0], channels
            self.tags = {_RESOLUTION.get(code, code): value for code, value in self.tags.items()}
            self.pixel_um = self.pixel_um and self.pixel_um[::-1]

    def _left_out(self) -> str:
        """Return which images of the file are left out, empty if there is one only."""
        planes = {}
        for name, pattern in _PLANES.items():
            found = re.search(pattern, str(self._page.description), re.MULTILINE)
            planes[name] = 1 if found is None else int(found[1] or found[2])
        planes["channel"] //= self._page.samplesperpixel  # of OME, which counts colors
        if math.prod(max(1, count) for count in planes.values()) > 1:
            words = ", ".join(counted(count, name) for name, count in planes.items() if count > 1)
            return f"{self.name} has {words}: the first of each is scanned"
        pages = len(self._file.pages)
        with contextlib.suppress(IndexError, ValueError, TypeError, KeyError, struct.error):  # damage is not on page 1
            if 1 < pages <= _MOST_PAGES:
                pages -= sum(map(self._is_smaller, itertools.islice(self._file.pages, 1, None)))
        return f"{self.name} has {pages:,} pages: page 1 is scanned" if pages > 1 else ""

    def _is_smaller(self, page: Any) -> bool:
        """Return whether a page is the first one once more, but smaller, as in a pyramid, or a preview."""
        down, across = (
            getattr(self._page, side) / max(1, getattr(page, side)) for side in ("imagelength", "imagewidth")
        )
        return bool(page.is_reduced) or (down > 1.5 and abs(down / across - 1) < 0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle.

        Raises:
            DataError: a tile of the file is damaged or cut off.
        """
        if self._orientation in FLIPPED_ROWS:
            row = self.shape[0] - row - rows
        if self._orientation in FLIPPED_COLUMNS:
            column = self.shape[1] - column - columns
        if self._orientation in ON_ITS_SIDE:
            row, column, rows, columns = column, row, columns, rows
        return turn(self._as_it_lies(row, column, rows, columns), self._orientation)

    def _as_it_lies(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]:
        """Return the pixels of a rectangle of the file, before it is turned."""
        result = np.zeros((rows, columns, self.shape[2]), self._page.dtype)
        tall, wide = self._segment
        down = range(row // tall, (row + rows - 1) // tall + 1)
        across = range(column // wide, (column + columns - 1) // wide + 1)
        for line, place in itertools.product(down, across):
            pixels = self._tile(line * -(-self._page.imagewidth // wide) + place)
            top, left = line * tall, place * wide
            first, last = max(row, top), min(row + rows, top + pixels.shape[0])
            near, far = max(column, left), min(column + columns, left + pixels.shape[1])
            if last > first and far > near:
                part = pixels[first - top : last - top, near - left : far - left]
                result[first - row : last - row, near - column : far - column] = part
        return result

    def _tile(self, index: int) -> NDArray[Any]:
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        pixels = self._decoded(index)
        self._cache[index] = pixels
        self._cached += pixels.nbytes
        while self._cached > LARGEST_CACHE and len(self._cache) > 1:
            self._cached -= self._cache.popitem(last=False)[1].nbytes
        return pixels

    def _decoded(self, index: int) -> NDArray[Any]:
        """Return a tile with all channels, which may lie in separate planes."""
        if self._page.planarconfig != _SEPARATE:
            return self._plane(index)[..., : self.shape[2]]
        count = len(self._page.dataoffsets) // self._page.samplesperpixel
        return np.concatenate([self._plane(plane * count + index) for plane in range(self.shape[2])], axis=-1)

    def _plane(self, index: int) -> NDArray[Any]:
        page, handle = self._page, self._file.filehandle
        try:
            offset, count = page.dataoffsets[index], page.databytecounts[index]
            if count == 0:
                samples = 1 if page.planarconfig == _SEPARATE else page.samplesperpixel
                return np.zeros((*self._segment, samples), page.dtype)  # a hole, as sparse files have
            if count > 2 * LARGEST_SEGMENT:
                raise ValueError("too large")
            handle.seek(offset)
            data = handle.read(count)
            if len(data) < count:
                raise ValueError("cut off")
            decoded, _, _ = page.decode(data, index, jpegtables=page.jpegtables)
            pixels: NDArray[Any] = np.asarray(decoded)[0]
            return pixels
        except ImportError as error:
            raise MissingPackageError(
                f"The compression of {self.name} needs the package imagecodecs, which is not installed. "
                "Install it with: pip install 'convscope[large]'"
            ) from error
        except Exception as error:  # whatever a decoder raises on damaged bytes
            if "imagecodecs" in str(error):
                raise MissingPackageError(
                    f"The compression of {self.name} needs the package imagecodecs, which is not installed. "
                    "Install it with: pip install 'convscope[large]'"
                ) from error
            raise DataError(f"Tile {index + 1:,} of {self.name} cannot be read: it is damaged or cut off.") from error
