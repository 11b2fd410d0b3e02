"""Subsampling: the family's checks, and what a record refuses."""

import pytest
import torch

from convscope.core.errors import LayoutError, ParameterError
from convscope.stages.subsampling import KINDS, Subsampling, Subset
from tests.checks.subsamplings import SubsamplingChecks


class TestKinds(SubsamplingChecks):
    """Every member of `KINDS`."""


def test_codes_are_keys_and_two_capital_letters() -> None:
    assert all(code == kind.code and len(code) == 2 and code.isupper() for code, kind in KINDS.items())
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


def test_a_subset_of_a_map_that_is_too_small_is_refused_and_not_sliced_from_the_end() -> None:
    with pytest.raises(LayoutError, match=r"`kernel` must be at most the side of the map .* Got 5 \(side 3"):
        Subset(5, 1)(torch.zeros(1, 1, 3, 3))


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"`code` must be one of MP, AP, SS\. Got 'XX'"):
        Subsampling(code="XX", window=2, stride=2)


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (1, 0), (-2, 2), (1_025, 1), (2, 1_025), (2.5, 1), (True, 1)])
def test_windows_and_strides_out_of_range_are_refused(window: int, stride: int) -> None:
    with pytest.raises(LayoutError, match=r"`(window|stride)` must be a whole number from 1 to 1,024\. Got "):
        Subsampling(code="MP", window=window, stride=stride)


def test_the_whole_map_takes_no_stride() -> None:
    with pytest.raises(LayoutError, match=r"`stride` must be 1 where the window is the whole map\. Got 2\."):
        Subsampling(code="MP", window=None, stride=2)
