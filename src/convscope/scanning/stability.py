"""Stability: whether the network says the same of a window that is shifted a little."""

import numpy as np
from numpy.typing import NDArray


def box_sums(values: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Return at each position the sum of the positions within `reach` of it, down and across; exact, in integers.

    Examples:
        >>> box_sums(np.ones((3, 4), np.int64), 1)[:2].tolist()
        [[4, 6, 6, 4], [6, 9, 9, 6]]
    """
    for axis in (0, 1):
        size = values.shape[axis]
        sums = np.insert(values.cumsum(axis=axis), 0, 0, axis=axis)
        places = np.arange(size)
        last, first = np.minimum(places + reach + 1, size), np.maximum(places - reach, 0)
        values = sums.take(last, axis=axis) - sums.take(first, axis=axis)
    return values


def stability(best: NDArray[np.int64], reach: int) -> NDArray[np.float32]:
    """Return the share of the positions within `reach` that name the same class, rows × columns.

    Args:
        best: number of the most probable class at each position.
        reach: in positions, down and across; positions beyond the edge do not count.

    Examples:
        >>> stability(np.array([[0, 0, 1, 1]]), 1)[0, :2].tolist(), stability(np.array([[0, 1]]), 1).tolist()
        ([1.0, 0.6666666865348816], [[0.5, 0.5]])
    """
    same = np.zeros(best.shape, np.int64)
    for number in np.unique(best):
        is_it = best == number
        same[is_it] = box_sums(is_it.astype(np.int64), reach)[is_it]
    return (same / box_sums(np.ones(best.shape, np.int64), reach)).astype(np.float32)
