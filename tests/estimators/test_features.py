"""The features of a network among scikit-learn's own tools."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from convscope import ConvClassifier, ConvFeatures
from convscope.core.errors import DataError, ParameterError
from convscope.features.reading import Reading
from convscope.networks.model_file import write_model
from tests.checks.graphs import residual_model, residual_module
from tests.checks.models import small_model, some_pixels


@pytest.fixture(scope="module")
def network() -> ConvClassifier:
    digits = load_digits()
    return ConvClassifier("8C3-MP2", epochs=3).fit(digits.images[:600], digits.target[:600])


def test_it_works_in_a_pipeline_and_a_search(network: ConvClassifier) -> None:
    digits = load_digits()
    pipeline = make_pipeline(ConvFeatures(network.model_), LogisticRegression(max_iter=300))
    search = GridSearchCV(pipeline, {"convfeatures__pool": ["none", "mean"]}, cv=2)
    search.fit(digits.images[600:1200], digits.target[600:1200])
    assert search.best_params_ == {"convfeatures__pool": "none"}
    assert search.score(digits.images[1200:], digits.target[1200:]) > 0.9


def test_a_classifier_that_is_not_fitted_learns_in_fit_and_one_that_is_stays() -> None:
    digits = load_digits()
    images, labels = digits.images[:200], digits.target[:200]
    template = ConvClassifier("4C3-MP2", epochs=1)
    features = ConvFeatures(template).fit(images, labels)
    assert not hasattr(template, "model_")
    expected = template.fit(images, labels).model_
    np.testing.assert_array_equal(features.transform(images), ConvFeatures(template).transform(images))
    kept = clone(ConvFeatures(FrozenEstimator(template))).fit(images[:20], labels[:20])
    np.testing.assert_array_equal(kept.transform(images), features.transform(images))
    assert expected is template.model_


def test_rows_and_images_and_all_ways_to_name_the_model_give_the_same(tmp_path: Path) -> None:
    model, pixels = small_model("4C3-MP2-6N"), some_pixels(4)
    write_model(model, tmp_path / "model.safetensors")
    expected = ConvFeatures(model).transform(pixels)
    assert expected.shape == (4, 6)
    for used in (tmp_path, str(tmp_path / "model.safetensors")):
        np.testing.assert_array_equal(ConvFeatures(used).fit_transform(pixels), expected)
    np.testing.assert_array_equal(ConvFeatures(model).transform(pixels.reshape(4, -1)), expected)
    np.testing.assert_array_equal(ConvFeatures(model).transform(pixels / 255), expected)


def test_a_classifier_gives_its_way_of_reading_numbers_along(network: ConvClassifier) -> None:
    images = load_digits().images[:50]
    features = ConvFeatures(network).transform(images)
    scores = features @ network.model_.network.classifier.weight.detach().numpy().T
    scores += network.model_.network.classifier.bias.detach().numpy()
    np.testing.assert_array_equal(network.classes_[scores.argmax(1)], network.predict(images))


def test_names_clones_and_no_images(network: ConvClassifier) -> None:
    features = ConvFeatures(network, stage=1, pool="mean")
    assert features.get_feature_names_out().tolist() == [f"stage1_map{number}" for number in range(1, 9)]
    assert clone(features).get_params()["pool"] == "mean"
    assert features.fit(None).n_features_out_ == 8
    with pytest.raises(DataError, match="must have at least one image"):
        features.transform(np.zeros((0, 8, 8)))


@pytest.mark.parametrize("model", [None, 3, ConvClassifier()])
def test_what_is_no_model_is_refused(model: object) -> None:
    with pytest.raises(
        ParameterError, match="`model` must be a model, the path of one, or a ConvClassifier that is fitted or gets"
    ):
        ConvFeatures(model).fit(None)


def test_a_stage_that_is_not_there_is_refused(network: ConvClassifier) -> None:
    with pytest.raises(ParameterError, match="`stage` must be from 0"):
        ConvFeatures(network, stage=5).fit(None)


def test_a_grid_larger_than_the_maps_is_refused_in_fit_and_transform(network: ConvClassifier) -> None:
    features = ConvFeatures(network, pool="grid99")
    with pytest.raises(ParameterError, match=r"`pool` must be grid4 or smaller for maps of 4 × 4\. Got 'grid99'"):
        features.fit(None)
    with pytest.raises(ParameterError, match="`pool` must be grid4 or smaller"):
        features.transform(load_digits().images[:5])


def test_values_that_are_no_numbers_are_refused_in_fit_as_in_transform(network: ConvClassifier) -> None:
    images = load_digits().images[:5] / 16
    images[2, 3, 3] = np.nan
    for model in (network.model_, network):
        for call in (ConvFeatures(model).fit, ConvFeatures(model).transform):
            with pytest.raises(DataError, match=r"must hold finite numbers\. Got NaN or infinity"):
                call(images)


def test_a_layer_of_any_network_is_taken_by_name(tmp_path: Path) -> None:
    model, images = residual_model(residual_module()), some_pixels(4, 14, 16)
    write_model(model, tmp_path / "m.safetensors")
    (expected,) = Reading(layer="block", pool="mean").of(model, images)
    for given in (model, tmp_path / "m.safetensors", str(tmp_path / "m.safetensors")):
        features = ConvFeatures(given, pool="mean", layer="block").fit(images)
        np.testing.assert_allclose(features.transform(images), expected, rtol=1e-5, atol=1e-6)
        assert features.get_feature_names_out()[0] == "block.add_map1"
        assert features.n_features_out_ == 6
    with pytest.raises(ParameterError, match="Did you mean 'block'"):
        ConvFeatures(model, layer="blok").fit(images)
