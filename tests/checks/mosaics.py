"""Images on which the label at known positions is known: images of a dataset pasted on a background."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """An image with its truth.

    Attributes:
        pixels: uint8 H W C.
        places: first row and column of each pasted image.
        labels: of each.
    """

    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    labels: NDArray[np.int64]


def mosaic(
    images: NDArray[np.uint8], labels: NDArray[np.int64], *, size: tuple[int, int], count: int, seed: int = 0
) -> Mosaic:
    """Return images N H W C pasted at random on black, no two of them overlapping."""
    drawn = np.random.default_rng(seed)
    tall, wide = images.shape[1:3]
    pixels = np.zeros((*size, images.shape[3]), np.uint8)
    places: list[tuple[int, int]] = []
    used = []
    for index in drawn.permutation(len(images)):
        for _ in range(100):
            row, column = int(drawn.integers(0, size[0] - tall + 1)), int(drawn.integers(0, size[1] - wide + 1))
            if all(abs(row - top) >= tall or abs(column - left) >= wide for top, left in places):
                break
        else:
            continue
        pixels[row : row + tall, column : column + wide] = images[index]
        places.append((row, column))
        used.append(index)
        if len(used) == count:
            break
    return Mosaic(pixels=pixels, places=np.array(places), labels=labels[used])
