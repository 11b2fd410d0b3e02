"""From every Pillow mode to values H W C: C is 1 for gray, 3 for colour, 4 (RGBA) where something shines through."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import UnreadableImageError

WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes whose values go beyond 0…255."""


def to_values(image: Image.Image) -> NDArray[Any]:
    """Return the values of the loaded image as they stand in the file: H W C, C = 1, 3, or 4 where it is not opaque.

    Gray in any mode stays one channel (a palette of grays too). uint8 for the modes of 8 bits; integers and floats of
    16 and 32 bits for the others. Colour profiles are not applied.

    Raises:
        UnreadableImageError: the mode has no known way to RGB, or the values are not numbers.
    """
    mode = image.mode
    if mode in WIDE:
        values = np.asarray(image)
        return finite(values.astype(values.dtype.newbyteorder("="), copy=False))[:, :, None]
    if mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        pixels = _rgba(image)
        if pixels[:, :, 3].min() < 255:
            return pixels
        opaque = np.ascontiguousarray(pixels[:, :, :3])
        return opaque if mode.startswith("RGB") else _drop_colour(opaque)
    if mode == "1":
        return np.asarray(image.convert("L"))[:, :, None]
    if mode in ("L", "RGB"):
        pixels = np.asarray(image)
        return pixels if pixels.ndim == 3 else pixels[:, :, None]
    try:
        pixels = np.asarray(image.convert("RGB"))
    except ValueError:
        raise UnreadableImageError(f"its colour mode {mode} cannot be turned into RGB") from None
    return _drop_colour(pixels) if mode == "P" else pixels


def finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values`, H W …, or refuse NaN and infinity.

    Raises:
        UnreadableImageError: a value is not a finite number.
    """
    if values.dtype.kind == "f" and not all(np.isfinite(row).all() for row in values):  # row by row: little memory
        raise UnreadableImageError("it holds values that are not finite numbers (NaN or infinity)")
    return values


def _rgba(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "RGBa":
        return np.asarray(image.convert("RGBA"))
    if image.mode == "La":
        return np.asarray(image.convert("LA").convert("RGBA"))
    return np.asarray(image if image.mode == "RGBA" else image.convert("RGBA"))


def _drop_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel when the three are equal everywhere, else `pixels`."""
    first = pixels[:, :, 0]
    if np.array_equal(first, pixels[:, :, 1]) and np.array_equal(first, pixels[:, :, 2]):
        return np.ascontiguousarray(first)[:, :, None]
    return pixels
