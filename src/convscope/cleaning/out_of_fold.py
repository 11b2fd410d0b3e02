"""Predictions for images by classifiers that did not learn from them: cross-validation on the features of a network."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.machine import tuned
from convscope.networks.temperature import cross_entropy_at, fitting_temperature
from convscope.transfer.feature_store import Vectors

_FOLDS, _REPEATS = 5, 3
_COMPONENTS = 256  # principal ones, which hold what counts
_SHRINKAGES = (0.2, 0.5)


def out_of_fold(
    features: Vectors,
    labels: NDArray[np.int64],
    *,
    classes: int,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the probability of each class for each image, N K, by linear discriminants that did not learn from it.

    The logits are the mean of three cross-validations; shrinkage and temperature are those of the smallest loss.
    Discriminants learn little from single images, so that wrong labels mislead them less than logistic regression
    (docs/decisions/0017-confident-learning.md).

    Args:
        features: n × values.
        labels: class of each image; at least two images of every class that occurs.
        classes: number of classes.
        groups: images of one group are in one fold, so that no copy of an image is learned from; each by itself if
            None.
        seed: of the folds.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    logits = np.zeros((len(_SHRINKAGES), len(labels), classes))
    with tuned(1):  # more threads take longer for products this small
        values = _principal(features)
        every = _Scatter.of(values, labels, classes)
        for repeat in range(_REPEATS):
            folds = _folds(labels, groups, seed * _REPEATS + repeat)
            for fold in range(_FOLDS):
                other = folds == fold
                if other.any():
                    part = _Scatter.of(values[other], labels[other], classes)
                    logits[:, other] += every.without(part).discriminants(values[other])
    scaled = [one / _REPEATS / fitting_temperature(one / _REPEATS, labels) for one in logits]
    best = min(scaled, key=lambda one: cross_entropy_at(one, labels))
    odds = np.exp(best - best.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scatter:
    """What discriminants learn from images: their number and sum by class, K and K d, and the sum of squares, d d.

    Those of all images less those of a fold are those of the others, so that every image is multiplied out once.
    """

    counts: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], labels: NDArray[np.int64], classes: int) -> "_Scatter":
        known, rows = np.eye(classes)[labels], torch.from_numpy(values)
        products = (rows.T @ rows).numpy()  # torch's products and solutions take a quarter of the time of numpy's
        return cls(counts=known.sum(axis=0), sums=known.T @ values, squares=products)

    def without(self, part: "_Scatter") -> "_Scatter":
        return _Scatter(
            counts=self.counts - part.counts, sums=self.sums - part.sums, squares=self.squares - part.squares
        )

    def discriminants(self, others: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of other images, one for each shrinkage: s n K."""
        counts, images = self.counts, self.counts.sum()
        means = self.sums / np.maximum(counts, 1)[:, None]
        covariance = (self.squares - means.T @ self.sums) / images  # within the classes
        scale = max(float(np.trace(covariance)) / len(covariance), 1e-12) * np.eye(len(covariance))
        priors = np.log(np.maximum(counts, 1) / images)
        found = []
        for shrinkage in _SHRINKAGES:
            shrunk = torch.from_numpy((1 - shrinkage) * covariance + shrinkage * scale)
            weights = torch.linalg.solve(shrunk, torch.from_numpy(means.T)).numpy()  # values × K
            logits = others @ weights - 0.5 * (means.T * weights).sum(axis=0) + priors
            found.append(np.where(counts > 0, logits, logits.min(axis=1, keepdims=True)))  # unknown ones: never likely
        return np.stack(found)


def _principal(features: Vectors) -> NDArray[np.float64]:
    """Return the first principal components of features, n × at most 256; labels have no part in them."""
    centered = np.asarray(features - features.mean(axis=0), np.float64)
    if features.shape[1] <= _COMPONENTS:
        return centered
    if len(features) >= features.shape[1]:
        return centered @ _eigenvectors(centered.T @ centered)[1][:, -_COMPONENTS:]
    squares, axes = _eigenvectors(centered @ centered.T)  # of n x n, which has the same eigenvalues but for zeros
    found = (axes * np.sqrt(np.maximum(squares, 0)))[:, -_COMPONENTS:]
    return np.pad(found, ((0, 0), (_COMPONENTS - found.shape[1], 0)))


def _eigenvectors(symmetric: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues, increasing, and eigenvectors as columns."""
    try:
        values, vectors = torch.linalg.eigh(torch.from_numpy(symmetric))  # in an eighth of the time of numpy's
    except RuntimeError:  # torch.linalg.LinAlgError: many equal eigenvalues
        return np.linalg.eigh(symmetric)
    return values.numpy(), vectors.numpy()


def _folds(labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the fold of each image: every class in all of them as evenly as it can be, every group in one."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[order] = np.arange(len(labels)) % _FOLDS
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(folds[first][group])
