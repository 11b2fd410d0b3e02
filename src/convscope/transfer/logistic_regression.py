"""Logistic regression with several classes and squared weights as penalty, fast enough for trying many strengths."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .feature_store import Vectors

_MEMORY = 10  # steps whose curvature L-BFGS remembers
_STEPS = 200
_TOLERANCE = 1e-4  # of the gradient of the mean loss


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """Logits = features × weight + bias: weight is values × classes, bias one a class."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: Vectors) -> NDArray[np.float64]:
        """Return n × classes."""
        return np.asarray(features @ self.weight + self.bias, np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale:
    """Features less the mean of each, over one standard deviation for all.

    Dividing each by its own deviation, which is usual, makes the rare and noisy ones as large as the others: on
    photographs it costs 1 to 2 points, the more the fewer there are.
    """

    mean: NDArray[np.float32]
    deviation: float

    @classmethod
    def of(cls, features: Vectors) -> "Scale":
        """Return the scale of features, n × values."""
        return cls(mean=features.mean(axis=0), deviation=float(features.std(axis=0).mean()) or 1.0)

    def scaled(self, features: Vectors) -> Vectors:
        """Return the features on this scale."""
        return (features - self.mean) / np.float32(self.deviation)

    def undone(self, weights: Weights) -> Weights:
        """Return weights for features as they are, from those for scaled ones."""
        weight = weights.weight / np.float32(self.deviation)
        return Weights(weight=weight, bias=weights.bias - self.mean @ weight)


def fit_logistic(
    features: Vectors, labels: NDArray[np.int64], *, classes: int, strength: float, first: Weights | None = None
) -> Weights:
    """Return what minimizes strength × Σ cross-entropy + ½ Σ weight².

    Args:
        features: n × values, of standard deviation 1 or so.
        labels: class of each.
        classes: number of classes.
        strength: scikit-learn's `C`.
        first: weights to begin with, for example those of a smaller strength.

    Examples:
        >>> features = np.array([[-1.0], [1.0]], np.float32)
        >>> found = fit_logistic(features, np.array([0, 1]), classes=2, strength=1.0)
        >>> found.logits(features).argmax(1).tolist()
        [0, 1]
    """
    from scipy.optimize import minimize  # torch.optim loads torch's compiler, which takes seconds

    values = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    target, width = torch.from_numpy(labels), values.shape[1]
    known = torch.nn.functional.one_hot(target, classes).float()
    penalty = 1 / (2 * strength * len(labels))

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        table = torch.from_numpy(numbers.astype(np.float32)).view(-1, classes)
        weight, bias = table[:width], table[width]
        logits = torch.addmm(bias, values, weight)
        wrong = (torch.softmax(logits, dim=1) - known) / len(target)
        entropy = torch.nn.functional.cross_entropy(logits, target)
        gradient = torch.cat([values.T @ wrong + 2 * penalty * weight, wrong.sum(dim=0, keepdim=True)])
        return float(entropy + penalty * weight.square().sum()), gradient.flatten().double().numpy()

    begun = np.zeros((width + 1, classes))
    if first is not None:
        begun = np.concatenate([first.weight, first.bias[None]])
    options = {"maxiter": _STEPS, "maxcor": _MEMORY, "gtol": _TOLERANCE / 10, "ftol": 1e-9}
    found = minimize(loss, begun.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(-1, classes)
    return Weights(weight=found[:-1].astype(np.float32), bias=found[-1].astype(np.float32))


def regularization_path(
    features: Vectors, labels: NDArray[np.int64], *, classes: int, strengths: Sequence[float]
) -> list[Weights]:
    """Return the weights for each strength, from the smallest to the largest, each begun with those before it."""
    found: list[Weights] = []
    for strength in strengths:
        first = found[-1] if found else None
        found.append(fit_logistic(features, labels, classes=classes, strength=strength, first=first))
    return found
