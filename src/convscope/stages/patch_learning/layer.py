"""From pictures to a hidden layer that can be copied to every place: patches, whitening, learning, folding."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError, choose
from convscope.stages.unit import HiddenLayer, logistic, rectified

from .learners import LEARNERS, Learner
from .patches import random_patches
from .whitening import Kind, Whitening


def learn_layer(
    images: NDArray[np.uint8],
    *,
    units: int,
    side: int,
    by: str | Learner = "kmeans",
    patches: int = 50_000,
    whitening: Kind = "zca",
    regularization: float = 0.1,
    brightness: bool = True,
    seed: int = 0,
) -> HiddenLayer:
    """Return a hidden layer learned on random patches of `images`, without labels, for pixels 0…1.

    Patches are whitened before they are learned from; the whitening is then folded into the weights, so that the layer
    takes pixels as they are.

    Args:
        images: uint8 N H W C.
        units: of the layer.
        side: of a patch, in pixels.
        by: a key of `LEARNERS`, or a function like those.
        patches: how many are learned from.
        whitening: ``zca``, ``pca`` or ``none``.
        regularization: of the whitening, relative to the mean variance.
        brightness: keep what is equal in a whole patch; else the layer is blind to it.
        seed: of the patches and of what is random in learning.

    Raises:
        DataError: the images cannot be used.
        ParameterError: a number or name cannot be.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> digits = (load_digits().images[..., None] * 15.9).astype(np.uint8)
        >>> layer = learn_layer(digits, units=6, side=3, patches=2_000)
        >>> layer.everywhere(digits[0] / 255).shape
        (6, 6, 6)
    """
    if units < 1:
        raise ParameterError(f"`units` must be at least 1. Got {units}.")
    if isinstance(by, str):
        choose("by", by, LEARNERS)
    rows = random_patches(images, side=side, count=patches, seed=seed)
    white = Whitening.learn(rows, kind=whitening, regularization=regularization, brightness=brightness)
    learner = LEARNERS[by] if isinstance(by, str) else by
    weights, biases = white.fold(*learner(white.apply(rows), units, seed))
    return HiddenLayer(
        weights=weights.reshape(units, side, side, images.shape[3]),
        biases=biases,
        nonlinearity=_NONLINEARITIES.get(by, rectified) if isinstance(by, str) else rectified,
    )


_NONLINEARITIES = {"autoencoder": logistic}
