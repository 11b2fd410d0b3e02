"""Windows of an image that are worth a second look: those that the network is uncertain of, or wrong about."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .detections import Candidate
from .grid import Box, Grid

_BLOCK = 512  # positions a side that are read at once
_KEPT = 50  # candidates for each window that is wanted


def uncertainty(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 − the lead of the most probable class, rows × columns; classes that are not stored count as one.

    Examples:
        >>> uncertainty(np.array([[[0.5, 0.25, 0.0]]], np.float32))  # 0.25 are of classes that are not stored
        array([[0.75]], dtype=float32)
    """
    rest = np.clip(1 - stored.sum(axis=-1, keepdims=True), 0, None)
    ordered = np.sort(np.concatenate([stored, rest], axis=-1), axis=-1)
    return 1 - (ordered[..., -1] - ordered[..., -2])  # type: ignore[no-any-return]  # NumPy's arithmetic


def hardness(stored: NDArray[np.float32], label: int) -> NDArray[np.float32]:
    """Return the largest probability of another class than `label`, rows × columns."""
    return np.delete(stored, label, axis=-1).max(axis=-1)  # type: ignore[no-any-return]


def spread(features: NDArray[np.float32], count: int) -> list[int]:
    """Return so many rows that are far apart: the first, then always the one farthest from those before (k-center).

    Gonzalez 1985: the largest distance to the nearest chosen row is at most twice the least possible.

    Args:
        features: rows, the best first; their lengths do not count.
        count: at most the number of rows.

    Examples:
        >>> spread(np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], np.float32), 2)
        [0, 3]
    """
    rows = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    chosen = [0]
    nearest = np.full(len(rows), np.inf, np.float32)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.square(rows - rows[chosen[-1]]).sum(axis=1))
        nearest[chosen] = -1  # also where all the others are the same
        chosen.append(int(nearest.argmax()))
    return sorted(chosen)


def picks(
    score: Callable[[Box], NDArray[np.float32]], grid: Grid, count: int, *, taken: Sequence[Candidate] = ()
) -> list[Candidate]:
    """Return at most so many windows that do not overlap each other or `taken`, the largest score first.

    Args:
        score: of some positions, rows × columns; 0 for those that are not wanted.
        grid: positions.
        count: of windows.
        taken: windows that were picked before.
    """
    sides = [max(1, -(-side // grid.stride)) for side in grid.window]
    found: list[tuple[float, int, int]] = []
    for _, box in replace(grid, tile=max(_BLOCK // max(sides), 1) * max(sides)).every_box():
        values = score(box)
        for top in range(0, box.rows, sides[0]):
            for left in range(0, box.columns, sides[1]):
                cell = values[top : top + sides[0], left : left + sides[1]]
                row, column = divmod(int(cell.argmax()), cell.shape[1])
                if cell[row, column] > 0:
                    found.append((-float(cell[row, column]), box.row + top + row, box.column + left + column))
        found = heapq.nsmallest(_KEPT * count, found)
    result: list[Candidate] = []
    before = list(taken)
    for negative, row, column in found:
        if len(result) < count and all(
            abs(row - one.row) >= sides[0] or abs(column - one.column) >= sides[1] for one in before
        ):
            result.append(Candidate(0, row, column, 0, -negative))
            before.append(result[-1])
    return result
