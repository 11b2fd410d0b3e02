"""The step itself: one unit at every place of an image."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.core.errors import LayoutError, ParameterError
from convscope.stages import convolve
from tests.checks.laws import LAWS
from tests.oracles import stages as oracle


def test_a_unit_of_3x3_over_an_image_of_5x5_gives_9_features() -> None:
    features = convolve(np.ones((3, 3)), np.arange(25).reshape(5, 5))
    assert features.shape == (3, 3)
    assert features.size == 9
    assert features[0, 0] == 0 + 1 + 2 + 5 + 6 + 7 + 10 + 11 + 12


@settings(LAWS, max_examples=40)
@given(
    st.integers(1, 4), st.integers(0, 4), st.integers(0, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99)
)
def test_it_agrees_with_nested_loops_and_with_torch(
    patch: int, more_rows: int, more_columns: int, channels: int, stride: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    unit = random.normal(size=(patch, patch, channels))
    image = random.normal(size=(patch + more_rows, patch + more_columns, channels))
    features = convolve(unit, image, bias=0.25, stride=stride)
    weights, maps = np.moveaxis(unit, 2, 0)[None], np.moveaxis(image, 2, 0)
    loops = oracle.convolution(maps, weights, np.array([0.25]), stride=stride)[0]
    np.testing.assert_allclose(features, loops, rtol=1e-12, atol=1e-12)
    tensors = torch.from_numpy(maps.copy())[None], torch.from_numpy(weights.copy())
    library = torch.nn.functional.conv2d(*tensors, bias=torch.tensor([0.25], dtype=torch.float64), stride=stride)
    np.testing.assert_allclose(features, library[0, 0].numpy(), rtol=1e-12, atol=1e-12)


def test_shifting_the_image_shifts_the_features() -> None:
    random = np.random.default_rng(0)
    unit, image = random.normal(size=(3, 3)), random.normal(size=(9, 9))
    np.testing.assert_allclose(convolve(unit, image[1:, 2:]), convolve(unit, image)[1:, 2:], rtol=1e-12, atol=1e-13)


def test_whole_numbers_are_not_wrapped_around() -> None:
    image = np.full((4, 4), 255, dtype=np.uint8)
    assert convolve(np.full((2, 2), -3, dtype=np.int8), image).tolist() == [[-3060.0] * 3] * 3


@pytest.mark.parametrize(
    ("unit", "image"), [((3, 3), (5, 5, 3)), ((3, 3, 3), (5, 5)), ((3, 3, 1), (5, 5, 3)), ((3,), (5, 5)), ((), ())]
)
def test_a_unit_of_other_channels_than_the_image_is_refused(unit: tuple[int, ...], image: tuple[int, ...]) -> None:
    with pytest.raises(
        ParameterError, match=r"`unit` must be k × k over an image H × W.* Got \(.* over \(.*\. Give both"
    ):
        convolve(np.zeros(unit), np.zeros(image))


def test_a_unit_larger_than_the_image_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"`kernel` must be at most the side .* Got 4 \(side 3, padding 0\)"):
        convolve(np.zeros((4, 4)), np.zeros((5, 3)))


def test_an_empty_image_and_a_stride_of_0_are_refused() -> None:
    for unit, image, stride in (((0, 0), (3, 3), 1), ((1, 1), (0, 3), 1), ((1, 1), (3, 3), 0)):
        with pytest.raises(ParameterError, match="must be at least 1"):
            convolve(np.zeros(unit), np.zeros(image), stride=stride)
