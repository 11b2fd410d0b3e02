"""Whether left and right may change places: looked up in the images themselves, class by class.

A flipped digit or letter is another thing, or none. Where images of a class tell left from right (a straight cut
through their left-right differences finds it, on images that it was not fitted to), flipping would teach something
that is not there; where they do not, a flipped image is as good as a new one.
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
    """Whether flips left-right keep the class, and the sentence that says why."""

    flip: bool
    reason: str


def detect_symmetry(images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]) -> Symmetry:
    """Return whether flips keep the class, from images uint8 N H W C and their labels.

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
                flip=False, reason=f"left and right differ in class {names[label]!r} (told apart in {accuracy:.0%})"
            )
    if tested:
        return Symmetry(flip=True, reason="left and right look alike in every class")
    if images.shape[3] == 3:
        return Symmetry(flip=True, reason="colour images, too few of each class to look closer")
    return Symmetry(flip=False, reason="gray images, too few of each class to look closer")


def _flip_accuracy(images: NDArray[np.uint8]) -> tuple[float, int]:
    """Return in what part of the held-out images a linear rule knows the image from its flipped image."""
    differences = _differences(images)
    fit, held_out = differences[::2], differences[1::2]
    spread = float((fit**2).sum(axis=1).mean()) or 1.0
    gram = fit.T @ fit + 0.1 * spread * np.eye(fit.shape[1])
    direction = np.linalg.solve(gram, fit.sum(axis=0))
    sides = held_out @ direction
    return float((sides > 0).mean() + 0.5 * (sides == 0).mean()), len(held_out)


def _differences(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return gray images minus their flipped images, the left half of that, made small: N × features.

    The difference is taken first: bands of unequal width would not lie on their flipped images.
    """
    gray = images.mean(axis=3)
    half = (gray - gray[:, :, ::-1])[:, :, : max(1, gray.shape[2] // 2)]
    rows = [band.mean(axis=1) for band in np.array_split(half, min(_SIDE, half.shape[1]), axis=1)]
    bands = np.stack(rows, axis=1)  # N H W -> N h W
    columns = [band.mean(axis=2) for band in np.array_split(bands, min(_SIDE // 2, bands.shape[2]), axis=2)]
    result: NDArray[np.float64] = np.stack(columns, axis=2).reshape(len(images), -1)  # N h W -> N, h*w
    return result
