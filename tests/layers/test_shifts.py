"""Shifts under which a pooled value stays the same: for a single peak, exactly those that can be worked out."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from convscope.core.errors import ParameterError
from convscope.layers.pooling import POOLINGS, PoolingKind
from convscope.networks.stages import PoolingStage
from tests.checks.shifts import unchanged_by_shift


def weight(kind: PoolingKind, window: int, row: int, column: int) -> float:
    """Return what a peak of height 1 at a place gives in the window that begins at 0, where no other value is."""
    inside = 0 <= row < window and 0 <= column < window
    if kind.sees == "first":
        return float(row == 0 and column == 0)
    if kind.sees == "around":
        reach = window - 1
        ways = {place: math.comb(2 * reach, place + reach) for place in range(-reach, window)}
        return float(ways.get(row, 0) * ways.get(column, 0))
    return float(inside)


@pytest.mark.parametrize("kind", POOLINGS.values(), ids=POOLINGS)
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 3), (3, 2), (1, 2)])
def test_a_single_peak_stays_the_same_under_exactly_the_shifts_that_keep_its_weight_in_each_window(
    kind, window, stride
) -> None:
    side = 3 * max(window, stride)
    pooling = PoolingStage(code=kind.code, window=window, stride=stride).build().eval()
    tops = range(0, side - window + 1, stride)
    for row in range(side // 3, 2 * side // 3):
        for column in range(side // 3, 2 * side // 3):
            maps = torch.zeros(1, 1, side + 2, side + 2, dtype=torch.float64)
            maps[0, 0, row + 1, column + 1] = 1.0
            found = unchanged_by_shift(pooling, maps) == 1
            for down in (-1, 0, 1):
                for across in (-1, 0, 1):
                    same = all(
                        weight(kind, window, row - top, column - left)
                        == weight(kind, window, row + down - top, column + across - left)
                        for top in tops
                        for left in tops
                    )
                    assert found[down + 1, across + 1] == same


@pytest.mark.parametrize(("window", "expected"), [(2, 3 / 8), (3, 5 / 9)])
def test_a_peak_at_any_place_of_its_window_stays_in_it_under_this_part_of_the_eight_shifts(window, expected) -> None:
    """The often repeated 3 of 8 (2 × 2) and 5 of 8 (3 × 3): the second holds for the edges, not on average."""
    stays = []
    for row in range(window):
        for column in range(window):
            maps = torch.zeros(1, 1, 3 * window + 2, 3 * window + 2)
            maps[0, 0, window + row + 1, window + column + 1] = 1.0
            same = unchanged_by_shift(nn.MaxPool2d(window), maps) == 1
            stays.append((same.sum() - 1) / 8)
    assert np.mean(stays) == pytest.approx(expected)


def test_the_way_of_a_shift_is_that_of_the_content() -> None:
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    keep = unchanged_by_shift(nn.Identity(), maps, reach=1)
    assert keep[1, 1] == 1
    assert keep.sum() == 1
    column = torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)  # every row is the same: moving down is not seen
    assert (unchanged_by_shift(nn.Identity(), column) == 1).tolist() == [[False, True, False]] * 3


@pytest.mark.parametrize("reach", [-1, 2, 3])
def test_maps_that_are_too_small_are_refused(reach: int) -> None:
    with pytest.raises(ParameterError, match=rf"`reach` must be from 0 to less than half the side.* Got {reach}\."):
        unchanged_by_shift(nn.Identity(), torch.zeros(1, 1, 4, 4), reach=reach)
