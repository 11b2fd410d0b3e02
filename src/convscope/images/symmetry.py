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
        return Symmetry(flip=True, reason="colour images, too few per class to test")
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
    gray = images.mean(axis=3)
    half = (gray - gray[:, :, ::-1])[:, :, : max(1, gray.shape[2] // 2)]
    rows = [band.mean(axis=1) for band in np.array_split(half, min(_SIDE, half.shape[1]), axis=1)]
    bands = np.stack(rows, axis=1)  # N H W -> N h W
    columns = [band.mean(axis=2) for band in np.array_split(bands, min(_SIDE // 2, bands.shape[2]), axis=2)]
    result: NDArray[np.float64] = np.stack(columns, axis=2).reshape(len(images), -1)  # N h W -> N, h*w
    return result
