"""A classifier learned on a layer of a network that is no layout: one model file, the answers of scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import convscope
from convscope.api.features import compare_classifiers, layers, save_with_classifier
from convscope.cli import main
from convscope.core.context import Context
from convscope.core.errors import ModelFileError, ParameterError
from convscope.features.extraction import FeatureSet
from convscope.features.heads import STORABLE, with_classifier
from convscope.features.reading import Reading
from convscope.layers.kinds import InstanceBased, Linear, Pooling
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from tests.checks.graphs import residual_model, residual_module
from tests.checks.models import small_model, some_pixels

NAMES = ("daisy", "rose", "tulip", "violet")


def labeled() -> tuple[np.ndarray, np.ndarray]:
    """Return images of four classes, of which the network that is read knows none."""
    labels = np.arange(120) % 4
    images = some_pixels(120, 14, 16) // 2
    for label in range(4):
        images[labels == label, 3 * label : 3 * label + 4] += 100
    return images, np.array(NAMES)[labels]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(cache_dir=tmp_path_factory.mktemp("cache"))


def taken(model: Model, cache: Context, **reading: Any) -> FeatureSet:
    return convscope.extract_features(model, labeled(), context=cache, **reading)


@pytest.mark.parametrize("name", STORABLE)
@pytest.mark.parametrize(
    "reading", [{"layer": "block", "pool": "mean"}, {"layer": "last", "pool": "none"}, {"stage": 0, "pool": "mean"}]
)
def test_the_saved_model_answers_like_the_classifier(
    name: str, reading: dict[str, Any], cache: Context, tmp_path: Path
) -> None:
    model = residual_model(residual_module())
    found = taken(model, cache, **reading)
    assert found.classes == NAMES
    (evaluated,) = compare_classifiers(found, [name])
    save_with_classifier(model, found, [evaluated], tmp_path / "m.safetensors", **reading)
    saved = read_model(tmp_path / "m.safetensors")
    assert saved.classes == NAMES
    assert isinstance(saved.network, GraphNetwork)
    assert isinstance(saved.network.graph.output.layer, (Linear, InstanceBased))
    images, fitted = labeled()[0], evaluated.fitted
    probabilities = saved.predict_proba(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_allclose(probabilities, fitted.predict_proba(found.vectors), atol=2e-4)
    else:
        scores = saved.network(torch.from_numpy(images)).numpy(force=True)
        np.testing.assert_allclose(scores, fitted.decision_function(found.vectors), atol=1e-3)
        assert saved.network.temperature is None
    assert saved.training["classifier"]["layer"] == {"block": "block.add"}.get(
        reading.get("layer"), reading.get("layer", "image")
    )
    made = with_classifier(model, Reading(**reading), found, name, fitted)
    np.testing.assert_allclose(made.predict_proba(images), probabilities, atol=1e-5)


def test_a_layer_of_a_layout_stays_a_layout_and_its_logits_become_a_graph(cache: Context) -> None:
    model = small_model("4C3-MP2-6N", classes=4, height=14, width=16)
    model = Model(network=model.network, classes=NAMES, preprocessing=model.preprocessing)
    for layer, pool, title in (
        ("convolution1", "mean", "4C3-APg"),
        ("pooling1", "none", "4C3-MP2"),
        ("linear1", "mean", "4C3-MP2-6N"),
        ("image", "none", "softmax"),
        ("classifier", "none", "4C3-MP2-6N up to classifier"),
    ):
        found = taken(model, cache, layer=layer, pool=pool)
        (evaluated,) = compare_classifiers(found, ["lda"])
        made = with_classifier(model, Reading(layer=layer, pool=pool), found, "lda", evaluated.fitted)
        assert made.title == title
        expected = evaluated.fitted.predict_proba(found.vectors)
        np.testing.assert_allclose(made.predict_proba(labeled()[0]), expected, atol=2e-4)


def test_whole_maps_are_pooled_by_a_layer_with_a_free_name(cache: Context, tmp_path: Path) -> None:
    model = residual_model(residual_module())
    found = taken(model, cache, layer="last", pool="max")
    evaluated = compare_classifiers(found, ["lda"])
    first = with_classifier(model, Reading(layer="last", pool="max"), found, "lda", evaluated[0].fitted)
    assert [node.name for node in first.network.graph.nodes][-2:] == ["pooling", "classifier"]
    assert isinstance(first.network.graph.by_name["pooling"].layer, Pooling)
    assert first.title == "residual up to last"
    found = taken(first, cache, layer="classifier")
    (again,) = compare_classifiers(found, ["softmax"])
    second = with_classifier(first, Reading(layer="classifier"), found, "softmax", again.fitted)
    assert [node.name for node in second.network.graph.nodes][-2:] == ["classifier", "classifier2"]
    write_model(second, tmp_path / "m.safetensors")
    images = labeled()[0]
    expected = again.fitted.predict_proba(found.vectors)
    np.testing.assert_allclose(read_model(tmp_path / "m.safetensors").predict_proba(images), expected, atol=2e-4)


def test_what_cannot_be_saved_is_refused(cache: Context, tmp_path: Path) -> None:
    model = residual_model(residual_module())
    found = taken(model, cache, layer="last", pool="grid2")
    evaluated = compare_classifiers(found, ["lda"])
    with pytest.raises(ParameterError, match=r"`pool` must be none, mean or max .* Got 'grid2'"):
        save_with_classifier(model, found, evaluated, tmp_path / "m.safetensors", layer="last", pool="grid2")
    found = taken(model, cache, layer="last", pool="mean")
    (lda,) = compare_classifiers(found, ["lda"])
    with pytest.raises(ParameterError, match="optimized for inference"):
        with_classifier(model.optimize("float32"), Reading(layer="last", pool="mean"), found, "lda", lda.fitted)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tensor", "value", "word"), [("labels", 4, "of no class"), ("labels", -1, "of no class"), ("scale", 0, "scale")]
)
def test_a_file_whose_kept_images_are_damaged_is_refused(
    tensor: str, value: int, word: str, cache: Context, tmp_path: Path
) -> None:
    model = residual_model(residual_module())
    found = taken(model, cache, layer="last", pool="mean")
    (knn,) = compare_classifiers(found, ["knn"])
    made = with_classifier(model, Reading(layer="last", pool="mean"), found, "knn", knn.fitted)
    made.network.tensors[f"classifier.{tensor}"].detach()[0] = value
    write_model(made, tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=word):
        read_model(tmp_path / "m.safetensors")


def test_layers_are_listed_with_stage_shape_and_receptive_field() -> None:
    found = {layer.name: layer for layer in layers(residual_model(residual_module()), pool="mean")}
    assert list(found) == ["image", "stem", "pool", "block.conv1", "block.conv2", "block.add", "last", "mean", "head"]
    assert [layer.stage for layer in found.values()] == [0, 1, None, None, None, 2, 3, 4, None]
    assert (found["last"].shape, found["last"].field, found["last"].notation) == ((5,), (16, 16), "5C3")
    assert "stem" not in {
        layer.name for layer in layers(residual_model(residual_module()), pool="grid14") if layer.stage == 2
    }


def test_the_command_takes_a_layer_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(residual_model(residual_module()), tmp_path / "m.safetensors")
    images, names = labeled()
    np.savez(tmp_path / "set.npz", images=images, labels=names)
    model, data, target = (str(tmp_path / name) for name in ("m.safetensors", "set.npz", "x.csv"))
    common = ["--cache-dir", str(tmp_path / "cache"), "--quiet"]
    assert main(["features", model, data, "--layer", "block", "--pool", "max", "-o", target, *common]) == 0
    assert (tmp_path / "x.csv").read_text().startswith("image,class,split,block.add_map1,block.add_map2,")
    assert main(["features", model, data, "--layer", "blok", "-o", str(tmp_path / "y.csv"), *common]) == 2
    assert "Did you mean 'block'?" in capsys.readouterr().err
    words = ["--layer", "last", "--pool", "mean", "--classifiers", "lda", "--save", str(tmp_path / "s.safetensors")]
    assert main(["features", model, data, *words, *common]) == 0
    assert convscope.load(tmp_path / "s.safetensors").classes == NAMES
    assert main(["features", "hog", data, "--layer", "last", "-o", str(tmp_path / "y.csv"), *common]) == 2
    assert "are for networks" in capsys.readouterr().err


def test_a_network_that_answers_with_maps_gets_a_classifier(cache: Context) -> None:
    model, reading = residual_model(residual_module(dense=True)), {"layer": "head", "pool": "mean"}
    found = taken(model, cache, **reading)
    (evaluated,) = compare_classifiers(found, ["lda"])
    made = with_classifier(model, Reading(**reading), found, "lda", evaluated.fitted)
    expected = evaluated.fitted.predict_proba(found.vectors)
    np.testing.assert_allclose(made.predict_proba(labeled()[0]), expected, atol=1e-3)


def test_folders_of_any_names_are_classes_for_a_network_of_others(tmp_path: Path, cache: Context) -> None:
    for index, pixels in enumerate(some_pixels(8, 14, 16)):
        place = tmp_path / "photos" / NAMES[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{index}.png")
    photos = tmp_path / "photos"
    found = convscope.extract_features(residual_model(residual_module()), photos, layer="last", context=cache)
    assert (found.classes, sorted(set(found.labels.tolist()))) == (NAMES[:2], [0, 1])
    layout = convscope.extract_features(small_model("4C3-MP2"), photos, context=cache)
    assert layout.classes == ("",)  # none of the folders has the name of one of its classes
    assert convscope.extract_features("pixels", photos, context=cache).classes == NAMES[:2]
