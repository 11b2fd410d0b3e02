"""Nearest neighbors by correlation, block by block."""

import numpy as np
import torch
from numpy.typing import NDArray

_BLOCK = 1 << 24  # similarities at once


def unit_rows(values: NDArray[np.float32], *, center: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return rows of length 1, after `center` is subtracted, or the mean of each row where there is none."""
    centered = values - (values.mean(axis=1, keepdims=True) if center is None else center)
    return np.asarray(centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12))


def nearest(
    queries: NDArray[np.float32], rows: NDArray[np.float32], count: int, *, itself: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the similarities and indices of the `count` rows most similar to each query, N count, largest first.

    Args:
        queries: of length 1.
        rows: of length 1.
        count: at most the number of rows (less one without `itself`).
        itself: whether query i may find row i.
    """
    base, step = torch.from_numpy(rows), max(1, _BLOCK // len(rows))
    similarities, indices = [], []
    for start in range(0, len(queries), step):
        found = torch.from_numpy(queries[start : start + step]) @ base.T
        if not itself:
            lines = torch.arange(len(found))
            found[lines, lines + start] = -2
        top = found.topk(count, dim=1)
        similarities.append(top.values)
        indices.append(top.indices)
    return torch.cat(similarities).numpy(), torch.cat(indices).numpy()
