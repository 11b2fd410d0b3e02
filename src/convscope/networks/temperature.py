"""The temperature by which margins are divided before the softmax makes probabilities of them (Guo et al. 2017)."""

import math

import numpy as np
from numpy.typing import NDArray

_LARGEST = 1e3


def fitting_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature, 0.001…1000, at which softmax(scores / temperature) fits the labels best.

    As in Platt scaling (Platt 1999), the right class is to have not quite all of the probability, so that even pictures
    that are all told apart ask for a temperature above 0.

    Args:
        scores: N K.
        labels: N, at least one.

    Examples:
        >>> fitting_temperature(np.array([[9.0, 0.0]] * 4), np.array([0, 0, 0, 1])) > 5    # far too sure
        True
    """
    from scipy.optimize import minimize_scalar

    share = 1 - 1 / (len(labels) + 2)
    reach = math.log(_LARGEST)
    found = minimize_scalar(
        lambda power: cross_entropy_at(scores * math.exp(-power), labels, share=share),
        bounds=(-reach, reach),
        method="bounded",
    )
    return float(math.exp(found.x))


def cross_entropy_at(scores: NDArray[np.float64], labels: NDArray[np.int64], *, share: float = 1.0) -> float:
    """Return the mean cross-entropy in nats when the right class is to have this share and the others the rest."""
    from scipy.special import log_softmax

    logs = log_softmax(scores, axis=1)
    right = logs[np.arange(len(labels)), labels]
    others = (logs.sum(axis=1) - right) / max(1, scores.shape[1] - 1)
    return float(-np.mean(share * right + (1 - share) * others))
