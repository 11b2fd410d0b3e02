"""Whether horizontal flips preserve the classes, measured on the images of each class.

A flipped digit or letter is another symbol, or none. If a linear classifier of left-right differences distinguishes
the images of a class from their flips (on images that it was not fitted to), flips would add images that do not
occur; otherwise a flip is as good as a new image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIDE = 12
_IMAGES = 400
_FEWEST = 24
_CLASSES = 100
_MARGIN = 0.15


@dataclass(frozen=True, kw_only=True)
class Symmetry:
    """Whether horizontal flips preserve the class, and the reason."""

    flip: bool
    reason: str


def detect_symmetry(images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]) -> Symmetry:
    """Return whether horizontal flips preserve the classes of images uint8 N H W C.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.integers(0, 256, (200, 8, 8, 1), dtype=np.uint8)
        >>> detect_symmetry(noise, np.arange(200) % 2, ("a", "b")).flip
        True
        >>> noise[:, :, :4] //= 2
        >>> detect_symmetry(noise, np.arange(200) % 2, ("a", "b")).flip
        False
    """
    tested = 0
    for label in range(min(len(names), _CLASSES)):
        indices = np.flatnonzero(labels == label)
        if len(indices) < _FEWEST:
            continue
        tested += 1
        chosen = indices[:: max(1, len(indices) // _IMAGES)][:_IMAGES]
        accuracy, count = _flip_accuracy(images[chosen])
        if accuracy > 0.5 + max(_MARGIN, 1.5 / count**0.5):
            return Symmetry(
                flip=False,
                reason=f"left and right differ in class {names[label]!r}: a linear classifier tells image from flip "
                f"in {accuracy:.0%}",
            )
    if tested:
        return Symmetry(flip=True, reason="left and right look alike in every class")
    if images.shape[3] == 3:
        return Symmetry(flip=True, reason="color images, too few per class to test")
    return Symmetry(flip=False, reason="gray images, too few per class to test")


def _flip_accuracy(images: NDArray[np.uint8]) -> tuple[float, int]:
    """Return the accuracy of a linear classifier of image against flip, and the number of images that measured it."""
    differences = _differences(images)
    training, test = differences[::2], differences[1::2]
    spread = float((training**2).sum(axis=1).mean()) or 1.0
    gram = training.T @ training + 0.1 * spread * np.eye(training.shape[1])
    direction = np.linalg.solve(gram, training.sum(axis=0))
    sides = test @ direction
    return float((sides > 0).mean() + 0.5 * (sides == 0).mean()), len(test)


def _differences(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the left half of gray images minus their flips, averaged over bands: N × features.

    The difference is taken first, because bands of unequal width do not match their flips.
    """
    height, width, channels = images.shape[1:]
    half = np.arange(max(1, width // 2))
    columns = np.array_split(half, min(_SIDE // 2, len(half)))
    rows = np.array_split(np.arange(height), min(_SIDE, height))
    signs = np.zeros((width, len(columns)))
    for number, band in enumerate(columns):
        signs[band, number] += 1
        signs[width - 1 - band, number] -= 1
    signs = np.repeat(signs, channels, axis=0)  # of the values of a row
    values = images.reshape(len(images), height, -1)
    # sums of whole numbers, so that both sides of a symmetric image are equal to the bit: N H W*C -> N h W*C -> N h w
    sums = np.stack([values[:, band[0] : band[-1] + 1].sum(axis=1, dtype=np.uint32) for band in rows], axis=1) @ signs
    sizes = np.outer([len(band) for band in rows], [len(band) * channels for band in columns])
    return np.asarray((sums / sizes).reshape(len(images), -1))
