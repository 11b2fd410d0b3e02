"""Measure how many pooled values a small shift of the input changes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.core.errors import ParameterError


def unchanged_by_shift(pooling: nn.Module, maps: Tensor, *, reach: int = 1) -> NDArray[np.float64]:
    """Return, for each shift of the maps, the fraction of pooled values that stay exactly the same.

    The maps are cut out of larger ones, so that real values come in at the edge.

    Args:
        pooling: N C H W to N C h w, as it predicts.
        maps: N C H W, larger by `reach` on every side than what is pooled.
        reach: the largest shift, in positions of the map.

    Returns:
        (2 · reach + 1) × (2 · reach + 1): shifts down, then across, from -reach to reach; 1 at the center.

    Raises:
        ParameterError: the maps are too small.

    Examples:
        >>> maps = torch.zeros(1, 1, 6, 6)
        >>> maps[0, 0, 1, 1] = 1.0                  # at the upper left of the first window of 2 × 2
        >>> unchanged_by_shift(nn.MaxPool2d(2), maps) == 1
        array([[False, False, False],
               [False,  True,  True],
               [False,  True,  True]])
    """
    height, width = maps.shape[2] - 2 * reach, maps.shape[3] - 2 * reach
    if reach < 0 or min(height, width) < 1:
        raise ParameterError(f"`reach` must be from 0 to less than half the side of the maps. Got {reach}.")
    side = 2 * reach + 1
    with torch.inference_mode():
        still = pooling(maps[:, :, reach : reach + height, reach : reach + width])
        result = np.empty((side, side))
        for down in range(side):
            for across in range(side):
                # content that moves down by one comes from one row above
                top, left = 2 * reach - down, 2 * reach - across
                moved = pooling(maps[:, :, top : top + height, left : left + width])
                result[down, across] = (moved == still).double().mean().item()
    return result
