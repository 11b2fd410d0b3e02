"""From a loaded Pillow image to values H W C: orientation, mode, and block by block where it is large."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convscope.core.errors import UnreadableImageError

from .tiff_tags import ON_ITS_SIDE, ORIENTATION

WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes with values beyond 0…255."""


def to_values(image: Image.Image) -> NDArray[Any]:
    """Return the values of a loaded image as in the file: H W C, C = 1, 3, or 4 if it is not opaque.

    Gray in any mode becomes one channel (a palette of grays, too). The values are uint8 for modes of 8 bits, integers
    and floats of 16 and 32 bits for others. Color profiles are not applied.

    Raises:
        UnreadableImageError: the mode cannot be converted to RGB, or the values are not finite.
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
        return opaque if mode.startswith("RGB") else _drop_color(opaque)
    if mode == "1":
        return np.asarray(image.convert("L"))[:, :, None]
    if mode in ("L", "RGB"):
        pixels = np.asarray(image)
        return pixels if pixels.ndim == 3 else pixels[:, :, None]
    try:
        pixels = np.asarray(image.convert("RGB"))
    except ValueError:
        raise UnreadableImageError(f"its color mode {mode} cannot be converted to RGB") from None
    return _drop_color(pixels) if mode == "P" else pixels


def finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return `values`, H W …, checked for NaN and infinity.

    Raises:
        UnreadableImageError: a value is not a finite number.
    """
    if values.dtype.kind == "f" and not all(np.isfinite(row).all() for row in values):  # row by row, to save memory
        raise UnreadableImageError("it holds values that are not finite numbers (NaN or infinity)")
    return values


def _rgba(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "RGBa":
        return np.asarray(image.convert("RGBA"))
    if image.mode == "La":
        return np.asarray(image.convert("LA").convert("RGBA"))
    return np.asarray(image if image.mode == "RGBA" else image.convert("RGBA"))


def _drop_color(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one channel if the three are equal everywhere, else `pixels`."""
    first = pixels[:, :, 0]
    if np.array_equal(first, pixels[:, :, 1]) and np.array_equal(first, pixels[:, :, 2]):
        return np.ascontiguousarray(first)[:, :, None]
    return pixels


_BLOCK_PIXELS = 1 << 22
_FEW_BLOCKS = 4  # up to this many, the whole image is faster


def by_blocks(image: Image.Image, convert: Callable[[Image.Image], NDArray[Any]]) -> NDArray[Any]:
    """Return `convert(image)`, H W C, computed on blocks of rows if the image is large, to save memory.

    Images of wide values, which are copied only once, are converted as a whole.

    convert: converts each pixel independently; its number of channels may depend on the values: 1, 3, or 4 with alpha
    last. All blocks get the largest number of channels.
    """
    step = max(1, _BLOCK_PIXELS // image.width)
    if image.width * image.height <= _FEW_BLOCKS * _BLOCK_PIXELS or image.mode in WIDE:
        return convert(image)
    result = np.empty((image.height, image.width, 0), np.uint8)
    for top in range(0, image.height, step):
        block = convert(image.crop((0, top, image.width, min(top + step, image.height))))
        if block.shape[2] > result.shape[2]:
            wider = np.empty((*result.shape[:2], block.shape[2]), np.uint8)
            wider[:top] = with_channels(result[:top], block.shape[2]) if top else 0
            result = wider
        result[top : top + step] = with_channels(block, result.shape[2])
    return result


def with_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return uint8 H W C with more channels: gray three times, opaque alpha.

    Examples:
        >>> with_channels(np.array([[[7]]], np.uint8), 4)
        array([[[  7,   7,   7, 255]]], dtype=uint8)
    """
    if pixels.shape[2] == channels:
        return pixels
    result = np.empty((*pixels.shape[:2], channels), np.uint8)
    result[..., :3] = pixels[..., :3]  # one channel goes to all three
    result[..., 3:] = 255
    return result


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Errors of Pillow on damaged EXIF (each seen in a test or in an issue of Pillow).
_DAMAGE = (
    OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, AttributeError, RuntimeError,
    struct.error,
)  # fmt: skip


def turned(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return `image` with its EXIF orientation applied, and whether width and height are exchanged.

    Damaged EXIF is ignored: the pixels are good.
    """
    try:
        orientation = image.getexif().get(ORIENTATION)
    except _DAMAGE:
        return image, False
    if not isinstance(orientation, int) or orientation not in _TURNS:
        return image, False
    return image.transpose(_TURNS[orientation]), orientation in ON_ITS_SIDE
