"""The image with its classes in colour, small enough to look at."""

import colorsys
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.atomic import write_bytes

from .grid import Box, Grid

LARGEST_SIDE = 2_048
_STRONGEST = 0.65  # how much colour a probability of 1 puts over the image


def class_colors(count: int) -> NDArray[np.uint8]:
    """Return a colour a class: hues around the circle, neighbours far apart.

    Examples:
        >>> class_colors(3).tolist()
        [[242, 48, 48], [48, 105, 242], [162, 242, 48]]
    """
    hues = [(index * 0.6180339887) % 1 for index in range(count)]
    return np.array([[round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, 0.95)] for hue in hues], np.uint8)


def write_overlay(
    path: Path,
    region: Callable[[Box], NDArray[np.uint8]],
    read: Callable[[Box], NDArray[np.float32]],
    grid: Grid,
    wanted: list[int],
) -> None:
    """Write the scanned image, reduced to at most 2,048 pixels a side, each position in the colour of its class.

    Args:
        path: of the PNG.
        region: gives pixels of a rectangle of the scanned image, H W C.
        read: gives the probabilities of some positions, rows × columns × classes.
        grid: positions.
        wanted: numbers of the classes that are coloured.
    """
    step = -(-max(grid.image) // LARGEST_SIDE)
    shape = -(-grid.image[0] // step), -(-grid.image[1] // step)
    shown = np.empty((*shape, 3), np.float32)
    colors = class_colors(max(wanted) + 1)[wanted].astype(np.float32)
    lines = max(1, 512 // step) * step
    for row in range(0, grid.image[0], lines):
        rows = min(lines, grid.image[0] - row)
        pixels = region(Box(row=row, column=0, rows=rows, columns=grid.image[1]))[::step, ::step].astype(np.float32)
        gray_or_color = pixels[..., : 3 if pixels.shape[2] >= 3 else 1]
        shown[row // step : row // step + len(pixels)] = gray_or_color
    for index in range(shape[0]):
        line = _nearest(index * step, grid.window[0], grid.stride, grid.shape[0])
        if line is None:
            continue
        values = read(Box(row=line, column=0, rows=1, columns=grid.shape[1]))[0][:, wanted]
        places = [_nearest(at * step, grid.window[1], grid.stride, grid.shape[1]) for at in range(shape[1])]
        there = np.array([place is not None for place in places])
        chosen = values[[place for place in places if place is not None]]
        best = chosen.argmax(axis=1)
        strength = _STRONGEST * np.take_along_axis(chosen, best[:, None], axis=1)
        shown[index, there] = (1 - strength) * shown[index, there] + strength * colors[best]
    stream = io.BytesIO()
    Image.fromarray(np.rint(shown).astype(np.uint8)).save(stream, "PNG")
    write_bytes(path, stream.getvalue())


def _nearest(pixel: int, window: int, stride: int, positions: int) -> int | None:
    """Return the position whose center is nearest to a pixel, if it is within its stride."""
    exact = (pixel - (window - 1) / 2) / stride
    return round(exact) if -0.5 <= exact <= positions - 0.5 and round(exact) < positions else None
