"""From images to a hidden layer that can be copied to every position: patches, whitening, learning, folding."""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError, choose
from convscope.layers.unit import HiddenLayer, logistic, rectified

from .hand_made import BANKS, Bank
from .learners import LEARNERS, Learned, Learner, check_axes
from .patches import Rows, random_patches
from .whitening import Whitening, WhiteningKind

WAYS = (*LEARNERS, *BANKS)


def learn_layer(
    images: NDArray[np.uint8],
    *,
    units: int,
    side: int,
    by: str | Learner = "kmeans",
    patches: int = 50_000,
    whitening: WhiteningKind | None = None,
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
        by: one of `WAYS`, or a function like those of `LEARNERS`.
        patches: how many are learned from.
        whitening: ``zca``, ``pca`` or ``none``; if None, ``zca`` for what is learned and ``none`` for what is made by
            hand, of which only the mean patch is then learned.
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
    learner_for(by, units=units, side=side, channels=images.shape[-1])  # says what cannot be before patches are cut
    rows = random_patches(images, side=side, count=patches, seed=seed)
    return layer_of_patches(
        rows,
        units=units,
        side=side,
        by=by,
        whitening=whitening,
        regularization=regularization,
        brightness=brightness,
        seed=seed,
    )


def layer_of_patches(
    rows: Rows,
    *,
    units: int,
    side: int,
    by: str | Learner = "kmeans",
    whitening: WhiteningKind | None = None,
    regularization: float = 0.1,
    brightness: bool = True,
    seed: int = 0,
) -> HiddenLayer:
    """Return a hidden layer learned on patches that are at hand, rows N × (side · side · channels).

    The layer takes values of the same unit as the patches. Arguments and errors as in `learn_layer`.
    """
    by_hand = isinstance(by, str) and by in BANKS
    if by_hand and whitening == "pca":
        raise ParameterError(
            f"`whitening` must be zca or none for {by}, whose units are made for pixels. Got 'pca'. Leave it out."
        )
    learner = learner_for(by, units=units, side=side, channels=rows.shape[1] // side**2)
    kind: WhiteningKind = whitening or ("none" if by_hand else "zca")
    white = Whitening.learn(rows, kind=kind, regularization=regularization, brightness=brightness)
    weights, biases = white.fold(*learner(white.apply(rows), units, seed))
    return HiddenLayer(
        weights=weights.reshape(units, side, side, -1),
        biases=biases,
        nonlinearity=_NONLINEARITIES.get(by, rectified) if isinstance(by, str) else rectified,
    )


def learner_for(by: str | Learner, *, units: int, side: int, channels: int) -> Learner:
    """Return what finds `units` units for patches side × side × channels.

    Raises:
        ParameterError: nobody knows it, or it cannot find as many.
    """
    if units < 1:
        raise ParameterError(f"`units` must be at least 1. Got {units}.")
    if not isinstance(by, str):
        return by
    choose("by", by, WAYS)
    if by == "whitening":
        check_axes(units, side * side * channels)
    return LEARNERS[by] if by in LEARNERS else _by_hand(BANKS[by], units, side, channels)


def _by_hand(bank: Bank, units: int, side: int, channels: int) -> Learner:
    """Return what gives the units of a bank, whatever the patches are."""
    weights = bank(side, channels, units).reshape(units, -1)  # units, side * side * channels

    def made(patches: Rows, units: int, seed: int) -> Learned:
        del patches, seed
        return weights, np.zeros(units)

    return made


_NONLINEARITIES = {"autoencoder": logistic}
