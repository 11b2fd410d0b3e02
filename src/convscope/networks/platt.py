"""Platt scaling: margins become probabilities by a sigmoid for each class, normalized to sum 1 (Platt 1999).

One class against all others, fitted on images that were not learned from.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


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
    """Return slope and offset for the margins N of one class; `of_class` has both values.

    They minimize the cross-entropy with Platt's targets, which are those of one more image on either side.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    inside = int(of_class.sum())
    target = np.where(of_class, (inside + 1) / (inside + 2), 1 / (len(margins) - inside + 2))
    scale = float(np.abs(margins).max()) or 1.0
    scaled = margins / scale

    def loss(numbers: Values) -> tuple[float, Values]:
        """Return the cross-entropy and its gradient."""
        logits = scaled * numbers[0] + numbers[1]
        wrong = expit(logits) - target
        return float((np.logaddexp(0, logits) - target * logits).mean()), np.array(
            [(wrong * scaled).mean(), wrong.mean()]
        )

    prior = np.log((inside + 1) / (len(margins) - inside + 1))
    slope, offset = minimize(loss, [0.0, prior], jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 1e-14}).x
    return float(slope) / scale, float(offset)
