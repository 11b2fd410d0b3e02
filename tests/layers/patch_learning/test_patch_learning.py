"""Features learned without labels: the costs have the gradients they say, and copying equals whiten-then-unit."""

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad

from convscope.core.errors import DataError, ParameterError
from convscope.layers.patch_learning import LEARNERS, WAYS, ClusterLayer, learn_layer, summed
from convscope.layers.patch_learning.layer import learner_for
from convscope.layers.patch_learning.learners import Rica, SparseAutoencoder
from convscope.layers.patch_learning.patches import random_patches
from convscope.layers.patch_learning.summed import summed_activations
from convscope.layers.patch_learning.whitening import WHITENINGS, Whitening
from convscope.layers.unit import logistic, rectified
from convscope.networks.stages import PoolingStage

RANDOM = np.random.default_rng(0)


def stripes(count: int = 40, *, channels: int = 1) -> np.ndarray:
    """Return images 16 × 16 of stripes at any angle, with a little noise."""
    random = np.random.default_rng(1)
    down, across = np.mgrid[:16, :16]
    angle, phase = random.uniform(0, np.pi, (2, count, 1, 1))
    waves = np.sin(down * np.cos(angle) + across * np.sin(angle) + 2 * phase)
    noisy = 127 + 90 * waves[..., None] + random.normal(0, 5, (count, 16, 16, channels))
    return noisy.clip(0, 255).astype(np.uint8)


def test_patches_are_cut_from_the_images_and_from_everywhere() -> None:
    images = np.arange(3 * 5 * 6 * 2, dtype=np.uint8).reshape(3, 5, 6, 2)
    every = {
        tuple((images[n, y : y + 2, x : x + 2] / 255).ravel()) for n in range(3) for y in range(4) for x in range(5)
    }
    found = {tuple(row) for row in random_patches(images, side=2, count=2_000)}
    assert found == every
    np.testing.assert_array_equal(
        random_patches(images, side=2, count=9, seed=3), random_patches(images, side=2, count=9, seed=3)
    )


@pytest.mark.parametrize("kind", WHITENINGS)
@pytest.mark.parametrize("brightness", [True, False])
def test_white_patches_have_no_covariance_and_mean_0(kind: str, brightness: bool) -> None:
    patches = random_patches(stripes(), side=4, count=3_000)
    white = Whitening.learn(patches, kind=kind, regularization=0.0, brightness=brightness).apply(patches)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-8)
    covariance = white.T @ white / len(white)
    if kind != "none" and brightness:
        np.testing.assert_allclose(covariance, np.eye(16), atol=1e-6)
    shift = Whitening.learn(patches, kind=kind, brightness=brightness)
    moved = shift.apply(patches + 0.25) - shift.apply(patches)
    assert (np.abs(moved).max() < 1e-9) == (not brightness)


def test_zca_stays_close_to_the_patches_and_pca_keeps_as_many_axes_as_asked() -> None:
    patches = random_patches(stripes(), side=4, count=3_000)
    zca = Whitening.learn(patches, kind="zca")
    np.testing.assert_allclose(zca.matrix, zca.matrix.T, atol=1e-9)
    kept = Whitening.learn(patches, kind="pca", keep=3).apply(patches)
    assert kept.shape == (3_000, 3)
    deviations = kept.std(axis=0)
    assert deviations[0] >= deviations[1] >= deviations[2]


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("kind", WHITENINGS)
def test_at_1000_random_places_the_copied_layer_gives_what_whitening_and_unit_give(by: str, kind: str) -> None:
    images = stripes(channels=3)
    learn = learner_for(by, units=5, side=4, channels=3)
    seen = {}

    def remembered(white: np.ndarray, units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        seen["weights"], seen["biases"] = learn(white, units, seed)
        return seen["weights"], seen["biases"]

    layer = learn_layer(images, units=5, side=4, patches=400, by=remembered, whitening=kind, brightness=False)
    white = Whitening.learn(random_patches(images, side=4, count=400), kind=kind, brightness=False)
    maps = np.stack([layer.everywhere(image / 255) for image in images])
    random = np.random.default_rng(2)
    for _ in range(1_000):
        index, row, column = random.integers(0, (40, 13, 13))
        patch = images[index, row : row + 4, column : column + 4].reshape(1, -1) / 255
        expected = rectified(white.apply(patch) @ seen["weights"].T + seen["biases"])[0]
        np.testing.assert_allclose(maps[index, row, column], expected, rtol=0, atol=1e-9)


def test_means_are_exact_and_those_of_the_copied_layer_are_those_of_the_patches_one_by_one() -> None:
    """The checks of UFLDL's exercise: its table of 1 to 64, and the pooled layer."""
    known = np.arange(1.0, 65.0).reshape(8, 8)
    means = PoolingStage(code="AP", window=4, stride=4).build()(torch.from_numpy(known)[None, None])[0, 0]
    assert means.tolist() == [[14.5, 18.5], [46.5, 50.5]]
    images = stripes(2)
    layer = learn_layer(images, units=5, side=5, by="random", patches=200, brightness=False)
    every = np.lib.stride_tricks.sliding_window_view(images[0, :, :, 0] / 255, (5, 5)).reshape(-1, 5, 5, 1)
    patch_by_patch = layer.over(every).reshape(12, 12, 5)
    copied = layer.everywhere(images[0] / 255)
    pool = PoolingStage(code="AP", window=4, stride=4).build()
    maps = [torch.from_numpy(values.transpose(2, 0, 1).copy())[None] for values in (copied, patch_by_patch)]
    np.testing.assert_allclose(pool(maps[0]), pool(maps[1]), rtol=0, atol=1e-12)
    engine = layer.everywhere(images[0] / 255, by="engine")
    np.testing.assert_allclose(engine, patch_by_patch, rtol=0, atol=1e-9)


@pytest.mark.parametrize("learner", [SparseAutoencoder(), Rica()], ids=["autoencoder", "rica"])
def test_gradients_are_the_numerical_ones(learner: SparseAutoencoder | Rica) -> None:
    patches, units = RANDOM.normal(size=(20, 6)), 4
    size = 2 * units * 6 + units + 6 if isinstance(learner, SparseAutoencoder) else units * 6
    theta = RANDOM.normal(size=size) * 0.5
    off = check_grad(lambda x: learner.cost(x, patches, units)[0], lambda x: learner.cost(x, patches, units)[1], theta)
    assert off < 1e-4 * np.linalg.norm(learner.cost(theta, patches, units)[1])


def test_an_autoencoder_lowers_its_cost_and_its_units_are_seldom_on() -> None:
    images = stripes()
    white = Whitening.learn(random_patches(images, side=4, count=2_000))
    rows = white.apply(random_patches(images, side=4, count=2_000))
    weights, biases = SparseAutoencoder(steps=80)(rows, 8, 0)
    active = logistic(rows @ weights.T + biases).mean(axis=0)
    assert abs(active.mean() - 0.035) < 0.03
    layer = learn_layer(images, units=4, side=4, patches=500, by="autoencoder")
    maps = layer.everywhere(images[0] / 255)
    assert ((maps > 0) & (maps < 1)).all()


def test_whitening_as_units_holds_the_whole_patch_and_each_unit_has_its_opposite() -> None:
    rows = random_patches(stripes(), side=4, count=2_000)
    layer = learn_layer(stripes(), units=32, side=4, by="whitening", patches=2_000, regularization=0.0)
    weights = layer.weights.reshape(32, 16)
    np.testing.assert_allclose(weights[:16], -weights[16:], atol=1e-9)
    activations = layer.over(rows.reshape(-1, 4, 4, 1))
    signed = activations[:, :16] - activations[:, 16:]  # rectified to both sides: the weighted sum
    np.testing.assert_allclose(np.cov(signed.T, bias=True), np.eye(16), atol=1e-6)
    np.testing.assert_allclose(signed @ np.linalg.pinv(weights[:16]).T, rows - rows.mean(axis=0), atol=1e-6)
    few = learn_layer(stripes(), units=5, side=4, by="whitening", patches=2_000).weights.reshape(5, 16)
    np.testing.assert_allclose(few[:2], -few[3:], atol=1e-9)
    with pytest.raises(ParameterError, match=r"`units` of whitening must be at most twice .* 32\. Got 33\. Use fewer"):
        learn_layer(stripes(), units=33, side=4, by="whitening", patches=100)


@pytest.mark.parametrize("by", ["kmeans", "rica"])
def test_units_learned_on_stripes_answer_more_sparsely_than_random_ones(by: str) -> None:
    images = stripes(200)
    rows = random_patches(images, side=5, count=4_000)
    white = Whitening.learn(rows, brightness=False)
    rows = white.apply(rows)

    def kurtosis(weights: np.ndarray) -> float:
        activations = rows @ weights.T
        return float(np.mean(np.mean(activations**4, axis=0) / np.mean(activations**2, axis=0) ** 2))

    assert kurtosis(LEARNERS[by](rows, 12, 0)[0]) > 1.05 * kurtosis(LEARNERS["random"](rows, 12, 0)[0])


def test_what_cannot_be_learned_from_is_refused() -> None:
    images = stripes(3)
    with pytest.raises(
        ParameterError, match=r"`by` must be one of random, patches, whitening, .* Got 'kmean'\. Did you mean"
    ):
        learn_layer(images, units=3, side=4, by="kmean")
    with pytest.raises(ParameterError, match="`units` must be at least 1"):
        learn_layer(images, units=0, side=4)
    with pytest.raises(DataError, match=r"`side` must be at most that of the images, 16\. Got 17"):
        learn_layer(images, units=3, side=17)
    with pytest.raises(DataError, match="must be a uint8 array N H W C"):
        random_patches(images / 255, side=3, count=3)
    with pytest.raises(ParameterError, match="`side` and `count` must be at least 1"):
        random_patches(images, side=0, count=3)
    with pytest.raises(ParameterError, match="`keep` must be from 1 to 9, and the kind pca"):
        Whitening.learn(np.ones((4, 9)), kind="zca", keep=3)
    with pytest.raises(ParameterError, match="`regularization` must be 0 or more"):
        Whitening.learn(np.ones((4, 9)), regularization=-1)


@pytest.mark.parametrize("activation", ["hard", "triangle"])
@pytest.mark.parametrize("contrast", [True, False])
def test_clusters_answer_everywhere_as_they_answer_for_the_patch_by_the_distances_one_by_one(
    activation, contrast
) -> None:
    images = stripes(channels=3)
    layer = ClusterLayer.learn(images, units=7, side=4, activation=activation, patches=500, contrast=contrast)
    maps = layer.everywhere(images[3] / 255)
    assert maps.shape == (13, 13, 7)
    for row, column in ((0, 0), (5, 12), (12, 3)):
        patch = (images[3, row : row + 4, column : column + 4] / 255).ravel()
        if contrast:
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + (10 / 255) ** 2)
        white = layer.whitening.apply(patch[None])[0]
        distances = np.array([np.linalg.norm(white - middle) for middle in layer.centers])
        expected = np.maximum(distances.mean() - distances, 0)
        if activation == "hard":
            expected = (distances == distances.min()).astype(float)
        np.testing.assert_allclose(maps[row, column], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("activation", ["hard", "triangle"])
@pytest.mark.parametrize(("contrast", "parts"), [(True, 2), (False, 1), (True, 3)])
def test_summed_activations_are_the_sums_of_the_answers_everywhere(activation, contrast, parts, monkeypatch) -> None:
    monkeypatch.setattr(summed, "_BLOCK_VALUES", 100)  # several blocks an image
    images = stripes(channels=3)[:3, :, :15]  # 12 x 13 places
    layer = ClusterLayer.learn(images, units=7, side=4, activation=activation, patches=300, contrast=contrast)
    found = summed_activations(layer, images, parts=parts)
    for image, values in zip(images, found, strict=True):
        bands = np.array_split(layer.everywhere(image / 255), parts)
        expected = [part.sum(axis=(0, 1)) for band in bands for part in np.array_split(band, parts, axis=1)]
        np.testing.assert_allclose(values, np.concatenate(expected), rtol=1e-4, atol=1e-3)


def test_summed_activations_refuse_other_images_and_parts() -> None:
    layer = ClusterLayer.learn(stripes(3), units=2, side=4, patches=50)
    with pytest.raises(DataError, match=r"`images` must be a uint8 array N H W 1\. Got uint8 \(2, 16, 16, 3\)"):
        summed_activations(layer, stripes(2, channels=3))
    with pytest.raises(ParameterError, match="`parts` must be from 1 to 13"):
        summed_activations(layer, stripes(2), parts=14)


def test_units_of_each_kind_answer_with_their_own_nonlinearity() -> None:
    images, pixels = stripes(), np.zeros((4, 4, 1))
    for by, low, high in (("autoencoder", 0.0, 1.0), ("rica", 0.0, np.inf), ("random", 0.0, np.inf)):
        activations = learn_layer(images, units=6, side=4, by=by, patches=200).everywhere(pixels)
        assert activations.min() >= low
        assert activations.max() <= high


def test_clusters_refuse_other_images_and_answers() -> None:
    layer = ClusterLayer.learn(stripes(3), units=2, side=4, patches=50)
    with pytest.raises(ParameterError, match=r"`image` must be H × W × 1\. Got \(16, 16\)"):
        layer.everywhere(np.zeros((16, 16)))
    with pytest.raises(ParameterError, match=r"`patches` must be N × 4 × 4 × 1\. Got \(2, 3, 3, 1\)"):
        layer.over(np.zeros((2, 3, 3, 1)))
    with pytest.raises(ParameterError, match=r"`activation` must be one of hard, triangle\. Got 'soft'"):
        ClusterLayer.learn(stripes(3), units=2, side=4, patches=50, activation="soft")
