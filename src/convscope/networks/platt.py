"""Platt scaling: margins become probabilities by a sigmoid for each class, normalized to sum 1 (Platt 1999).

One class against all others, fitted on images that were not learned from.
"""

import numpy as np
from numpy.typing import NDArray

from .temperature import log_softmax

Values = NDArray[np.float64]
_STEPS = 100
_FLAT = 1e-9  # a gradient
_LEAST = 1e-12  # curvature, and part of a step


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
    return log_softmax(-np.logaddexp(0, -(margins * slopes + offsets)))


def _sigmoid(margins: Values, of_class: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset for the margins N of one class; `of_class` has both values.

    They minimize the cross-entropy with Platt's targets, which are those of one more image on either side, by Newton's
    method with halved steps (Lin, Lin and Weng 2007). scipy.optimize would take longer to load than this to run.
    """
    inside = int(of_class.sum())
    target = np.where(of_class, (inside + 1) / (inside + 2), 1 / (len(margins) - inside + 2))
    scale = float(np.abs(margins).max()) or 1.0
    terms = np.stack([margins / scale, np.ones(len(margins))])  # 2 N

    def loss(numbers: Values) -> float:
        logits = numbers @ terms
        return float((np.logaddexp(0, logits) - target * logits).mean())

    numbers = np.array([0.0, np.log((inside + 1) / (len(margins) - inside + 1))])
    for _ in range(_STEPS):
        likely = np.exp(-np.logaddexp(0, -(numbers @ terms)))
        gradient = terms @ (likely - target) / len(margins)
        curvature = (terms * (likely * (1 - likely))) @ terms.T / len(margins) + _LEAST * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        before, size = loss(numbers), 1.0
        while size > _LEAST and loss(numbers - size * step) > before - 1e-4 * size * float(gradient @ step):
            size /= 2
        numbers = numbers - size * step
        if np.abs(gradient).max() <= _FLAT:
            break
    return float(numbers[0]) / scale, float(numbers[1])
