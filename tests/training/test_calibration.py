"""Margins become probabilities that fit, and the order of the classes stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

from convscope.training.calibration import calibrate, fitting_temperature
from tests.training.small import begin, small_recipe, stripes


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    random = np.random.default_rng(0)
    scores = temperature * random.normal(0, 2, (20_000, 4))
    chances = softmax(scores / temperature, axis=1).cumsum(axis=1)
    labels = (random.random((20_000, 1)) > chances[:, :3]).sum(axis=1)
    assert fitting_temperature(scores, labels) == pytest.approx(temperature, rel=0.03)


def test_no_other_temperature_fits_better() -> None:
    random = np.random.default_rng(1)
    scores, labels = random.normal(0, 3, (40, 3)), random.integers(0, 3, 40)
    share = 1 - 1 / 42

    def loss(temperature: float) -> float:
        total = 0.0
        for row, label in zip(scores / temperature, labels, strict=True):
            for number, chance in enumerate(softmax(row)):
                total -= (share if number == label else (1 - share) / 2) * np.log(chance)
        return total

    found = fitting_temperature(scores, labels)
    assert all(loss(found) <= loss(found * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0))


@pytest.mark.parametrize("scores", [[[5.0, 0.0]], [[5.0, 0.0], [4.0, 1.0]], [[0.0, 0.0]], [[0.0, 5.0]]])
def test_few_pictures_give_a_temperature_that_leaves_a_doubt(scores: list[list[float]]) -> None:
    found = fitting_temperature(np.array(scores), np.zeros(len(scores), np.int64))
    assert 1e-3 <= found <= 1e3
    assert softmax(np.array(scores[0]) / found)[0] < 0.9


@pytest.mark.parametrize("classifier", ["svm", "hinge"])
def test_a_network_is_calibrated_on_pictures_held_out_and_says_so(classifier: str) -> None:
    data = stripes()
    network = begin(data, small_recipe(), layout=f"4C3-MP2-{classifier}").network.eval()
    before = network.probabilities(data.images)
    found = calibrate(network, data)
    assert (found.pictures, found.held_out) == (10, True)
    assert float(network.temperature) == pytest.approx(found.temperature)
    after = network.probabilities(data.images)
    assert torch.equal(before.argsort(dim=1), after.argsort(dim=1))
    right = after[data.validation, data.labels[data.validation]]
    assert float(-right.log().mean().detach()) == pytest.approx(found.loss, abs=1e-5)
    assert str(found).startswith(
        f"probabilities are the softmax of the scores divided by {found.temperature:.3g}, which"
    )
    assert "fits 10 pictures held out best" in str(found)
    trained = calibrate(network, replace(data, validation=torch.arange(0)))
    assert (trained.pictures, trained.held_out) == (40, False)
    assert "40 training pictures, so that they are too sure" in str(trained)


def test_softmax_needs_no_temperature() -> None:
    data = stripes()
    assert calibrate(begin(data, small_recipe()).network, data) is None
