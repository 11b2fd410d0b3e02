"""Nearest training images are nearest in the features before the classifier, and are computed once."""

from pathlib import Path

import numpy as np
import pytest

from convscope.attribution import nearest
from convscope.attribution.faithfulness import measure_nearest
from convscope.attribution.nearest import features_of, training_features
from convscope.images.dataset import Dataset, prepare
from convscope.images.sizes import ImageOptions
from convscope.images.sources.opening import open_source
from convscope.images.sources.source import TRAIN
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE
from convscope.networks.model import Model, as_tensor
from tests.checks.models import small_model, some_pixels


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model("4C3-MP2-6N", height=12, width=10)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    labels = [f"class {number % 3}" for number in range(60)]
    source = open_source((some_pixels(60, 12, 10), labels))
    return prepare(source, ImageOptions(size=(10, 12), channels=3))


def test_they_are_nearest_in_what_the_classifier_reads(model: Model, dataset: Dataset, tmp_path: Path) -> None:
    training = training_features(model, dataset, seed=0, cache_dir=tmp_path)
    network, images = fold(model.network), some_pixels(3, 12, 10, seed=9)
    (found, *_) = training.nearest(features_of(model, images), 4)
    reads = network.graph.output.inputs[0]
    values = [
        next(values for node, values in network.values(network.standardize(as_tensor(some))) if node.name == reads)
        for some in (images[:1], np.asarray(dataset.images[dataset.indices(TRAIN)]))
    ]
    assert reads != IMAGE
    distances = (values[1] - values[0]).flatten(1).norm(dim=1).detach().numpy()
    order = np.argsort(distances)[:4]
    assert [near.image for near in found] == dataset.indices(TRAIN)[order].tolist()
    assert [near.distance for near in found] == pytest.approx(distances[order].tolist(), rel=1e-4)
    assert [near.label for near in found] == dataset.labels[[near.image for near in found]].tolist()


def test_features_are_computed_once(
    model: Model, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = training_features(model, dataset, seed=0, cache_dir=tmp_path)
    monkeypatch.setattr(nearest, "features_of", lambda *_: pytest.fail("computed again"))
    again = training_features(model, dataset, seed=0, cache_dir=tmp_path)
    np.testing.assert_array_equal(first.values, again.values)


def test_a_training_image_is_its_own_neighbor_and_votes_for_its_class(
    model: Model, dataset: Dataset, tmp_path: Path
) -> None:
    training = training_features(model, dataset, seed=0, cache_dir=tmp_path)
    images = np.asarray(dataset.images[training.indices])
    found = measure_nearest(model, images, training.labels, training, 1)
    assert (found.agree, found.agree_in_pixels, found.gain.mean) == (1, 1, 0)
    wrong = measure_nearest(model, images, (training.labels + 1) % 3, training, 1)
    assert (wrong.agree, wrong.agree_in_pixels) == (0, 0)
