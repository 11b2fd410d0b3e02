"""Whitening: patches whose values no longer follow from each other, and how to do without it afterwards."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from convscope.core.errors import ParameterError, choose

from .patches import Rows

WhiteningKind = Literal["zca", "pca", "none"]
WHITENINGS: tuple[WhiteningKind, ...] = ("zca", "pca", "none")


@dataclass(frozen=True, kw_only=True, eq=False)
class Whitening:
    """A linear map of patches: white = (patch - mean) @ matrix, by whose use neighboring pixels tell nothing new.

    Attributes:
        mean: of the patches, D.
        matrix: D × M; M = D but for PCA that keeps fewer.

    Examples:
        >>> random = np.random.default_rng(0)
        >>> patches = random.normal(size=(5_000, 1)) + 0.1 * random.normal(size=(5_000, 4))   # all pixels alike
        >>> white = Whitening.learn(patches, regularization=0.0).apply(patches)
        >>> bool(np.allclose(np.cov(white.T, bias=True), np.eye(4), atol=1e-6))
        True
    """

    mean: Rows
    matrix: Rows

    @staticmethod
    def learn(
        patches: Rows,
        *,
        kind: WhiteningKind = "zca",
        regularization: float = 0.1,
        brightness: bool = True,
        keep: int | None = None,
    ) -> "Whitening":
        """Return the whitening of patches N × D.

        Args:
            patches: rows.
            kind: ``zca`` turns the result back so that it looks like the patches (Bell & Sejnowski 1997); ``pca``
                leaves it along the principal axes; ``none`` subtracts the mean only.
            regularization: added to each variance, relative to the mean variance; it keeps noise small in the
                directions in which patches hardly differ.
            brightness: keep each patch's own mean; else it is subtracted first.
            keep: how many principal axes are kept (``pca``).

        Raises:
            ParameterError: an argument cannot be.
        """
        choose("kind", kind, WHITENINGS)
        if not regularization >= 0:
            raise ParameterError(f"`regularization` must be 0 or more. Got {regularization}.")
        size = patches.shape[1]
        if keep is not None and (kind != "pca" or not 1 <= keep <= size):
            raise ParameterError(f"`keep` must be from 1 to {size:,}, and the kind pca. Got {keep} with {kind}.")
        flat = np.eye(size) if brightness else np.eye(size) - 1 / size
        patches = patches @ flat
        mean = patches.mean(axis=0)
        if kind == "none":
            return Whitening(mean=mean, matrix=flat)
        centered = patches - mean
        variances, axes = np.linalg.eigh(centered.T @ centered / len(patches))
        variances, axes = np.maximum(variances[::-1], 0), axes[:, ::-1]
        empty = variances <= 1e-12 * variances[0]  # nothing but rounding, which must not be made large
        scale = np.where(empty, 0.0, 1 / np.sqrt(np.where(empty, 1.0, variances + regularization * variances.mean())))
        matrix = axes * scale
        matrix = matrix @ axes.T if kind == "zca" else matrix[:, :keep]
        return Whitening(mean=mean, matrix=flat @ matrix)

    def apply(self, patches: Rows) -> Rows:
        """Return patches N × D, white: N × M."""
        return (patches - self.mean) @ self.matrix

    def fold(self, weights: Rows, biases: Rows) -> tuple[Rows, Rows]:
        """Return weights and biases that give for a patch what these give for the white patch.

        Args:
            weights: units × M.
            biases: units.
        """
        folded = weights @ self.matrix.T
        return folded, biases - folded @ self.mean
