"""Transparent drawings that vanish on a background of one color, and images without contrast."""

import numpy as np
from numpy.typing import NDArray

_DRAWN = 64  # of 255: the least range of opacity that draws something
_VISIBLE = 8  # of 255: a larger range of pixel values is visible
_EXAMINED = 100  # images

VANISHED = "all of it has the color of the background; --background (in Python: background=) gives it another"


def vanished(values: NDArray[np.uint8], fitted: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the remark that a drawing is invisible: `fitted` has one color although the opacity of `values` varies.

    Args:
        values: the decoded image, H W C; the fourth channel is opacity.
        fitted: the preprocessed image, on its background.

    Examples:
        >>> ink = np.zeros((8, 8, 4), np.uint8)
        >>> ink[2:6, 2:6, 3] = 255
        >>> vanished(ink, np.zeros((8, 8, 1), np.uint8)) == (VANISHED,), vanished(ink, 255 - ink[..., 3:])
        (True, ())
    """
    if values.shape[2] != 4 or int(np.ptp(values[..., 3])) < _DRAWN:
        return ()
    return (VANISHED,) if int(np.ptp(fitted, axis=(0, 1)).max()) <= _VISIBLE else ()


def without_contrast(images: NDArray[np.uint8]) -> tuple[int, int]:
    """Return how many of the images (N H W C) have one color, and how many were examined, at most 100.

    Examples:
        >>> without_contrast(np.zeros((3, 8, 8, 1), np.uint8))
        (3, 3)
    """
    indices = np.unique(np.linspace(0, len(images) - 1, min(len(images), _EXAMINED)).astype(np.int64))
    flat = sum(int(np.ptp(np.asarray(images[index]), axis=(0, 1)).max()) <= _VISIBLE for index in indices)
    return flat, len(indices)
