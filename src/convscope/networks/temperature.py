"""The temperature that logits are divided by before the softmax, to calibrate probabilities (Guo et al. 2017)."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_LARGEST = 1e3
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 30  # the interval of powers shrinks to 14 / 1.618^30 = 7e-6


def fitting_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature, 0.001…1000, at which softmax(logits / temperature) fits the labels best.

    As in Platt scaling (Platt 1999), the target probability of the correct class is slightly below 1, so that the
    temperature stays above 0 even where all images are recognized.

    Args:
        logits: N K.
        labels: N, at least one.

    Examples:
        >>> fitting_temperature(np.array([[9.0, 0.0]] * 4), np.array([0, 0, 0, 1])) > 5    # overconfident
        True
    """
    fraction = softened(len(labels))

    def loss(power: float) -> float:
        return cross_entropy_at(logits * math.exp(-power), labels, fraction=fraction)

    return math.exp(_lowest(loss, -math.log(_LARGEST), math.log(_LARGEST)))


def losses_at(logits: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> tuple[float, float]:
    """Return the cross-entropy that `fitting_temperature` makes small, at temperature 1 and at this one.

    Examples:
        >>> logits, labels = np.array([[9.0, 0.0]] * 4), np.array([0, 0, 0, 1])
        >>> before, after = losses_at(logits, labels, fitting_temperature(logits, labels))
        >>> after < before
        True
    """
    fraction = softened(len(labels))
    before, after = (cross_entropy_at(logits / divisor, labels, fraction=fraction) for divisor in (1.0, temperature))
    return before, after


def softened(images: int) -> float:
    """Return the target probability of the correct class for so many images (Platt 1999)."""
    return 1 - 1 / (images + 2)


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function`, which falls and then rises, is lowest between `low` and `high` (golden section).

    scipy.optimize does the same, but takes longer to load than small sets take to learn.
    """
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities N K that a softmax makes of logits N K."""
    below = logits - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
    return result


def cross_entropy_at(logits: NDArray[np.float64], labels: NDArray[np.int64], *, fraction: float = 1.0) -> float:
    """Return the mean cross-entropy in nats with a target of `fraction` for the correct class, the rest for others."""
    logs = log_softmax(logits)
    correct = logs[np.arange(len(labels)), labels]
    others = (logs.sum(axis=1) - correct) / max(1, logits.shape[1] - 1)
    return float(-np.mean(fraction * correct + (1 - fraction) * others))
