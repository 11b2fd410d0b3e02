"""Small squares cut from images at random places: what features are learned from without labels."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, ParameterError

Rows = NDArray[np.float64]


def random_patches(
    images: NDArray[np.uint8], *, side: int, count: int, seed: int = 0, among: NDArray[np.int64] | None = None
) -> Rows:
    """Return patches as rows, values 0…1: count × (side · side · channels), rows of pixels first, channels last.

    Every place of every image is as likely as any other.

    Args:
        images: uint8 N H W C; may be mapped from a file.
        side: of a patch, in pixels.
        count: number of patches.
        seed: of the places.
        among: numbers of the images that patches are cut from, sorted; all if None.

    Raises:
        DataError: the images are no such array, or smaller than a patch.
        ParameterError: a number is below 1.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise DataError(f"`images` must be a uint8 array N H W C. Got {images.dtype} {images.shape}.")
    return patches_of_maps(images, side=side, count=count, seed=seed, among=among) / 255.0


def patches_of_maps(
    maps: NDArray[np.generic], *, side: int, count: int, seed: int = 0, among: NDArray[np.int64] | None = None
) -> Rows:
    """Return patches as rows, values as they are, of maps N H W C of any type; all else as in `random_patches`."""
    if side < 1 or count < 1:
        raise ParameterError(f"`side` and `count` must be at least 1. Got {side} and {count}.")
    among = np.arange(len(maps)) if among is None else among
    height, width, channels = maps.shape[1:]
    if side > min(height, width):
        raise DataError(f"`side` must be at most that of the images, {min(height, width)}. Got {side}.")
    random = np.random.default_rng(seed)
    # in the order of the images, so that a mapped file is read from front to back
    image = among[np.sort(random.integers(0, len(among), count))]
    top = random.integers(0, height - side + 1, count)
    left = random.integers(0, width - side + 1, count)
    span = np.arange(side)
    cut = maps[image[:, None, None], (top[:, None] + span)[:, :, None], (left[:, None] + span)[:, None, :]]
    return random.permutation(cut.reshape(count, side * side * channels).astype(np.float64))
