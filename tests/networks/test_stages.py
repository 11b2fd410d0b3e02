"""Convolution and fully connected units as records."""

import pytest

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import LARGEST_UNITS
from convscope.networks.stages import ConnectedStage, ConvolutionStage


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        (ConvolutionStage(units=32, patch=5), "32C5"),
        (ConvolutionStage(units=32, patch=5, stride=2), "32C5/2"),
        (ConvolutionStage(units=32, patch=5, stride=2, padding="valid"), "32C5/2v"),
        (ConvolutionStage(units=8, patch=3, residual=True), "+8C3"),
        (ConvolutionStage(units=32, patch=5, regions=None), "32U5"),
        (ConvolutionStage(units=8, patch=3, regions=4, stride=2, padding="valid", residual=True), "+8U3:4/2v"),
        (ConnectedStage(units=128), "128N"),
    ],
)
def test_a_stage_prints_as_its_notation(stage: ConvolutionStage | ConnectedStage, text: str) -> None:
    assert str(stage) == text


@pytest.mark.parametrize("patch", range(1, 12))
@pytest.mark.parametrize("size", [1, 7, 12])
def test_same_padding_keeps_the_side_at_stride_1_and_divides_it_rounded_up_at_others(patch: int, size: int) -> None:
    for stride in range(1, 5):
        window = ConvolutionStage(units=1, patch=patch, stride=stride).window
        assert window.positions(size) == -(-size // stride)


@pytest.mark.parametrize("units", [0, -1, LARGEST_UNITS + 1, 2.0, True, "3"])
def test_units_out_of_range_are_refused(units: int) -> None:
    with pytest.raises(LayoutError, match=r"`units` must be a whole number from 1 to 65,536\. Got "):
        ConvolutionStage(units=units, patch=3)
    with pytest.raises(LayoutError, match=r"`units` must be a whole number from 1 to 65,536\. Got "):
        ConnectedStage(units=units)


@pytest.mark.parametrize("name", ["patch", "stride", "regions"])
@pytest.mark.parametrize("value", [0, -3, 1_025, 1.5])
def test_patch_stride_and_regions_out_of_range_are_refused(name: str, value: int) -> None:
    with pytest.raises(LayoutError, match=rf"`{name}` must be a whole number from 1 to 1,024\. Got {value}\."):
        ConvolutionStage(**{"units": 1, "patch": 3, name: value})


def test_an_unknown_padding_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"`padding` must be one of same, valid\. Got 'sane'\. Did you mean 'same'"
    ):
        ConvolutionStage(units=1, patch=3, padding="sane")  # type: ignore[arg-type]
