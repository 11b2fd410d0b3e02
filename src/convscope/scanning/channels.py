"""The channels that an image to scan may have."""

from convscope.core.errors import DataError
from convscope.core.text import printable

CHANNELS = (1, 3, 4)
"""Gray, RGB, and RGB with opacity."""


def check_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """Return the shape of an image that can be scanned.

    Raises:
        DataError: it is no image of 1, 3 or 4 channels, or has no pixels.
    """
    if len(shape) == 3 and min(shape[:2]) < 1:
        raise DataError(f"An image to scan must have pixels. Got {shape[1]}x{shape[0]} in {printable(name)}.")
    if len(shape) != 3 or shape[2] not in CHANNELS:
        raise DataError(
            f"An image to scan must have 1, 3 or 4 channels, the last axis. Got {' x '.join(map(str, shape))} in "
            f"{printable(name)}. Write an image of those channels that the network takes first."
        )
    return int(shape[0]), int(shape[1]), int(shape[2])
