"""Images that are unlike all others: the distance to their nearest neighbours in the features of a network."""

import numpy as np
from numpy.typing import NDArray

from .neighbours import nearest, unit_rows

_NEIGHBOURS = 10


def outlyingness(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far each image is from its nearest neighbours, in robust standard deviations above the median, N.

    The distance is 1 less the mean similarity of the farther five of ten neighbours, so that a few copies of an image
    do not hide it.
    """
    rows = unit_rows(features, centre=features.mean(axis=0))
    count = min(_NEIGHBOURS, len(rows) - 1)
    similarities, _ = nearest(rows, rows, count)
    return robust(np.asarray(1 - similarities[:, count // 2 :].mean(axis=1), np.float64))


def robust(values: NDArray[np.float64], floor: float = 1e-6) -> NDArray[np.float64]:
    """Return values less their median, over the standard deviation that the median deviation stands for."""
    away = values - np.median(values)
    return np.asarray(away / max(1.4826 * float(np.median(np.abs(away))), floor))
