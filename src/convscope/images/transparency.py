"""Drawings on a transparent ground: what is left of them on a background of one colour."""

import numpy as np
from numpy.typing import NDArray

_SHOWN = 64  # of 255: how far transparency must vary for something to be drawn with it
_SEEN = 8  # of 255: how far pixels must differ for something to be seen

VANISHED = "all of it has the colour of the background; --background (in Python: background=) gives it another"


def vanished(values: NDArray[np.uint8], fitted: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the remark that a drawing cannot be seen, if it is so: `fitted` has one colour, though `values` vary.

    Args:
        values: the image as it was read, H W C; with 4 channels, the last is how opaque it is.
        fitted: the same as the network takes it, on its background.

    Examples:
        >>> ink = np.zeros((8, 8, 4), np.uint8)
        >>> ink[2:6, 2:6, 3] = 255
        >>> vanished(ink, np.zeros((8, 8, 1), np.uint8)) == (VANISHED,), vanished(ink, 255 - ink[..., 3:])
        (True, ())
    """
    if values.shape[2] != 4 or int(np.ptp(values[..., 3])) < _SHOWN:
        return ()
    return (VANISHED,) if int(np.ptp(fitted, axis=(0, 1)).max()) <= _SEEN else ()


def without_contrast(images: NDArray[np.uint8], most: int = 100) -> tuple[int, int]:
    """Return how many of some images, N H W C, have one colour, and how many were looked at, at most `most`.

    Examples:
        >>> without_contrast(np.zeros((3, 8, 8, 1), np.uint8))
        (3, 3)
    """
    indices = np.unique(np.linspace(0, len(images) - 1, min(len(images), most)).astype(np.int64))
    flat = sum(int(np.ptp(np.asarray(images[index]), axis=(0, 1)).max()) <= _SEEN for index in indices)
    return flat, len(indices)
