"""Clusters of patches as a hidden layer: the activation of a unit is how near a patch is to its centroid."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convscope.core.errors import ParameterError, choose
from convscope.layers.geometry import output_size
from convscope.layers.unit import Values, every_patch, in_bands

from .learners import cluster_centers
from .patches import random_patches
from .whitening import Whitening, WhiteningKind


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterLayer:
    """Units that each stand for a cluster of white patches (Coates, Lee & Ng 2011).

    Distances are not weighted sums, so this is not a convolution with a nonlinearity; but it is a hidden layer over
    patches with shared weights.

    Attributes:
        centers: of the clusters, units × values of a white patch.
        whitening: what is done to a patch first.
        side: of a patch, in pixels.
        channels: values per pixel.
        activation: ``hard``: 1 for the nearest cluster, else 0; ``triangle``: how much nearer than the mean cluster,
            or 0.
        contrast: subtract the mean of each patch and divide by its standard deviation first (a little is added to the
            variance).
    """

    centers: Values
    whitening: Whitening
    side: int
    channels: int
    activation: Literal["hard", "triangle"] = "triangle"
    contrast: bool = True

    def __post_init__(self) -> None:
        """Validate the kind of activation."""
        choose("activation", self.activation, ("hard", "triangle"))

    @staticmethod
    def learn(
        images: NDArray[np.uint8],
        *,
        units: int,
        side: int,
        activation: Literal["hard", "triangle"] = "triangle",
        patches: int = 50_000,
        whitening: WhiteningKind = "zca",
        regularization: float = 0.1,
        contrast: bool = True,
        seed: int = 0,
    ) -> "ClusterLayer":
        """Return the layer learned on random patches of images, uint8 N H W C; arguments as in `learn_layer`.

        Examples:
            >>> from sklearn.datasets import load_digits
            >>> digits = (load_digits().images[..., None] * 15.9).astype(np.uint8)
            >>> layer = ClusterLayer.learn(digits, units=10, side=4, patches=2_000)
            >>> layer.everywhere(digits[0] / 255).shape
            (5, 5, 10)
        """
        rows = random_patches(images, side=side, count=patches, seed=seed)
        rows = _normalized(rows) if contrast else rows
        white = Whitening.learn(rows, kind=whitening, regularization=regularization)
        return ClusterLayer(
            centers=cluster_centers(white.apply(rows), units, seed),
            whitening=white,
            side=side,
            channels=images.shape[3],
            activation=activation,
            contrast=contrast,
        )

    def over(self, patches: ArrayLike) -> Values:
        """Return features N × units of patches N × side × side × channels, values 0…1."""
        given = np.asarray(patches, dtype=np.float64)
        if given.ndim != 4 or given.shape[1:] != (self.side, self.side, self.channels):
            raise ParameterError(
                f"`patches` must be N × {self.side} × {self.side} × {self.channels}. Got {given.shape}."
            )
        rows = given.reshape(len(given), -1)
        white = self.whitening.apply(_normalized(rows) if self.contrast else rows)
        squares = np.sum(white**2, axis=1, keepdims=True) - 2 * white @ self.centers.T + np.sum(self.centers**2, axis=1)
        distances = np.sqrt(np.maximum(squares, 0))
        nearer: Values = distances.mean(axis=1, keepdims=True) - distances
        nearest: Values = np.eye(len(self.centers))[distances.argmin(axis=1)]
        return np.maximum(nearer, 0) if self.activation == "triangle" else nearest

    def everywhere(self, image: ArrayLike) -> Values:
        """Return feature maps h × w × units of an image H × W × channels, values 0…1: the layer at every position.

        Raises:
            ParameterError: the image has other axes or channels.
            LayoutError: the patch is larger than the image.
        """
        pixels = np.asarray(image, dtype=np.float64)
        if pixels.ndim != 3 or pixels.shape[2] != self.channels:
            raise ParameterError(f"`image` must be H × W × {self.channels}. Got {pixels.shape}.")
        for size in pixels.shape[:2]:
            output_size(size, self.side)
        return in_bands(every_patch(pixels, self.side, self.side), self.over)


def _normalized(rows: Values) -> Values:
    """Return patches with mean 0 and like deviations; what is added keeps flat patches flat (10² of 255²)."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    result: Values = centered / np.sqrt(centered.var(axis=1, keepdims=True) + (10 / 255) ** 2)
    return result
