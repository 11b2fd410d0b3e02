"""Ways to find features of white patches without labels. To add one, add one line to `LEARNERS`.

Each takes patches N × D, a number of units and a seed, and returns weights units × D and biases.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convscope.core.errors import ParameterError
from convscope.layers.unit import logistic

from .patches import Rows

Learned = tuple[Rows, Rows]
Learner = Callable[[Rows, int, int], Learned]


def random_units(patches: Rows, units: int, seed: int) -> Learned:
    """Return units of length 1 in random directions: what learning must be better than."""
    weights = np.random.default_rng(seed).normal(size=(units, patches.shape[1]))
    return unit_length(weights), np.zeros(units)


def some_patches(patches: Rows, units: int, seed: int) -> Learned:
    """Return patches themselves, of length 1, as units: the plainest thing that fits the images."""
    chosen = np.random.default_rng(seed).choice(len(patches), units, replace=len(patches) < units)
    return unit_length(patches[chosen]), np.zeros(units)


def principal_axes(patches: Rows, units: int, seed: int) -> Learned:
    """Return the axes along which patches differ most, each in both directions: the whitening of the patch itself.

    What whitening does to a patch, as units: together they hold all that is in it, and no two that are not opposites
    say the same. A rectified unit responds on one side only, so that each axis stands twice (Jordan 2024, airbench).

    Raises:
        ParameterError: there are more units than axes and their opposites.

    Examples:
        >>> flat = np.random.default_rng(0).normal(size=(100, 3)) * [1, 9, 1]
        >>> np.abs(principal_axes(flat, 2, 0)[0].round(1)).tolist()
        [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    """
    del seed
    check_axes(units, patches.shape[1])
    centered = patches - patches.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered / len(patches))
    largest = axes.T[::-1]  # one axis per row, the one along which patches differ most first
    half = -(-units // 2)
    return np.concatenate([largest[:half], -largest[: units - half]]), np.zeros(units)


def check_axes(units: int, values: int) -> None:
    """Raise an error for more units than patches of so many values have axes and opposites of them.

    Raises:
        ParameterError: there are more.
    """
    if units > 2 * values:
        raise ParameterError(
            f"`units` of whitening must be at most twice the values of a patch, {2 * values:,}. Got {units:,}. "
            "Use fewer units or larger patches."
        )


def kmeans(patches: Rows, units: int, seed: int) -> Learned:
    """Return the centers of clusters, of length 1 (Coates, Lee & Ng 2011)."""
    return unit_length(cluster_centers(patches, units, seed)), np.zeros(units)


def cluster_centers(patches: Rows, units: int, seed: int) -> Rows:
    """Return the centers of clusters, units × D, by scikit-learn's mini-batch k-means.

    Raises:
        ParameterError: there are more clusters than patches.
    """
    from sklearn.cluster import MiniBatchKMeans

    if units > len(patches):
        raise ParameterError(
            f"`units` of kmeans must be at most the number of patches, {len(patches):,}. Got {units:,}. "
            "Use fewer units or more patches."
        )
    found = MiniBatchKMeans(units, random_state=seed, n_init=1, batch_size=4096, reassignment_ratio=0.05).fit(patches)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class SparseAutoencoder:
    """Hidden units from which the patch can be put together again, each of them seldom on (Ng 2011, UFLDL).

    The cost is half the mean squared error of the reconstruction + decay / 2 × the squared weights + sparsity_weight ×
    Σ KL(sparsity ‖ mean activation), for sigmoid hidden units and linear outputs; found by L-BFGS.

    Attributes:
        sparsity: how often a unit is to be on, 0…1.
        sparsity_weight, decay: weights of the terms of the cost.
        steps: of L-BFGS, at most.
    """

    sparsity: float = 0.035
    sparsity_weight: float = 5.0
    decay: float = 3e-3
    steps: int = 400

    def __call__(self, patches: Rows, units: int, seed: int) -> Learned:
        """Return weights and biases of the hidden units."""
        size = patches.shape[1]
        reach = np.sqrt(6 / (units + size + 1))
        start = np.zeros(2 * units * size + units + size)
        start[: 2 * units * size] = np.random.default_rng(seed).uniform(-reach, reach, 2 * units * size)
        weights, _, biases, _ = self._parts(_lowest(self.cost, start, patches, units, self.steps), units, size)
        return weights, biases

    def cost(self, theta: Rows, patches: Rows, units: int) -> tuple[float, Rows]:
        """Return the cost and its gradient at `theta`: weights up, weights down, biases up, biases down."""
        number, size = patches.shape
        up, down, up_bias, down_bias = self._parts(theta, units, size)
        hidden = logistic(patches @ up.T + up_bias)
        error = hidden @ down.T + down_bias - patches
        active = hidden.mean(axis=0)
        rest, wanted = 1 - active, self.sparsity
        divergence = wanted * np.log(wanted / active) + (1 - wanted) * np.log((1 - wanted) / rest)
        cost = 0.5 * np.sum(error**2) / number + 0.5 * self.decay * (np.sum(up**2) + np.sum(down**2))
        cost += self.sparsity_weight * divergence.sum()
        slope = self.sparsity_weight * ((1 - wanted) / rest - wanted / active)
        back = (error @ down + slope) * hidden * (1 - hidden) / number
        gradient = (
            back.T @ patches + self.decay * up,
            error.T @ hidden / number + self.decay * down,
            back.sum(axis=0),
            error.sum(axis=0) / number,
        )
        return float(cost), np.concatenate([part.ravel() for part in gradient])

    @staticmethod
    def _parts(theta: Rows, units: int, size: int) -> tuple[Rows, Rows, Rows, Rows]:
        up, down, up_bias, down_bias = np.split(theta, np.cumsum([units * size, units * size, units]))
        return up.reshape(units, size), down.reshape(size, units), up_bias, down_bias


@dataclass(frozen=True, kw_only=True)
class Rica:
    """Independent components, as many as one likes: sparse activations that still hold the patch (Le et al. 2011).

    The cost is the mean of Σ √((w x)² + ε) × sparsity + ½ |WᵀW x - x|², for units of length 1; found by L-BFGS.

    Attributes:
        sparsity: weight of the first term.
        smoothing: ε.
        steps: of L-BFGS, at most.
    """

    sparsity: float = 0.5
    smoothing: float = 1e-2
    steps: int = 200

    def __call__(self, patches: Rows, units: int, seed: int) -> Learned:
        """Return weights of length 1, and no biases."""
        start = unit_length(np.random.default_rng(seed).normal(size=(units, patches.shape[1])))
        found = _lowest(self.cost, start.ravel(), patches, units, self.steps)
        return unit_length(found.reshape(start.shape)), np.zeros(units)

    def cost(self, theta: Rows, patches: Rows, units: int) -> tuple[float, Rows]:
        """Return the cost and its gradient at weights of any length, which count as if of length 1."""
        number = len(patches)
        free = theta.reshape(units, -1)
        length = np.sqrt(np.sum(free**2, axis=1, keepdims=True) + 1e-12)
        weights = free / length
        activations = patches @ weights.T
        strength = np.sqrt(activations**2 + self.smoothing)
        error = activations @ weights - patches
        cost = (self.sparsity * strength.sum() + 0.5 * np.sum(error**2)) / number
        through = self.sparsity * activations / strength + error @ weights.T
        gradient = (through.T @ patches + activations.T @ error) / number
        gradient = (gradient - weights * np.sum(gradient * weights, axis=1, keepdims=True)) / length
        return float(cost), gradient.ravel()


LEARNERS: dict[str, Learner] = {
    "random": random_units,
    "patches": some_patches,
    "whitening": principal_axes,
    "kmeans": kmeans,
    "autoencoder": SparseAutoencoder(),
    "rica": Rica(),
}


def _lowest(
    cost: Callable[[Rows, Rows, int], tuple[float, Rows]], start: Rows, patches: Rows, units: int, steps: int
) -> Rows:
    """Return where the cost is lowest, as far as L-BFGS comes from `start` in `steps` steps."""
    from scipy.optimize import minimize

    options = {"maxiter": steps}
    found = minimize(cost, start, args=(patches, units), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64)


def unit_length(weights: Rows) -> Rows:
    """Return rows of length 1 that point where `weights` do; a row of zeros stays."""
    result: Rows = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-12)
    return result
