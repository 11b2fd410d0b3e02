"""Linear classifiers with squared weights as penalty, fitted fast enough for trying many strengths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .feature_store import Vectors

_MEMORY = 10  # steps whose curvature L-BFGS remembers
_STEPS = 200
_TOLERANCE = 1e-4  # of the gradient of the mean loss
Loss: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From logits, n × classes, and the class of each: the mean loss and its gradient by the logits."""


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


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of logistic regression with its gradient, see `Loss`."""
    known = torch.nn.functional.one_hot(labels, logits.shape[1])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return loss, (torch.softmax(logits, dim=1) - known) / len(labels)


def squared_hinge(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of a support vector machine for each class against all others, with its gradient, see `Loss`."""
    signs = 2 * torch.nn.functional.one_hot(labels, logits.shape[1]) - 1
    short = (1 - signs * logits).clamp_min(0)
    return short.square().sum(dim=1).mean(), -2 * signs * short / len(labels)


def fit_linear(
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: int,
    strength: float,
    loss: Loss = cross_entropy,
    first: Weights | None = None,
) -> Weights:
    """Return what minimizes strength × Σ loss + ½ Σ weight².

    Args:
        features: n × values, of standard deviation 1 or so.
        labels: class of each.
        classes: number of classes.
        strength: scikit-learn's `C`.
        loss: of the logits.
        first: weights to begin with, for example those of a smaller strength.

    Examples:
        >>> features = np.array([[-1.0], [1.0]], np.float32)
        >>> found = fit_linear(features, np.array([0, 1]), classes=2, strength=1.0)
        >>> found.logits(features).argmax(1).tolist()
        [0, 1]
    """
    from scipy.optimize import minimize  # torch.optim loads torch's compiler, which takes seconds

    values = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    target, width = torch.from_numpy(labels), values.shape[1]
    penalty = 1 / (2 * strength * len(labels))

    def penalized(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the mean loss with the penalty, and its gradient."""
        # one row a class: products of many rows and few columns take BLAS several times as long
        table = torch.from_numpy(numbers.astype(np.float32)).view(classes, width + 1)
        weight, bias = table[:, :width], table[:, width:]
        mean, wrong = loss(torch.addmm(bias, weight, values.T).T, target)
        errors = wrong.T.contiguous()
        gradient = torch.cat([errors @ values + 2 * penalty * weight, errors.sum(dim=1, keepdim=True)], dim=1)
        return float(mean + penalty * weight.square().sum()), gradient.flatten().double().numpy()

    begun = np.zeros((classes, width + 1))
    if first is not None:
        begun = np.concatenate([first.weight.T, first.bias[:, None]], axis=1)
    options = {"maxiter": _STEPS, "maxcor": _MEMORY, "gtol": _TOLERANCE / 10, "ftol": 1e-9}
    found = minimize(penalized, begun.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(classes, -1)
    return Weights(weight=found[:, :-1].T.astype(np.float32), bias=found[:, -1].astype(np.float32))


def regularization_path(
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: int,
    strengths: Sequence[float],
    loss: Loss = cross_entropy,
) -> list[Weights]:
    """Return the weights for each strength, from the smallest to the largest, each begun with those before it.

    The best weights are sums of the images' features. So few images are rotated into as many values as there are
    images, which changes no result and takes less time.
    """
    basis = None
    if len(features) < features.shape[1]:
        basis, triangle = (part.numpy() for part in torch.linalg.qr(torch.from_numpy(features.T)))  # values × n, n × n
        features = triangle.T
    found: list[Weights] = []
    for strength in strengths:
        first = found[-1] if found else None
        found.append(fit_linear(features, labels, classes=classes, strength=strength, loss=loss, first=first))
    return found if basis is None else [Weights(weight=basis @ one.weight, bias=one.bias) for one in found]
