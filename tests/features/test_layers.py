"""Layers of any network by name: their features are the values that the network itself computes there."""

import numpy as np
import pytest
import torch

from convscope.core.errors import ParameterError
from convscope.features.layers import block_ends, find_layer, network_up_to, stage_layers, trunk
from convscope.features.reading import Reading, StageFeatures
from convscope.networks.model import BATCH_VALUES
from tests.checks.graphs import module_values, residual_model, residual_module
from tests.checks.models import LAYOUTS, maps_of, small_model, some_pixels


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize(
    ("layer", "of"),
    [
        ("pool", lambda seen: seen["pool"]),
        ("block.conv1", lambda seen: seen["block.conv1"].clip(0)),
        ("block.conv2", lambda seen: seen["block.conv2"]),
        ("block", lambda seen: seen["block"]),
        ("last", lambda seen: np.tanh(seen["last"])),
        ("head", lambda seen: seen["head"]),
    ],
)
def test_features_of_a_layer_are_what_the_module_gives(layer: str, of, dense: bool) -> None:
    module = residual_module(dense=dense)
    model, images = residual_model(module), some_pixels(5, 14, 16)
    (features,) = Reading(layer=layer).of(model, images)
    np.testing.assert_allclose(features, of(module_values(module, model, images)), rtol=1e-5, atol=1e-5)
    assert features.shape[1:] == Reading(layer=layer).shape(model.network)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if not layout.endswith("svm")])
def test_features_of_a_layer_of_a_layout_are_its_maps(layout: str) -> None:
    model, images = small_model(layout), some_pixels(3)
    graph = model.network.graph
    for name, maps in zip(graph.shapes, maps_of(model.network, images)[:-1], strict=False):
        (features,) = Reading(layer=name).of(model, images)
        np.testing.assert_allclose(features.reshape(maps.shape), maps, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_last_layer_of_a_stage_has_the_features_of_the_stage(layout: str) -> None:
    model, images = small_model(layout), some_pixels(3)
    for stage, name in enumerate(stage_layers(model.network)):
        (by_number,) = Reading(stage=stage).of(model, images)
        (by_name,) = Reading(layer=name).of(model, images)
        np.testing.assert_allclose(by_name.reshape(by_number.shape), by_number, rtol=1e-4, atol=1e-5)
    assert len(stage_layers(model.network)) == len(model.network.stages) + 1


def test_stages_end_where_the_size_changes_and_everything_passes() -> None:
    network = residual_model(residual_module()).network
    graph = network.graph
    assert [node.name for node in trunk(graph)] == ["stem", "pool", "block.add", "last", "mean", "head"]
    assert stage_layers(network) == ("image", "stem", "block.add", "last", "mean")
    assert block_ends(graph, 20) == ("stem", "pool", "block.add", "last", "mean")
    assert block_ends(graph, 2) == ("stem", "mean")
    dense = residual_model(residual_module(dense=True)).network
    assert stage_layers(dense) == ("image", "stem", "block.add", "last")


def test_stages_of_a_graph_are_read_by_number_and_named_by_their_layer() -> None:
    model, images = residual_model(residual_module()), some_pixels(2, 14, 16)
    (last,) = Reading().of(model, images)
    (second,) = Reading(stage=2, pool="mean").of(model, images)
    assert (last.shape, second.shape) == ((2, 5), (2, 6))
    assert Reading().names(model.network)[0] == "mean_map1"
    assert Reading(stage=2, pool="mean").names(model.network)[-1] == "block.add_map6"
    assert Reading(layer="block", pool="grid2").names(model.network)[0] == "block.add_map1_row1_column1"
    assert Reading(stage=0).names(model.network)[0] == Reading(layer="image").names(model.network)[0]
    (pixels,) = Reading(stage=0).of(model, images)
    np.testing.assert_allclose(pixels, model.network.standardize(torch.from_numpy(images)).numpy())
    with pytest.raises(ParameterError, match=r"`stage` must be from 0 \(the pixels\) to 4"):
        Reading(stage=5).check(model.network)


@pytest.mark.parametrize("pool", ["mean", "max", "grid3"])
def test_maps_of_a_layer_are_pooled(pool: str) -> None:
    model, images = residual_model(residual_module()), some_pixels(2, 14, 16)
    (maps,), (pooled,) = (Reading(layer="last", pool=one).of(model, images) for one in ("none", pool))
    expected = {"mean": maps.mean(axis=(2, 3)), "max": maps.max(axis=(2, 3)), "grid3": None}[pool]
    if expected is not None:
        np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-6)
    assert pooled.shape[1:] == Reading(layer="last", pool=pool).shape(model.network)
    with pytest.raises(ParameterError, match="`pool` must be grid5 or smaller"):
        Reading(layer="last", pool="grid6").check(model.network)


@pytest.mark.parametrize(
    ("name", "guess"),
    [("block.conv3", "'block.conv2'"), ("blok", "'block'"), ("lst", "'last'"), ("9", "from stem to head")],
)
def test_a_layer_that_is_not_there_is_refused_with_the_closest(name: str, guess: str) -> None:
    graph = residual_model(residual_module()).network.graph
    with pytest.raises(
        ParameterError, match=rf"`layer` must be a layer of the network.*Got '{name}'.*--layer-names"
    ) as got:
        find_layer(graph, name)
    assert guess in str(got.value)


@pytest.mark.parametrize("given", [{"layer": ""}, {"layer": 3}, {"layer": "stem", "stage": 2}])
def test_a_name_that_is_none_or_comes_with_a_stage_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="`layer`"):
        Reading(**given)  # type: ignore[arg-type]


def test_only_the_layers_that_are_needed_are_computed_and_stored() -> None:
    model = residual_model(residual_module())
    cut = network_up_to(model.network, "block.conv1")
    assert [node.name for node in cut.graph.nodes] == ["stem", "pool", "block.conv1"]
    assert Reading(layer="stem").batch(model) == 256
    large = residual_model(residual_module(), height=512, width=512)
    assert Reading(layer="stem").batch(large) == BATCH_VALUES // (512 * 512 * 9)


def test_the_identity_tells_layers_weights_and_graphs_apart() -> None:
    model = residual_model(residual_module())
    found = {
        StageFeatures(one, reading).identity()
        for one in (model, residual_model(residual_module(seed=1)), residual_model(residual_module(), width=18))
        for reading in (Reading(), Reading(layer="last"), Reading(layer="last", pool="mean"))
    }
    assert len(found) == 9
    assert StageFeatures(model, Reading()).identity() in found


def test_a_layout_that_is_optimized_for_inference_has_no_layers_by_name() -> None:
    with pytest.raises(ParameterError, match="optimized for inference"):
        list(Reading(layer="pooling1").of(small_model("4C3-MP2").optimize(), some_pixels(2)))
    model, images = residual_model(residual_module()), some_pixels(2, 14, 16)
    (expected,), (features,) = (Reading(layer="last").of(one, images) for one in (model, model.optimize("float32")))
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)
