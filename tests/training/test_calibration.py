"""Logits and margins become probabilities that fit validation images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.svm import LinearSVC

from convscope.networks.platt import fitting_sigmoids, likelihoods
from convscope.training.calibration import calibrate, fitting_temperature
from tests.training.small import begin, small_recipe, stripes


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    random = np.random.default_rng(0)
    logits = temperature * random.normal(0, 2, (20_000, 4))
    chances = softmax(logits / temperature, axis=1).cumsum(axis=1)
    labels = (random.random((20_000, 1)) > chances[:, :3]).sum(axis=1)
    assert fitting_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


def test_no_other_temperature_fits_better() -> None:
    random = np.random.default_rng(1)
    logits, labels = random.normal(0, 3, (40, 3)), random.integers(0, 3, 40)
    share = 1 - 1 / 42

    def loss(temperature: float) -> float:
        total = 0.0
        for row, label in zip(logits / temperature, labels, strict=True):
            for number, chance in enumerate(softmax(row)):
                total -= (share if number == label else (1 - share) / 2) * np.log(chance)
        return total

    found = fitting_temperature(logits, labels)
    assert all(loss(found) <= loss(found * factor) for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0))


@pytest.mark.parametrize("logits", [[[5.0, 0.0]], [[5.0, 0.0], [4.0, 1.0]], [[0.0, 0.0]], [[0.0, 5.0]]])
def test_few_images_give_a_temperature_that_leaves_a_doubt(logits: list[list[float]]) -> None:
    found = fitting_temperature(np.array(logits), np.zeros(len(logits), np.int64))
    assert 1e-3 <= found <= 1e3
    assert softmax(np.array(logits[0]) / found)[0] < 0.9


def test_sigmoids_are_those_of_scikit_learn() -> None:
    features, labels = load_iris(return_X_y=True)
    svm = LinearSVC(C=0.01).fit(features[::2], labels[::2])
    logits, rows = svm.decision_function(features), np.arange(1, 150, 2)
    platt = CalibratedClassifierCV(FrozenEstimator(svm), method="sigmoid", cv=2).fit(features[rows], labels[rows])
    found = np.exp(likelihoods(logits, *fitting_sigmoids(logits[rows], labels[rows])))
    np.testing.assert_allclose(found, platt.predict_proba(features), atol=1e-6)


def test_a_class_without_images_has_the_sigmoid_of_all_together() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    logits = random.normal(0, 1, (200, 3)) + 3 * (labels[:, None] == np.arange(3))
    slopes, offsets = fitting_sigmoids(logits, labels)
    assert slopes.min() > 0.5
    correct = labels[:, None] == np.arange(3)
    (slope, _), (offset, _) = fitting_sigmoids(np.c_[logits.ravel(), logits.ravel()], 1 - correct.ravel())
    assert (slopes[2], offsets[2]) == pytest.approx((slope, offset))
    alone = fitting_sigmoids(logits[:, :1], np.zeros(200, np.int64))  # one class in all
    assert np.ravel(alone).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("classifier", ["svm", "hinge"])
def test_margins_are_calibrated_on_validation_images_and_it_is_said(classifier: str) -> None:
    data = stripes()
    network = begin(data, small_recipe(), layout=f"4C3-MP2-{classifier}").network.eval()
    found = calibrate(network, data)
    assert (found.method, found.images, found.on_validation) == ("platt", 10, True)
    after = network.probabilities(data.images).detach()
    correct = after[data.validation, data.labels[data.validation]]
    assert float(-correct.log().mean()) == pytest.approx(found.loss, abs=1e-5)
    assert found.loss < found.loss_before
    assert "probabilities are calibrated: a sigmoid of the margin for each class (Platt scaling)" in str(found)
    assert "fitted on 10 validation images" in str(found)
    trained = calibrate(network, replace(data, validation=torch.arange(0)))
    assert (trained.images, trained.on_validation) == (40, False)
    assert "40 training images, so they are overconfident" in str(trained)


def test_softmax_has_the_temperature_that_fits_validation_images_and_keeps_its_order() -> None:
    data = stripes()
    network = begin(data, small_recipe()).network.eval()
    before = network.probabilities(data.images)
    assert calibrate(network, replace(data, validation=torch.arange(0))) is None
    assert float(network.temperature) == 1.0
    found = calibrate(network, data)
    assert found.method == "temperature"
    assert float(network.temperature) == pytest.approx(found.temperature)
    assert found.loss <= found.loss_before
    after = network.probabilities(data.images)
    assert torch.equal(before.argsort(dim=1), after.argsort(dim=1))
    correct = after.detach()[data.validation, data.labels[data.validation]]
    share = 1 - 1 / (len(data.validation) + 2)  # of the right class, as Platt has it
    loss = -(share * correct.log() + (1 - share) * (1 - correct).log()).mean()  # of two classes
    assert float(loss) == pytest.approx(found.loss, abs=1e-5)
    assert str(found).startswith(
        f"probabilities are calibrated: the softmax of the logits divided by {found.temperature:.3g}, fitted on 10 "
    )
