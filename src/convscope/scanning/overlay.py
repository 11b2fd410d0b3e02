"""The image with its classes in color, small enough to look at."""

import colorsys
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.atomic import write_bytes
from convscope.core.errors import ParameterError

from .grid import Box, Grid

LARGEST_SIDE = 2_048
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_READ = 1_024  # pixels a side of the scanned image that are read at once
_STRONGEST = 0.65  # how much color a probability of 1 puts over the image


def class_colors(count: int) -> NDArray[np.uint8]:
    """Return a color per class: hues around the circle, neighbors far apart.

    Examples:
        >>> class_colors(3).tolist()
        [[242, 48, 48], [48, 105, 242], [162, 242, 48]]
    """
    hues = [(index * 0.6180339887) % 1 for index in range(count)]
    return np.array([[round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 0.95)] for hue in hues], np.uint8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlay:
    """A scanned image with each position in the color of its class, reduced by a whole number.

    Attributes:
        region: gives pixels of a rectangle of the scanned image, H W C.
        read: gives the probabilities of some positions, rows × columns × classes.
        grid: positions.
        wanted: numbers of the classes that are colored.
        largest: pixels of its longer side at most.
    """

    region: Callable[[Box], NDArray[np.uint8]]
    read: Callable[[Box], NDArray[np.float32]]
    grid: Grid
    wanted: list[int]
    largest: int

    @property
    def step(self) -> int:
        """Pixels of the scanned image for each."""
        return -(-max(self.grid.image) // self.largest)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return -(-self.grid.image[0] // self.step), -(-self.grid.image[1] // self.step)

    def pixels(self, box: Box) -> NDArray[np.uint8]:
        """Return a rectangle of it, rows × columns × 3; the scanned image is read in parts."""
        result = np.empty((box.rows, box.columns, 3), np.uint8)
        side = max(1, _READ // self.step)
        for row in range(0, box.rows, side):
            for column in range(0, box.columns, side):
                part = Box(
                    row=box.row + row,
                    column=box.column + column,
                    rows=min(side, box.rows - row),
                    columns=min(side, box.columns - column),
                )
                result[row : row + side, column : column + side] = self._part(part)
        return result

    def _part(self, box: Box) -> NDArray[np.uint8]:
        step, grid = self.step, self.grid
        extent = [(count - 1) * step + 1 for count in (box.rows, box.columns)]
        own = self.region(Box(row=box.row * step, column=box.column * step, rows=extent[0], columns=extent[1]))
        shown = np.empty((box.rows, box.columns, 3), np.float32)
        shown[:] = own[::step, ::step, : 3 if own.shape[2] >= 3 else 1]
        lines, places = (
            _nearest((first + np.arange(count)) * step, window, grid.stride, positions)
            for first, count, window, positions in zip(
                (box.row, box.column), (box.rows, box.columns), grid.window, grid.shape, strict=True
            )
        )
        down, across = np.flatnonzero(lines >= 0), np.flatnonzero(places >= 0)
        if len(down) and len(across):
            top, left = lines[down[0]], places[across[0]]
            wide = Box(row=top, column=left, rows=lines[down[-1]] - top + 1, columns=places[across[-1]] - left + 1)
            values = self.read(wide)[np.ix_(lines[down] - top, places[across] - left, self.wanted)]
            best = values.argmax(axis=-1)
            strength = _STRONGEST * np.take_along_axis(values, best[..., None], axis=-1)
            colors = class_colors(max(self.wanted) + 1)[self.wanted].astype(np.float32)
            inside = np.ix_(down, across)
            shown[inside] = (1 - strength) * shown[inside] + strength * colors[best]
        return np.rint(shown).astype(np.uint8)


def check_overlay(path: Path) -> None:
    """Refuse an ending that no overlay has.

    Raises:
        ParameterError: it is not one of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise ParameterError(f"`overlay` must name a {', '.join(FORMATS)} file. Got {path.name[-40:]!r}.")


def write_overlay(path: Path, overlay: Overlay) -> None:
    """Write an overlay in the format of its ending."""
    rows, columns = overlay.shape
    pixels = overlay.pixels(Box(row=0, column=0, rows=rows, columns=columns))
    write_bytes(path, encoded(pixels, FORMATS[path.suffix.lower()]))


def encoded(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Return an image H W C as a file: ``PNG``, or ``JPEG``."""
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(stream, kind)
    return stream.getvalue()


def _nearest(pixels: NDArray[np.int64], window: int, stride: int, positions: int) -> NDArray[np.int64]:
    """Return the positions whose centers are nearest to some pixels; −1 where none is within its stride."""
    exact = (pixels - (window - 1) / 2) / stride
    nearest = np.rint(exact).astype(np.int64)
    return np.where((exact >= -0.5) & (exact <= positions - 0.5) & (nearest < positions), nearest, -1)
