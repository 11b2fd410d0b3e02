"""Features that people thought out before networks learned them: what learned ones are to be compared with.

Histograms of oriented gradients and local binary patterns are scikit-image's (Dalal & Triggs 2005; Ojala et al. 2002),
principal components scikit-learn's, wavelet scattering kymatio's (Bruna & Mallat 2013). None has seen a label.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, choose
from convscope.core.extras import optional
from convscope.networks.memory import check_batch

from .extractor import Extractor, Vectors

_BATCH = 500
_COMPONENTS = 50
_LEARN_FROM = 20_000
_HOG_CELLS, _LBP_CELLS = 7, 4
_SCATTERING_PLACES, _SCATTERING_SIDE = 7, 8


class HandMade(Extractor):
    """One kind of hand-made features for images of one size.

    Args:
        kind: a key of `HAND_MADE`.
        make: float32 n × values of uint8 n H W C.
        values: how many.
    """

    def __init__(self, kind: str, make: Callable[[NDArray[np.uint8]], Vectors], *, values: int) -> None:
        self.kind = kind
        self._make, self._values = make, values

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values."""
        return (self._values,)

    @property
    def names(self) -> list[str]:
        """The kind with a number."""
        return [f"{self.kind}{index + 1}" for index in range(self._values)]

    def identity(self) -> str:
        """Return the kind; what it learned, it learned from the images."""
        return f"{self.kind} {self._values}"

    def batch(self) -> int:
        """Return 500."""
        return _BATCH

    def of(self, images: NDArray[np.uint8], *, batch: int | None = None) -> Iterator[Vectors]:
        """Give the features of images, uint8 N H W C, batch after batch: float32 n × values.

        Raises:
            ParameterError: `batch` is not a whole number above 0.
        """
        size = self.batch() if batch is None else check_batch(batch)
        for start in range(0, len(images), size):
            yield self._make(np.asarray(images[start : start + size]))


def hand_made(kind: str, images: NDArray[np.uint8], *, learn_from: NDArray[np.int64]) -> HandMade:
    """Return features of one kind for images like `images`.

    Args:
        kind: ``pixels`` (0…1), ``pca`` (the first 50 principal components of the pixels), ``hog`` (histograms of 9
            directions of gradients in 7 × 7 or so cells, normalized over blocks of 2 × 2 cells), ``lbp`` (histograms of
            the 10 uniform local binary patterns of 8 neighbors, in 4 × 4 cells of the gray image) or ``scattering``
            (wavelets of 8 directions, their absolute values, wavelets once more, and means over 7 × 7 or so places of
            the gray image).
        images: uint8 N H W C.
        learn_from: places of the images that principal components are learned from; at most 20,000 of them are used.

    Raises:
        ParameterError: the kind is unknown.
        DataError: the images are too small for it, or there are none to learn from.
        MissingPackageError: scikit-image, or for scattering kymatio, is not installed.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> digits = (load_digits().images[..., None] * 15.9).astype(np.uint8)
        >>> features = hand_made("pca", digits, learn_from=np.arange(1_000))
        >>> features.shape, next(features.of(digits[:3])).shape
        ((50,), (3, 50))
    """
    choose("kind", kind, HAND_MADE)
    make = HAND_MADE[kind](images, learn_from)
    return HandMade(kind, make, values=make(np.asarray(images[:1])).shape[1])


def _pixels(_images: NDArray[np.uint8], _learn_from: NDArray[np.int64]) -> Callable[[NDArray[np.uint8]], Vectors]:
    return lambda some: some.reshape(len(some), -1).astype(np.float32) / np.float32(255)


def _pca(images: NDArray[np.uint8], learn_from: NDArray[np.int64]) -> Callable[[NDArray[np.uint8]], Vectors]:
    from sklearn.decomposition import PCA

    indices = learn_from[:: max(1, -(-len(learn_from) // _LEARN_FROM))]
    pixels = _pixels(images, learn_from)
    count = min(_COMPONENTS, len(indices) - 1, int(np.prod(images.shape[1:])))
    if count < 1:
        raise DataError(f"Principal components need at least two training images. Got {len(indices)}.")
    few = len(indices) < np.prod(images.shape[1:])  # then the matrix of images is smaller than the covariance
    components = PCA(count, svd_solver="full" if few else "covariance_eigh").fit(pixels(images[indices]))
    return lambda some: components.transform(pixels(some)).astype(np.float32)


def _hog(images: NDArray[np.uint8], _learn_from: NDArray[np.int64]) -> Callable[[NDArray[np.uint8]], Vectors]:
    feature = _skimage()
    side = max(2, min(images.shape[1:3]) // _HOG_CELLS)
    _refuse_smaller(images, 2 * side, "Histograms of oriented gradients")
    histograms = partial(feature.hog, pixels_per_cell=(side, side), cells_per_block=(2, 2), channel_axis=-1)
    return _of_each(histograms)


def _lbp(images: NDArray[np.uint8], _learn_from: NDArray[np.int64]) -> Callable[[NDArray[np.uint8]], Vectors]:
    feature = _skimage()
    _refuse_smaller(images, _LBP_CELLS, "Local binary patterns")
    neighbors = 8

    def histograms(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        gray = image.mean(axis=2).astype(np.uint8)
        patterns = feature.local_binary_pattern(gray, neighbors, 1, method="uniform").astype(np.int64)
        cells = [
            cell for band in np.array_split(patterns, _LBP_CELLS) for cell in np.array_split(band, _LBP_CELLS, axis=1)
        ]
        return np.concatenate([np.bincount(cell.ravel(), minlength=neighbors + 2) / cell.size for cell in cells])

    return _of_each(histograms)


def _scattering(images: NDArray[np.uint8], _learn_from: NDArray[np.int64]) -> Callable[[NDArray[np.uint8]], Vectors]:
    inside = "kymatio.scattering2d.frontend.numpy_frontend"  # kymatio.numpy needs what scipy 1.17 no longer has
    frontend = optional(inside, needed_for="Scattering features", extra="scattering")
    _refuse_smaller(images, _SCATTERING_SIDE, "Scattering features")
    height, width = images.shape[1:3]
    scales = max(1, int(np.log2(min(height, width) / _SCATTERING_PLACES)))
    scatter = frontend.ScatteringNumPy2D(J=scales, shape=(height, width))

    def features(images_: NDArray[np.uint8]) -> Vectors:
        gray = images_.mean(axis=3, dtype=np.float32) / np.float32(255)
        values: Vectors = scatter(gray).reshape(len(images_), -1)
        return values.astype(np.float32, copy=False)

    return features


def _of_each(histograms: Callable[[NDArray[np.uint8]], NDArray[np.float64]]) -> Callable[[NDArray[np.uint8]], Vectors]:
    return lambda some: np.stack([histograms(pixels) for pixels in some]).astype(np.float32)


def _skimage() -> Any:
    return optional("skimage.feature", needed_for="Hand-made features", extra="hand-made")


def _refuse_smaller(images: NDArray[np.uint8], side: int, what: str) -> None:
    height, width = images.shape[1:3]
    if min(height, width) < side:
        raise DataError(f"{what} need images of at least {side}x{side} pixels. Got {width}x{height}.")


HAND_MADE: dict[str, Callable[[NDArray[np.uint8], NDArray[np.int64]], Callable[[NDArray[np.uint8]], Vectors]]] = {
    "pixels": _pixels,
    "pca": _pca,
    "hog": _hog,
    "lbp": _lbp,
    "scattering": _scattering,
}
"""What makes the features of each kind."""
