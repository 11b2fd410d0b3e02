"""Linear classifiers with squared weights as penalty, fitted fast enough for trying many strengths."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .feature_store import Vectors

_STEPS = 500
_TRIALS = 50  # of a step
TOLERANCE, ROUGHLY = 1e-7, 1e-5
"""Tolerances of the objective: what the last step brings; where strengths are only compared, in half of the time."""
_FLAT = 0.1  # slope at the end of a step, of that at its beginning
Loss: TypeAlias = Callable[[Tensor, Tensor], tuple[float, Tensor]]
"""From logits, classes × n, and which class is known, 0 or 1: the sum of the losses and its gradient by the logits."""


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


def cross_entropy(logits: Tensor, known: Tensor) -> tuple[float, Tensor]:
    """Return the loss of logistic regression with its gradient, see `Loss`."""
    sums = logits.logsumexp(dim=0)
    return float((sums - (logits * known).sum(dim=0)).sum()), (logits - sums).exp() - known


def squared_hinge(logits: Tensor, known: Tensor) -> tuple[float, Tensor]:
    """Return the loss of a support vector machine for each class against all others, with its gradient, see `Loss`."""
    signs = 2 * known - 1
    short = (1 - signs * logits).clamp_min(0)
    return float(short.square().sum()), -2 * signs * short


def fit_linear(
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: int,
    strength: float,
    loss: Loss = cross_entropy,
    first: Weights | None = None,
    tolerance: float = TOLERANCE,
) -> Weights:
    """Return what minimizes strength × Σ loss + ½ Σ weight².

    Args:
        features: n × values, of standard deviation 1 or so.
        labels: class of each.
        classes: number of classes.
        strength: scikit-learn's `C`.
        loss: of the logits.
        first: weights to begin with, for example those of a smaller strength.
        tolerance: of the objective, of which the last step brings less.

    Examples:
        >>> features = np.array([[-1.0], [1.0]], np.float32)
        >>> found = fit_linear(features, np.array([0, 1]), classes=2, strength=1.0)
        >>> found.logits(features).argmax(1).tolist()
        [0, 1]
    """
    values = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    known = torch.nn.functional.one_hot(torch.from_numpy(labels), classes).T.float()
    # one row per class: products of many rows and few columns take BLAS several times as long
    weight, bias = torch.zeros(classes, values.shape[1]), torch.zeros(classes, 1)
    if first is not None:
        weight, bias = torch.from_numpy(first.weight.T.copy()), torch.from_numpy(first.bias[:, None])
    logits = torch.addmm(bias, weight, values.T)
    direction, before = torch.zeros(classes, values.shape[1] + 1), torch.ones(1)
    size = 1 / (1 + strength * float(values.square().sum()))  # for the largest curvature that there can be
    for _ in range(_STEPS):
        total, errors = loss(logits, known)
        ascent = torch.cat([strength * errors @ values + weight, strength * errors.sum(dim=1, keepdim=True)], dim=1)
        reused = float((ascent * (ascent - before)).sum() / before.square().sum())
        direction, before = max(0.0, reused) * direction - ascent, ascent
        turned, change = direction[:, :-1], torch.addmm(direction[:, -1:], direction[:, :-1], values.T)

        def slope(at: float) -> float:
            """Return the slope of the objective where a step ends."""
            errors = loss(logits + at * change, known)[1]  # noqa: B023  # used before the next one
            return strength * float((errors * change).sum()) + float(((weight + at * turned) * turned).sum())  # noqa: B023

        descent = float((ascent * direction).sum())
        size = _minimum(slope, descent, size)
        weight, bias, logits = weight + size * turned, bias + size * direction[:, -1:], logits + size * change
        if -size * descent <= tolerance * (strength * total + 0.5 * float(weight.square().sum())):
            break
    return Weights(weight=weight.T.numpy(), bias=bias[:, 0].numpy())


def _minimum(slope: Callable[[float], float], first: float, size: float) -> float:
    """Return a step, about `size`, that ends where a convex function hardly falls or rises, by regula falsi.

    Args:
        slope: of the function where a step ends.
        first: slope at the beginning, below 0.
        size: of the first trial.
    """
    low, high = 0.0, math.inf
    begun, found = low, first
    for trial in range(_TRIALS):
        there = slope(size)
        if abs(there) <= -_FLAT * first:
            return size
        low, high = (size, high) if there < 0 else (low, size)
        secant = size - there * (size - begun) / (there - found) if there != found else high
        begun, found = size, there
        halved = trial % 3 == 2 or not low < secant < high  # where a line says little
        size = min((low + high) / 2, 10 * size) if halved else secant
    return low


def regularization_path(
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: int,
    strengths: Sequence[float],
    loss: Loss = cross_entropy,
    tolerance: float = TOLERANCE,
) -> list[Weights]:
    """Return the weights for each strength, from the smallest to the largest, each begun with those before it.

    The best weights are sums of the images' features. So few images are rotated into as many values as there are
    images, which changes no result and takes less time.
    """
    basis = None
    if 2 * len(features) < features.shape[1]:
        basis, triangle = (part.numpy() for part in torch.linalg.qr(torch.from_numpy(features.T)))  # values × n, n × n
        features = triangle.T
    found: list[Weights] = []
    for strength in strengths:
        first = found[-1] if found else None
        found.append(
            fit_linear(
                features, labels, classes=classes, strength=strength, loss=loss, first=first, tolerance=tolerance
            )
        )
    return found if basis is None else [Weights(weight=basis @ one.weight, bias=one.bias) for one in found]
