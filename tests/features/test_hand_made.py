"""Hand-made features: what they hold, checked against the definition, and that they are made the same in any batch."""

import importlib.util
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from convscope.core.errors import DataError, MissingPackageError, ParameterError
from convscope.features import hand_made as module
from convscope.features.hand_made import HAND_MADE, hand_made

GRAY = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 1), np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (5, 20, 30, 3), np.uint8)
VALUES = {"pixels": 784, "pca": 9, "hog": 1296, "lbp": 160, "scattering": 81 * 7 * 7}
SCATTERING = "kymatio.scattering2d.frontend.numpy_frontend"
needs_kymatio = pytest.mark.skipif(importlib.util.find_spec("kymatio") is None, reason="kymatio is not installed")
MEMBERS = [pytest.param(kind, marks=needs_kymatio if kind == "scattering" else ()) for kind in HAND_MADE]


def every(kind: str, images: NDArray[np.uint8], batch: int | None = None) -> NDArray[np.float32]:
    return np.concatenate(list(hand_made(kind, images, learn_from=np.arange(10)).of(images, batch=batch)))


def test_every_kind_is_checked_here() -> None:
    assert set(VALUES) == set(HAND_MADE)


@pytest.mark.parametrize("kind", MEMBERS)
def test_shapes_names_and_batches(kind: str) -> None:
    features = hand_made(kind, GRAY, learn_from=np.arange(10))
    assert features.shape == (VALUES[kind],)
    assert features.names[0] == f"{kind}1"
    assert len(set(features.names)) == VALUES[kind]
    whole = every(kind, GRAY)
    assert whole.shape == (12, VALUES[kind])
    assert whole.dtype == np.float32
    np.testing.assert_allclose(every(kind, GRAY, batch=5), whole, rtol=1e-5, atol=1e-6)
    assert len(np.unique(whole[:, 0])) > 1


@pytest.mark.parametrize("kind", MEMBERS)
def test_images_may_have_color_and_two_sides(kind: str) -> None:
    found = np.concatenate(list(hand_made(kind, COLOR, learn_from=np.arange(5)).of(COLOR)))
    assert len(found) == 5
    assert np.isfinite(found).all()


def test_principal_components_are_those_of_the_covariance() -> None:
    rows = GRAY[:10].reshape(10, -1) / 255
    centered = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    expected = (GRAY.reshape(12, -1) / 255 - rows.mean(axis=0)) @ directions[:9].T
    np.testing.assert_allclose(np.abs(every("pca", GRAY)), np.abs(expected), rtol=1e-2, atol=1e-3)


def test_principal_components_learn_from_a_part_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEARN_FROM", 4)
    assert hand_made("pca", GRAY, learn_from=np.arange(12)).shape == (3,)


def test_gradients_of_an_upright_edge_point_across_it() -> None:
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[:, :, 14:] = 255
    histogram = every("hog", np.repeat(image, 10, 0))[0].reshape(-1, 9)
    filled = histogram[histogram.sum(axis=1) > 0]
    assert len(filled)
    assert (filled.argmax(axis=1) == 0).all()  # a gradient along the rows, 0 degrees
    assert np.allclose(filled[:, 1:], 0)


def test_a_binary_pattern_is_that_of_the_neighbors() -> None:
    flat = every("lbp", np.full((10, 12, 12, 1), 7, np.uint8))[0].reshape(16, 10)
    inner = flat[[5, 6, 9, 10]]
    assert np.allclose(inner[:, 8], 1)  # all eight neighbors are as bright
    assert np.allclose(flat.sum(axis=1), 1)


@needs_kymatio
def test_scattering_sees_nothing_in_a_flat_image_and_hardly_minds_a_shift() -> None:
    flat = every("scattering", np.full((10, 28, 28, 1), 51, np.uint8))[0].reshape(81, 49)
    np.testing.assert_allclose(flat[0], 0.2, atol=1e-4)  # the means of the pixels themselves
    np.testing.assert_allclose(flat[1:], 0, atol=1e-4)
    rows, columns = np.mgrid[:28, :28]
    waves = np.stack([128 + 100 * np.sin(rows / 2 + shift / 2) + 0 * columns for shift in range(10)])[..., None]
    found = every("scattering", waves.astype(np.uint8)).reshape(10, 81, 7, 7)[:, 1:, 2:-2, 2:-2]
    pixels = every("pixels", waves.astype(np.uint8))
    moved, of_pixels = (np.abs(some[1] - some[0]).sum() / np.abs(some[0]).sum() for some in (found, pixels))
    assert moved < of_pixels / 2


@pytest.mark.parametrize(("kind", "side"), [("hog", 3), ("lbp", 3)])
def test_images_that_are_too_small_are_refused(kind: str, side: int) -> None:
    with pytest.raises(DataError, match=rf"need images of at least 4x4 pixels\. Got {side}x{side}"):
        hand_made(kind, np.zeros((4, side, side, 1), np.uint8), learn_from=np.arange(4))


def test_an_unknown_kind_nothing_to_learn_from_and_no_scikit_image_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ParameterError, match=r"`kind` must be one of .*Did you mean 'hog'"):
        hand_made("hogg", GRAY, learn_from=np.arange(4))
    with pytest.raises(DataError, match=r"at least two training images\. Got 1"):
        hand_made("pca", GRAY, learn_from=np.arange(1))
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    monkeypatch.setitem(sys.modules, SCATTERING, None)
    with pytest.raises(MissingPackageError, match=r"Scattering features need .*pip install 'convscope\[scattering\]'"):
        hand_made("scattering", GRAY, learn_from=np.arange(4))
    with pytest.raises(MissingPackageError, match=r"Hand-made features need .*pip install 'convscope\[hand-made\]'"):
        hand_made("hog", GRAY, learn_from=np.arange(4))
