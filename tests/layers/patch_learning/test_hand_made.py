"""Units made by hand: they are what their formulas say, place by place, and cover what they promise."""

import math

import numpy as np
import pytest
from scipy.fft import dctn

from convscope.core.errors import ParameterError
from convscope.layers.patch_learning import learn_layer
from convscope.layers.patch_learning.hand_made import BANKS, dct, edges, gabor
from convscope.layers.unit import convolve
from tests.layers.patch_learning.test_patch_learning import stripes


@pytest.mark.parametrize("name", BANKS)
@pytest.mark.parametrize(("side", "channels", "units"), [(3, 1, 4), (5, 3, 19), (8, 2, 64)])
def test_a_bank_has_as_many_units_of_length_1_as_asked_and_no_two_alike(name, side, channels, units) -> None:
    bank = BANKS[name](side, channels, units).reshape(units, -1)
    assert bank.shape == (units, side * side * channels)
    likeness = bank @ bank.T
    np.testing.assert_allclose(likeness.diagonal(), 1, atol=1e-12)
    assert (likeness - np.eye(units)).max() < 0.9999


@pytest.mark.parametrize("name", ["gabor", "edges"])
def test_waves_and_edges_see_brightness_and_nothing_else(name: str) -> None:
    bank = BANKS[name](5, 3, 12)
    np.testing.assert_array_equal(bank, np.repeat(bank[..., :1], 3, axis=3))
    np.testing.assert_allclose(bank.sum(axis=(1, 2)), 0, atol=1e-12)  # an even patch gives nothing


def test_gabor_units_are_the_waves_of_the_formula() -> None:
    bank = gabor(5, 1, 16)[..., 0]  # lengths 5 and 2.5, lines and edges, 4 angles
    number = 0
    for length in (5.0, 2.5):
        for phase in (0.0, 90.0):
            for angle in (0.0, 45.0, 90.0, 135.0):
                wave, window = np.zeros((5, 5)), np.zeros((5, 5))
                for row in range(5):
                    for column in range(5):
                        y, x = row - 2, column - 2
                        along = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
                        window[row, column] = math.exp(-(x * x + y * y) / (2 * (0.4 * length) ** 2))
                        turned = 2 * math.pi * along / length - math.radians(phase)
                        wave[row, column] = window[row, column] * math.cos(turned)
                wave -= window * (wave.sum() / window.sum())
                np.testing.assert_allclose(bank[number], wave / np.linalg.norm(wave), atol=1e-12)
                number += 1


def test_the_first_gabor_units_answer_most_to_stripes_of_their_own_angle() -> None:
    bank = gabor(7, 1, 8)[4:, ..., 0]  # edges at 0°, 45°, 90°, 135°
    down, across = np.mgrid[:20, :20]
    for number, angle in enumerate(np.radians([0, 45, 90, 135])):
        stripe = np.sin(2 * np.pi * (across * np.cos(angle) + down * np.sin(angle)) / 7)
        answers = [np.abs(convolve(unit, stripe)).max() for unit in bank]
        assert int(np.argmax(answers)) == number


def test_edges_are_slopes_of_a_gaussian_and_turn_with_the_patch() -> None:
    bank = edges(5, 1, 8)[..., 0]
    for number in range(8):
        expected = np.zeros((5, 5))
        for row in range(5):
            for column in range(5):
                y, x = row - 2, column - 2
                ahead = x * math.cos(number * math.pi / 4) + y * math.sin(number * math.pi / 4)
                expected[row, column] = ahead * math.exp(-(x * x + y * y) / 2)  # deviation 1, a fifth of 5
        np.testing.assert_allclose(bank[number], expected / np.linalg.norm(expected), atol=1e-12)
        np.testing.assert_allclose(bank[(number + 4) % 8], -bank[number], atol=1e-12)
        np.testing.assert_allclose(bank[(number + 2) % 8], np.rot90(bank[number], -1), atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_dct_units_give_the_coefficients_that_scipy_gives_low_frequencies_first(channels: int) -> None:
    patch = np.random.default_rng(0).normal(size=(4, 4, channels))
    coefficients = dctn(patch, norm="ortho")
    size = 16 * channels
    bank = dct(4, channels, size)
    found = bank.reshape(size, -1) @ patch.ravel()
    np.testing.assert_allclose(np.sort(found), np.sort(coefficients.ravel()), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found), np.linalg.norm(patch), atol=1e-12)  # nothing is lost
    sums = [sum(np.unravel_index(np.abs(dctn(unit, norm="ortho")).argmax(), unit.shape)) for unit in bank]
    assert sums == sorted(sums)
    assert found[0] == pytest.approx(patch.sum() / size**0.5)


def test_made_by_hand_they_take_pixels_as_they_are_unless_whitening_is_asked_for() -> None:
    images = stripes(channels=3)
    layer = learn_layer(images, units=6, side=4, by="dct", patches=200)
    np.testing.assert_allclose(layer.weights, dct(4, 3, 6), atol=1e-12)
    white = learn_layer(images, units=6, side=4, by="dct", patches=200, whitening="zca")
    assert not np.allclose(white.weights, layer.weights, atol=1e-3)


def test_what_a_bank_cannot_give_is_refused() -> None:
    images = stripes()
    with pytest.raises(
        ParameterError, match=r"`units` of dct must be at most 9, the values of a patch 3 × 3 × 1\. Got 10\. Use fewer"
    ):
        learn_layer(images, units=10, side=3, by="dct")
    for name in ("gabor", "edges"):
        with pytest.raises(ParameterError, match=rf"`side` of a patch for {name} must be at least 3 pixels\. Got 2\."):
            learn_layer(images, units=4, side=2, by=name)
    with pytest.raises(ParameterError, match=r"`whitening` must be zca or none for gabor, .* Got 'pca'\."):
        learn_layer(images, units=4, side=3, by="gabor", whitening="pca")
    with pytest.raises(ParameterError, match=r"`units` of kmeans must be at most the number of patches, 5\. Got 6\."):
        learn_layer(images, units=6, side=3, by="kmeans", patches=5)
