"""Linear discriminant analysis with a shrunk covariance, solved in a second where least squares takes many."""

import numpy as np
from numpy.typing import NDArray

from .feature_store import Vectors
from .linear import SoftmaxClassifier


def fit_discriminant(features: Vectors, labels: NDArray[np.int64]) -> SoftmaxClassifier:
    """Return a linear discriminant analysis with weights from the pooled covariance within the classes.

    The covariance of standardized features is shrunk as Ledoit & Wolf (2004) say.

    Args:
        features: n × values.
        labels: class of each, from 0.

    Examples:
        >>> features = np.array([[-1.0, 0.1], [-1.2, -0.1], [1.0, 0.2], [1.1, -0.3]], np.float32)
        >>> fit_discriminant(features, np.array([0, 0, 1, 1])).predict(features).tolist()
        [0, 0, 1, 1]
    """
    classes = int(labels.max()) + 1
    values = features.astype(np.float64)
    means = np.stack([values[labels == number].mean(axis=0) for number in range(classes)])
    within = values - means[labels]
    scale = within.std(axis=0)
    scale[scale == 0] = 1.0
    covariance = shrunk_covariance(within / scale)
    scaled = means / scale
    weights = np.linalg.solve(covariance + 1e-9 * np.eye(len(scale)), scaled.T).T  # classes × values
    priors = np.bincount(labels, minlength=classes) / len(labels)
    return SoftmaxClassifier(
        coef_=weights / scale, intercept_=np.log(priors) - 0.5 * np.einsum("kd,kd->k", scaled, weights)
    )


def shrunk_covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of centered values, n × p, shrunk toward its mean variance (Ledoit & Wolf 2004)."""
    count, width = values.shape
    empirical = values.T @ values / count
    variance = float(np.trace(empirical)) / width
    squared = float((empirical**2).sum())
    noise = (float(((values**2).sum(axis=1) ** 2).sum()) / count - squared) / count
    spread = squared - width * variance**2
    shrinkage = min(max(noise, 0.0), spread) / spread if spread > 0 else 0.0
    result = (1 - shrinkage) * empirical
    result.flat[:: width + 1] += shrinkage * variance
    return np.asarray(result)
