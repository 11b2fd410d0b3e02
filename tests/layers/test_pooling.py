"""Pooling: the family's checks, and what a record refuses."""

import pytest
import torch
from torch.nn import functional

from convscope.core.draws import Draws
from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.pooling import POOLINGS
from convscope.layers.windows import Largest, RootMeanSquare, Stochastic, Subset
from convscope.networks.stages import PoolingStage
from tests.checks.poolings import PoolingChecks


class TestPoolings(PoolingChecks):
    """Every member of `POOLINGS`."""


def test_codes_are_keys_and_two_capital_letters() -> None:
    assert all(code == kind.code and len(code) == 2 and code.isupper() for code, kind in POOLINGS.items())
    assert len({kind.name for kind in POOLINGS.values()}) == len(POOLINGS)


def test_a_subset_of_a_map_that_is_too_small_is_refused_and_not_sliced_from_the_end() -> None:
    with pytest.raises(LayoutError, match=r"`kernel` must be at most the side of the map .* Got 5 \(side 3"):
        Subset(5, 1)(torch.zeros(1, 1, 3, 3))


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ParameterError, match="code"):
        PoolingStage(code="XX", window=2, stride=2)


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (1, 0), (-2, 2), (1_025, 1), (2, 1_025), (2.5, 1), (True, 1)])
def test_windows_and_strides_out_of_range_are_refused(window: int, stride: int) -> None:
    with pytest.raises(LayoutError, match=r"`(window|stride)` must be a whole number from 1 to 1,024\. Got "):
        PoolingStage(code="MP", window=window, stride=stride)


def test_the_whole_map_takes_no_stride() -> None:
    with pytest.raises(LayoutError, match=r"`stride` must be 1 where the window is the whole map\. Got 2\."):
        PoolingStage(code="MP", window=None, stride=2)


def test_a_root_mean_square_has_no_slope_where_nothing_is() -> None:
    maps = torch.zeros(1, 1, 2, 4)
    maps[..., 2:] = 3.0
    maps.requires_grad_()
    values = RootMeanSquare(2, 2)(maps)
    values.sum().backward()
    assert values.flatten().tolist() == [0.0, 3.0]
    assert maps.grad is not None
    assert maps.grad.flatten().tolist() == [0.0, 0.0, 0.25, 0.25] * 2


class TestStochastic:
    """What is drawn while training."""

    maps = torch.tensor([[1.0, 3.0, 0.0, -1.0], [0.0, 4.0, -2.0, -3.0], [-1.0, -2.0, 5.0, 5.0], [-3.0, -4.0, 0.0, 0.0]])

    def drawn(self, times: int, window: int | None = 2) -> torch.Tensor:
        pooling = Stochastic(window, 2).train()
        pooling.draws = Draws(generator=torch.Generator().manual_seed(0))
        return pooling(self.maps.expand(times, 1, 4, 4))[:, 0]

    def test_each_value_comes_as_often_as_it_is_large(self) -> None:
        windows = self.drawn(4_000).flatten(1).T
        shares = [
            {value: (window == value).double().mean().item() for value in window.unique().tolist()}
            for window in windows
        ]
        expected = [{1.0: 1 / 8, 3.0: 3 / 8, 4.0: 4 / 8}, dict.fromkeys((-3.0, -2.0, -1.0, 0.0), 1 / 4)]
        expected += [dict.fromkeys((-4.0, -3.0, -2.0, -1.0), 1 / 4), {5.0: 1.0}]
        for share, hoped in zip(shares, expected, strict=True):
            assert share == pytest.approx(hoped, abs=0.03)

    def test_what_is_predicted_is_what_is_drawn_on_average(self) -> None:
        for window in (2, None):
            predicted = Stochastic(window, 2).eval()(self.maps.expand(1, 1, 4, 4))[0, 0]
            torch.testing.assert_close(self.drawn(20_000, window).mean(0), predicted, atol=0.05, rtol=0.0)

    def test_the_slope_goes_to_what_was_drawn(self) -> None:
        maps = self.maps.expand(1, 1, 4, 4).clone().requires_grad_()
        pooling = Stochastic(2, 2).train()
        values = pooling(maps)
        values.sum().backward()
        assert maps.grad is not None
        windows = maps.grad.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        assert (windows.sum(-1) == 1).all()
        assert (windows.max(-1).values == 1).all()

    def test_the_same_generator_draws_the_same(self) -> None:
        assert torch.equal(self.drawn(10), self.drawn(10))


@pytest.mark.parametrize("maps", [1, 6, 24])
@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (7, 5), (28, 28)])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_largest_of_halves_is_the_largest_of_windows(maps: int, rows: int, columns: int, kind: torch.dtype) -> None:
    values = torch.randn(3, maps, rows, columns).to(kind).to(memory_format=torch.channels_last)
    values[0, 0, 0, 0] = float("nan")
    fast, expected = Largest(2, 2)(values), functional.max_pool2d(values, 2)
    torch.testing.assert_close(fast, expected, rtol=0, atol=0, equal_nan=True)
