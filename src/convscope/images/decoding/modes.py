"""From every Pillow mode to uint8 H W C: C is 1 for gray, 3 for colour, 4 (RGBA) where something shines through."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import UnreadableImageError

WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes whose values go beyond 0…255."""


def to_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the loaded picture as uint8 H W C, C = 1, 3, or 4 where some pixel is not opaque.

    Gray in any mode stays one channel (a palette of grays too). Values of 16 bits are scaled from 0…65535 to 0…255;
    32-bit integers and floats as `scale_wide` says. Colour profiles are not applied.

    Raises:
        UnreadableImageError: the mode has no known way to RGB, or the values are not numbers.
    """
    mode = image.mode
    if mode in WIDE:
        return scale_wide(np.asarray(image), bits=32 if mode in ("I", "F") else 16)[:, :, None]
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


def scale_wide(values: NDArray[np.generic], *, bits: int) -> NDArray[np.uint8]:
    """Return values of 16 or 32 bits scaled to 0…255.

    16 bits: 65535 becomes 255, nothing is clipped. 32 bits: integers within 0…255 stay what they are, others within
    0…65535 count as 16 bits; floats within 0…1 are multiplied by 255, floats within 0…255 are rounded; everything else
    is stretched from its own minimum and maximum to 0…255.

    Raises:
        UnreadableImageError: a value is not a finite number.

    Examples:
        >>> scale_wide(np.array([[0, 257, 65535]], np.uint16), bits=16)
        array([[  0,   1, 255]], dtype=uint8)
        >>> scale_wide(np.array([[0.0, 0.2, 1.0]], np.float32), bits=32)
        array([[  0,  51, 255]], dtype=uint8)
    """
    if bits == 16:
        # ((v * 255) + 32767) // 65535 in 32 bits: exact rounding without floats
        return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if not np.isfinite(values).all():
        raise UnreadableImageError("it holds values that are not finite numbers (NaN or infinity)")
    low, high = float(values.min()), float(values.max())
    if np.issubdtype(values.dtype, np.integer):
        span = next(((0.0, top) for top in (255.0, 65535.0) if low >= 0 and high <= top), (low, high))
    elif low >= 0 and high <= 255:
        span = (0.0, 1.0) if high <= 1 else (0.0, 255.0)
    else:
        span = (low, high)
    width = span[1] - span[0]
    if width == 0:
        return np.zeros(values.shape, np.uint8)
    return np.rint((values.astype(np.float64) - span[0]) * (255 / width)).astype(np.uint8)


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
