"""A trace holds what the network computes; a walk takes one unit's map apart, place by place."""

import numpy as np
import pytest
import torch

from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.features.trace import trace
from convscope.features.walk import walk, walk_of_unit
from convscope.layers.geometry import Window
from convscope.layers.kinds import Pooling
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.unit import convolve
from tests.checks.models import LAYOUTS, maps_of, small_model, some_pixels, with_statistics


@pytest.mark.parametrize("text", LAYOUTS)
def test_a_trace_holds_every_map_of_the_network(text: str) -> None:
    model = small_model(text)
    with_statistics(model.network)
    pixels = some_pixels(1, seed=3)
    traced, expected = trace(model, pixels[0]), maps_of(model.network, pixels)
    np.testing.assert_allclose(traced.below, expected[0][0], rtol=1e-6)
    assert len(traced.maps) == len(traced.layers) == len(expected) - 1
    for found, wanted, layer in zip(traced.maps, expected[1:], traced.layers, strict=True):
        assert found.shape == (layer.maps, layer.rows, layer.columns)
        np.testing.assert_allclose(found, wanted[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(traced.probabilities, model.predict_proba(pixels)[0])


@pytest.mark.parametrize("pixels", [np.zeros((17, 14, 1), np.uint8), np.zeros((17, 14, 3), np.float32)])
def test_an_image_of_another_kind_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(DataError, match="`pixels` must be a uint8 array 17 14 3. Got"):
        trace(small_model(), pixels)


def test_a_walk_is_the_convolution_and_says_what_each_value_is_made_of() -> None:
    generator = np.random.default_rng(0)
    image, weights = generator.normal(size=(2, 9, 7)), generator.normal(size=(2, 3, 3))
    window = Window(kernel=3, stride=2)
    found = walk(image, weights, bias=0.5, windows=(window, window), nonlinearity="relu", channels=("a", "b"))
    expected = convolve(weights.transpose(1, 2, 0), image.transpose(1, 2, 0), bias=0.5, stride=2)
    np.testing.assert_allclose(found.values, np.maximum(expected, 0))
    for row, column in np.ndindex(expected.shape):
        assert found.total(row, column) == pytest.approx(expected[row, column])


@pytest.mark.parametrize(
    ("text", "layer"), [("4C3-MP2-6C3-AP2", 1), ("4C3-MP2-6C3-AP2", 3), ("5C4/2-3C2v-tanh", 2), ("4C3-+4C3-MP2", 2)]
)
def test_the_walk_of_a_unit_gives_its_maps(text: str, layer: int) -> None:
    model = small_model(text)
    with_statistics(model.network)
    traced = trace(model, some_pixels(1, seed=5)[0])
    for unit in (1, 3):
        found = walk_of_unit(model, traced, layer=layer, unit=unit, most=2)
        assert len(found.channels) == 2
        np.testing.assert_allclose(found.values, traced.maps[layer - 1][unit - 1], rtol=1e-4, atol=1e-5)
        after = traced.layers[layer]
        if found.pooling is not None:
            np.testing.assert_allclose(found.pooled, traced.maps[layer][unit - 1], rtol=1e-4, atol=1e-5)
        assert found.pooling is None or found.pooling.notation == after.name
        row, column = (side // 2 for side in found.values.shape)
        apply = NONLINEARITIES[found.nonlinearity].apply
        assert float(apply(torch.tensor(found.total(row, column)))) == pytest.approx(found.values[row, column])


def test_channels_have_the_names_of_what_they_are() -> None:
    model = small_model("4C3-MP2-6C3")
    traced = trace(model, some_pixels(1)[0])
    assert walk_of_unit(model, traced, layer=1, unit=1).channels == ("red", "green", "blue")
    assert walk_of_unit(model, traced, layer=3, unit=1, most=9).channels == ("map 1", "map 2", "map 3", "map 4")


@pytest.mark.parametrize(
    ("layer", "unit", "sentence"),
    [
        (2, 1, r"`layer` must be a convolution with shared weights, one of \[1, 3, 4\]. Got 2"),
        (0, 1, "`layer` must be a convolution with shared weights"),
        (99, 1, "`layer` must be a convolution with shared weights"),
        (1, 5, "`unit` must be from 1 to 4. Got 5"),
        (1, 0, "`unit` must be from 1 to 4. Got 0"),
    ],
)
def test_what_is_no_unit_is_refused(layer: int, unit: int, sentence: str) -> None:
    model = small_model("4C3-MP2-6C3-+6C3-4U3")
    with pytest.raises(ParameterError, match=sentence):
        walk_of_unit(model, trace(model, some_pixels(1)[0]), layer=layer, unit=unit)


def test_a_unit_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ParameterError, match="`weights` must be channels × rows × columns over an image"):
        walk(np.zeros((2, 5, 5)), np.zeros((3, 3)))
    with pytest.raises(ParameterError, match="`nonlinearity` must be one of"):
        walk(np.zeros((5, 5)), np.zeros((3, 3)), nonlinearity="rely")
    with pytest.raises(LayoutError):
        walk(np.zeros((5, 5)), np.zeros((6, 6)))


def test_without_a_pooling_there_is_no_smaller_map() -> None:
    assert walk(np.eye(5), np.ones((3, 3))).pooled.size == 0
    pooled = walk(np.eye(5), np.ones((3, 3)), pooling=Pooling(code="AP"))
    assert pooled.pooled.tolist() == [[pytest.approx(pooled.values.mean())]]
