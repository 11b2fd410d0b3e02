"""Platt scaling: margins become probabilities by a sigmoid for each class, normalized to sum 1 (Platt 1999).

The sigmoids are scikit-learn's: one class against all others, fitted on images that were not learned from.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV

Values = NDArray[np.float64]


class _Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier without parameters whose decision function is its input."""

    classes_ = np.array([False, True])

    def fit(self, margins: Values, of_class: NDArray[np.bool_]) -> "_Given":
        """Return the classifier; there is nothing to fit."""
        return self

    def decision_function(self, margins: Values) -> Values:
        """Return the margins."""
        return margins[:, 0]

    def predict(self, margins: Values) -> NDArray[np.bool_]:
        """Return whether they are above 0."""
        above: NDArray[np.bool_] = margins[:, 0] > 0
        return above


def fitting_sigmoids(margins: Values, labels: NDArray[np.int64]) -> tuple[Values, Values]:
    """Return slopes K and offsets K, so that a class is as likely as 1 / (1 + exp(-(slope × margin + offset))) says.

    A class of which there are no images, or nothing but images, has the sigmoid of all classes together.

    Args:
        margins: N K.
        labels: N, at least one.

    Examples:
        >>> margins = np.array([[2.0, -2.0], [-1.0, 1.0], [1.0, -1.0], [-2.0, 2.0]] * 5)
        >>> slopes, offsets = fitting_sigmoids(margins, np.array([0, 1, 0, 1] * 5))
        >>> bool((slopes > 1).all()), bool((np.abs(offsets) < 1e-3).all())
        (True, True)
    """
    of_class = labels[:, None] == np.arange(margins.shape[1])  # N K
    together: tuple[float, float] | None = None
    sigmoids = []
    for number in range(margins.shape[1]):
        if 0 < of_class[:, number].sum() < len(labels):
            sigmoids.append(_sigmoid(margins[:, number], of_class[:, number]))
            continue
        together = together or (_sigmoid(margins.ravel(), of_class.ravel()) if margins.shape[1] > 1 else (1.0, 0.0))
        sigmoids.append(together)
    slopes, offsets = np.array(sigmoids).T
    return slopes, offsets


def likelihoods(margins: Values, slopes: Values, offsets: Values) -> Values:
    """Return the logarithms of the probabilities N K that sigmoids make of margins N K."""
    from scipy.special import log_expit, log_softmax

    result: Values = log_softmax(log_expit(margins * slopes + offsets), axis=1)
    return result


def _sigmoid(margins: Values, of_class: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset for the margins N of one class; `of_class` has both values."""
    every = np.arange(len(margins))
    calibrated = CalibratedClassifierCV(_Given(), method="sigmoid", cv=[(every, every)], ensemble=False)
    sigmoid: Any = calibrated.fit(margins[:, None], of_class).calibrated_classifiers_[0].calibrators[0]
    return -float(sigmoid.a_), -float(sigmoid.b_)
