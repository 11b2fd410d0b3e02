"""Logistic regression: the minimum that scikit-learn finds, too."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from convscope.core.errors import ParameterError
from convscope.transfer.discriminant import fit_discriminant, shrunk_covariance
from convscope.transfer.head_choice import MOST_CLASSES, choose_head
from convscope.transfer.linear import SoftmaxClassifier
from convscope.transfer.linear_fit import Scale, fit_linear, regularization_path, squared_hinge


def clouds(classes: int = 3, images: int = 30, values: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(images) % classes
    centers = rng.normal(size=(classes, values))
    return (centers[labels] + rng.normal(size=(images, values))).astype(np.float32), labels


@pytest.mark.parametrize("values", [12, 45])  # fewer and more than images
@pytest.mark.parametrize("strength", [1e-3, 1e-1, 10.0])
def test_it_is_the_minimum_that_scikit_learn_finds(strength: float, values: int) -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = clouds(values=values)
    (found,) = regularization_path(features, labels, classes=3, strengths=[strength])
    oracle = LogisticRegression(C=strength, tol=1e-8, max_iter=5_000).fit(features.astype(float), labels)
    logits = oracle.decision_function(features.astype(float))
    ours = found.logits(features) - found.logits(features).mean(axis=1, keepdims=True)
    expected = logits - logits.mean(axis=1, keepdims=True)
    assert np.abs(ours - expected).max() < 0.02 * np.abs(expected).max()


def test_an_svm_is_the_minimum_that_scikit_learn_finds() -> None:
    from sklearn.svm import LinearSVC

    features, labels = clouds()
    (found,) = regularization_path(features, labels, classes=3, strengths=[0.1], loss=squared_hinge)
    oracle = LinearSVC(C=0.1, tol=1e-8, intercept_scaling=100.0, max_iter=100_000).fit(features.astype(float), labels)
    np.testing.assert_allclose(found.logits(features), oracle.decision_function(features.astype(float)), atol=5e-3)


def test_a_path_ends_where_a_single_fit_ends() -> None:
    features, labels = clouds()
    path = regularization_path(features, labels, classes=3, strengths=(1e-3, 1e-2, 1e-1))
    single = fit_linear(features, labels, classes=3, strength=1e-1)
    assert np.abs(path[-1].logits(features) - single.logits(features)).max() < 2e-2


def test_a_scale_can_be_undone() -> None:
    features, labels = clouds()
    features = features * 7 + 3
    scale = Scale.of(features)
    weights = fit_linear(scale.scaled(features), labels, classes=3, strength=1.0)
    expected = weights.logits(scale.scaled(features))
    assert np.abs(scale.undone(weights).logits(features) - expected).max() < 1e-3


def test_the_discriminant_agrees_with_that_of_scikit_learn() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    features, labels = clouds(images=300)
    oracle = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(features, labels)
    agreed = fit_discriminant(features, labels).predict(features) == oracle.predict(features)
    assert agreed.mean() > 0.98


def test_the_covariance_is_shrunk_as_in_scikit_learn() -> None:
    from sklearn.covariance import ledoit_wolf

    values = np.random.default_rng(0).normal(size=(40, 25)) * np.linspace(0.1, 3, 25)
    expected, shrinkage = ledoit_wolf(values, assume_centered=True)
    assert 0 < shrinkage < 1
    np.testing.assert_allclose(shrunk_covariance(values), expected, rtol=1e-9, atol=1e-12)


def test_a_linear_classifier_gives_probabilities_as_scikit_learn_does() -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = clouds()
    oracle = LogisticRegression().fit(features, labels)
    ours = SoftmaxClassifier(coef_=oracle.coef_, intercept_=oracle.intercept_)
    np.testing.assert_allclose(ours.predict_proba(features), oracle.predict_proba(features), atol=1e-6)
    assert (ours.predict(features) == oracle.predict(features)).all()


@pytest.mark.parametrize("name", ["softmax", "svm"])
def test_threads_that_try_folds_change_no_bit(name: str) -> None:
    features, labels = clouds(images=60)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one, two = (choose_head(name, [features], labels, threads=threads) for threads in (1, 2))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.fitted.coef_, two.fitted.coef_)


def test_linear_classifiers_load_no_scikit_learn() -> None:
    code = """
import sys
import numpy as np
import convscope.transfer.fine_tuning
from convscope.networks.platt import fitting_sigmoids
from convscope.transfer.head_choice import choose_head
for name in ("softmax", "svm", "lda"):
    head = choose_head(name, [np.eye(8, dtype=np.float32)], np.arange(8) % 2)
    fitting_sigmoids(head.scores, np.arange(8) % 2)
sys.exit("sklearn" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ten_thousand_classes_are_refused() -> None:
    with pytest.raises(ParameterError, match=f"{MOST_CLASSES:,}"):
        choose_head("softmax", [np.zeros((10_000, 2), np.float32)], np.arange(10_000))
