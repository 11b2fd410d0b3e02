"""A fitted linear classifier with the face of scikit-learn's, which takes seconds to load."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from .feature_store import Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearClassifier:
    """Logits are weighted sums of the features; those of a support vector machine are margins.

    Attributes:
        coef_: classes × values.
        intercept_: one a class.
    """

    coef_: NDArray[np.floating]
    intercept_: NDArray[np.floating]

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The classes, from 0."""
        return np.arange(len(self.coef_))

    def decision_function(self, features: Vectors) -> NDArray[np.float64]:
        """Return the logits, n × classes."""
        return np.asarray(features @ self.coef_.T + self.intercept_, np.float64)

    def predict(self, features: Vectors) -> NDArray[np.int64]:
        """Return the class of each."""
        return np.asarray(self.decision_function(features).argmax(axis=1))


@final
class SoftmaxClassifier(LinearClassifier):
    """The softmax of its logits are probabilities."""

    def predict_proba(self, features: Vectors) -> NDArray[np.float64]:
        """Return the probabilities, n × classes."""
        logits = self.decision_function(features)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def folds(labels: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Return the fold of each image, 0 to `count` - 1, the classes spread evenly over all of them.

    Examples:
        >>> fold = folds(np.array([0] * 6 + [1] * 3), 3, seed=0)
        >>> [sorted(np.bincount(fold[:6]).tolist()), sorted(fold[6:].tolist())]
        [[2, 2, 2], [0, 1, 2]]
    """
    rng = np.random.default_rng(seed)
    found, dealt = np.zeros(len(labels), np.int64), 0
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        found[own] = (dealt + np.arange(len(own))) % count
        dealt += len(own)
    return found
