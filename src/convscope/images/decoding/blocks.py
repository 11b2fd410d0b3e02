"""A loaded image turned into an array block of rows by block of rows: far less memory than the whole at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .modes import WIDE

_BLOCK_PIXELS = 1 << 22
_FEW_BLOCKS = 4  # up to so many are done faster as a whole


def by_blocks(image: Image.Image, convert: Callable[[Image.Image], NDArray[Any]]) -> NDArray[Any]:
    """Return `convert(image)`, H W C, computed on blocks of rows where the image is large.

    Images of wide values, which are copied only once, are converted at once.

    convert: turns each pixel by itself; how many channels it gives may depend on the values: 1, 3, or 4 with alpha
    last. The blocks are joined with as many as the one with most.
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
    """Return uint8 H W C with as many channels, at least those it has: gray three times, opaque alpha.

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
