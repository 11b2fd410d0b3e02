"""Units that are not copied: they agree with nested loops, and with a convolution where their weights are alike."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.core.errors import LayoutError
from convscope.layers.locally_connected import LocallyConnected2d, regions_along
from convscope.networks.stages import ConvolutionStage
from tests.checks.laws import LAWS
from tests.oracles import stages as oracle


def build(stage: ConvolutionStage, channels: int, height: int, width: int) -> LocallyConnected2d:
    """Return the module with weights from a normal distribution, in float64."""
    places = stage.window.positions(height), stage.window.positions(width)
    module = LocallyConnected2d(
        channels, stage.units, stage.window, stage.regions_over(*places), places, bias=True
    ).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in module.parameters():
            value.normal_(generator=generator)
    return module


@settings(LAWS, max_examples=60)
@given(
    st.sampled_from((None, 1, 2, 3)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(("same", "valid")),
    st.integers(6, 11),
    st.integers(6, 11),
)
def test_it_agrees_with_nested_loops(regions, patch, stride, padding, height, width) -> None:
    stage = ConvolutionStage(units=2, patch=patch, stride=stride, padding=padding, regions=regions)
    window = stage.window
    if regions and min(window.positions(height), window.positions(width)) < regions:
        return
    module = build(stage, 3, height, width)
    maps = torch.randn(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights, bias = (value.detach().numpy() for value in (module.weight, module.bias))
    for one, found in zip(maps, module(maps), strict=True):
        edges = {"stride": stride, "before": window.before, "after": window.after}
        expected = oracle.locally_connected(one.numpy(), weights, bias, **edges)
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("regions", [None, 2, 4])
def test_with_the_same_weights_everywhere_it_is_a_convolution(regions: int | None) -> None:
    stage = ConvolutionStage(units=4, patch=3, regions=regions)
    module = build(stage, 2, 9, 7)
    with torch.no_grad():
        module.weight.copy_(module.weight[0, 0].expand_as(module.weight))
    maps = torch.randn(2, 2, 9, 7, dtype=torch.float64)
    shared = torch.nn.functional.conv2d(maps, module.weight[0, 0], module.bias, padding=1)
    torch.testing.assert_close(module(maps), shared, rtol=1e-10, atol=1e-10)


def test_the_gradient_is_the_numerical_one_and_stays_in_the_region() -> None:
    module = build(ConvolutionStage(units=2, patch=2, padding="valid", regions=2), 1, 6, 4)
    maps = torch.randn(1, 1, 6, 4, dtype=torch.float64, requires_grad=True)

    def compute(weight: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, {"weight": weight}, (maps,))

    assert torch.autograd.gradcheck(compute, (module.weight, maps))
    (gradient,) = torch.autograd.grad(module(maps)[0, 0, 0, 0], module.weight)
    assert (gradient != 0).any(dim=-1).any(dim=-1).flatten().tolist() == [True, False] + [False] * 6


@settings(LAWS)
@given(st.integers(1, 60), st.integers(1, 60))
def test_regions_follow_each_other_and_differ_by_one_place_at_most(places: int, regions: int) -> None:
    if regions > places:
        return
    region = regions_along(places, regions)
    sizes = [region.count(part) for part in range(regions)]
    assert region == sorted(region)
    assert max(sizes) - min(sizes) <= 1


def test_more_regions_than_places_are_refused() -> None:
    with pytest.raises(
        LayoutError, match=r"8U3:9 must have at least 9 positions .* Got 8x12\. Use fewer .* or 8U3 for"
    ):
        ConvolutionStage(units=8, patch=3, regions=9).regions_over(12, 8)
