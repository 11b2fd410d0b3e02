"""The step itself: one unit at every place of an image."""

import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers import HiddenLayer, convolve
from convscope.layers import unit as unit_module
from convscope.layers.unit import every_patch, in_bands
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
    for by in ("loop", "engine"):
        np.testing.assert_allclose(convolve(unit, image, bias=0.25, stride=stride, by=by), features, rtol=0, atol=1e-9)
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


WAYS = ("loop", "product", "engine")


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("stride", [1, 3])
def test_a_layer_learned_on_patches_gives_at_every_place_what_it_gives_for_the_patch(by: str, stride: int) -> None:
    random = np.random.default_rng(0)
    layer = HiddenLayer(weights=random.normal(size=(6, 4, 4, 2)), biases=random.normal(size=6), nonlinearity=np.tanh)
    image = random.normal(size=(21, 17, 2))
    maps = layer.everywhere(image, stride=stride, by=by)
    assert maps.shape == ((21 - 4) // stride + 1, (17 - 4) // stride + 1, 6)
    for row in range(maps.shape[0]):
        for column in range(maps.shape[1]):
            top, left = row * stride, column * stride
            (features,) = layer.over(image[None, top : top + 4, left : left + 4])
            np.testing.assert_allclose(maps[row, column], features, rtol=0, atol=1e-9)


def test_a_hidden_layer_of_scikit_learn_is_copied() -> None:
    random = np.random.default_rng(0)
    patches, labels = random.normal(size=(60, 5, 5, 1)), np.arange(60) % 2
    network = MLPClassifier((8,), max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        network.fit(patches.reshape(60, -1), labels)
    layer = HiddenLayer(weights=network.coefs_[0].T.reshape(8, 5, 5, 1), biases=network.intercepts_[0])
    maps = layer.everywhere(patches[0])
    sums = patches[0].reshape(1, -1) @ network.coefs_[0] + network.intercepts_[0]
    np.testing.assert_allclose(maps[0, 0], np.maximum(sums[0], 0), rtol=0, atol=1e-12)


@settings(LAWS, max_examples=40)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 8), st.integers(1, 8), st.sampled_from(WAYS))
def test_turned_round_it_is_the_convolution_of_mathematics(height, width, rows, columns, by) -> None:
    random = np.random.default_rng(height)
    unit, image = random.normal(size=(height, width)), random.normal(size=(rows, columns))
    full = convolve(unit, image, flip=True, edge="full", by=by)
    np.testing.assert_allclose(full, scipy.signal.convolve2d(image, unit), rtol=0, atol=1e-12)
    np.testing.assert_allclose(full, convolve(image, unit, flip=True, edge="full", by=by), rtol=0, atol=1e-12)
    correlated = convolve(unit, image, edge="full", by=by)
    np.testing.assert_allclose(correlated, scipy.signal.correlate2d(image, unit), rtol=0, atol=1e-12)
    line = convolve(unit[0], image[0], flip=True, edge="full", by=by)
    np.testing.assert_allclose(line, np.convolve(unit[0], image[0]), rtol=0, atol=1e-12)


def test_the_distribution_of_a_sum_is_found_by_counting_too() -> None:
    dice = [[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]
    counted = np.zeros(5)
    for first, one in enumerate(dice[0]):
        for second, other in enumerate(dice[1]):
            counted[first + second] += one * other
    np.testing.assert_allclose(convolve(dice[0], dice[1], flip=True, edge="full"), counted, rtol=0, atol=1e-15)


def test_ways_edges_and_layers_that_are_none_are_refused() -> None:
    square = np.ones((2, 2))
    with pytest.raises(ParameterError, match=r"`by` must be one of loop, product, engine\. Got 'fft'"):
        convolve(square, square, by="fft")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"`edge` must be one of valid, full\. Got 'same'"):
        convolve(square, square, edge="same")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"`weights` must be units × k × k × channels and `biases` one a unit"):
        HiddenLayer(weights=np.ones((2, 3, 3, 1)), biases=np.zeros(3))
    layer = HiddenLayer(weights=np.ones((2, 3, 3, 1)), biases=np.zeros(2))
    with pytest.raises(ParameterError, match=r"`image` must be H × W × 1\. Got \(5, 5\)\."):
        layer.everywhere(np.ones((5, 5)))
    with pytest.raises(ParameterError, match=r"`patches` must be N × 3 × 3 × 1\. Got \(4, 2, 2, 1\)\."):
        layer.over(np.ones((4, 2, 2, 1)))
    with pytest.raises(LayoutError, match="`kernel` must be at most the side of the map"):
        layer.everywhere(np.ones((2, 5, 1)))


def test_places_are_looked_at_in_bands_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    unit, image = rng.normal(size=(3, 4, 2)), rng.normal(size=(9, 11, 2))
    whole, sizes = convolve(unit, image, by="product"), []
    monkeypatch.setattr(unit_module, "_BAND_VALUES", 2 * 8 * 24)  # two rows of eight places of 24 values

    def counted(some: np.ndarray) -> np.ndarray:
        sizes.append(len(some))
        return some.reshape(len(some), -1)

    in_bands(every_patch(image, 3, 4), counted)
    assert sizes == [16, 16, 16, 8]
    np.testing.assert_allclose(convolve(unit, image, by="product"), whole, rtol=0, atol=1e-12)
