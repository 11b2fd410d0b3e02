"""The first look at units is exact where the network is linear, and close where it is not."""

import json

import numpy as np
import pytest
import torch

from convscope.api.units import units
from convscope.cli.units_text import units_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.records import from_json, to_json
from convscope.layers.instance_based import Exemplars
from convscope.layers.normalization import BatchNormalization
from convscope.measures.units.ablation import measure_ablation
from convscope.measures.units.importance import ablation_macs, agreement, measure_importance, most_important
from convscope.measures.units.measuring import measure_units, unit_layers
from convscope.measures.units.random_weights import with_random_weights
from convscope.measures.units.records import UnitsReport
from convscope.networks.folding import fold
from convscope.networks.model import as_tensor
from tests.checks.graph_models import graph_model, pixels_for
from tests.checks.models import small_model, some_pixels, with_exemplars

LABELS = np.arange(12) % 3


@pytest.mark.parametrize("layout", ["4C3-APg", "3C3/2-AP2", "5N"])
def test_what_is_linear_behind_a_unit_is_foreseen_exactly(layout: str) -> None:
    model, images = small_model(layout), some_pixels(12, seed=2)
    first = measure_importance(model, images, LABELS)
    exact = measure_ablation(model, images, LABELS)
    assert first is not None
    for looked, ablated in zip(first.layers, exact.layers, strict=True):
        found = [unit.logit_change for unit in ablated.units]
        np.testing.assert_allclose(looked.units, found, rtol=1e-3, atol=1e-5)
    number, rank = agreement(first, exact)
    assert number == sum(len(layer.units) for layer in exact.layers)
    assert rank == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "mobilenet_v2", "unet"])
def test_every_layer_of_sums_has_units_in_any_network(name: str) -> None:
    model = graph_model(name)
    graph, images = fold(model.network).graph, pixels_for(model, 6)
    indices = unit_layers(graph)
    found = measure_units(model, images, top=2)
    assert [layer.layer - 1 for layer in found.layers] == list(indices)
    assert [layer.name for layer in found.layers] == [graph.nodes[index].name for index in indices]
    assert [len(layer.units) for layer in found.layers] == [
        graph.shapes[graph.nodes[index].name].maps for index in indices
    ]
    assert from_json(type(found), json.loads(json.dumps(to_json(found)))) == found
    random = measure_units(with_random_weights(model, images, 1), images, top=1)
    assert all(0 < unit.silent < 1 for layer in random.layers for unit in layer.units if layer.rows > 4)


def test_random_weights_are_normalized_by_the_images() -> None:
    model, images = small_model("4C3-MP2-6C3"), some_pixels(9, seed=3)
    random = with_random_weights(model, images, 0)
    layers = [module for module in random.network.modules() if isinstance(module, BatchNormalization)]
    assert len(layers) == 2
    means = []
    for layer in layers:
        layer.register_forward_hook(lambda _, given, out: means.append(out.mean((0, 2, 3))))
    random.network(as_tensor(images))
    for mean in means:
        np.testing.assert_allclose(mean.detach(), 0, atol=5e-3)


def test_the_random_weights_of_a_graph_are_drawn_layer_by_layer() -> None:
    model = graph_model("resnet18")
    graph = fold(model.network).graph
    found = fold(with_random_weights(model, pixels_for(model, 4), 3).network).tensors
    generator = torch.Generator().manual_seed(3)
    for node in graph.nodes:
        if (weight := found.get(f"{node.name}.weight")) is not None:
            drawn = torch.empty_like(weight).normal_(generator=generator)
            alike = torch.cosine_similarity(weight.flatten(1), drawn.flatten(1))
            np.testing.assert_allclose(alike, 1, atol=1e-4, err_msg=node.name)


def test_the_most_important_units_are_ablated_within_a_budget() -> None:
    model = graph_model("resnet18")
    graph, images = fold(model.network).graph, pixels_for(model, 24)
    labels = np.arange(24) % len(model.classes)
    first = measure_importance(model, images, labels)
    assert first is not None
    every, count = most_important(first, graph, 24)
    assert (sum(map(len, every.values())), count) == (sum(len(layer.units) for layer in first.layers), 24)
    cost = max(ablation_macs(graph).values())
    some, count = most_important(first, graph, 24, budget=cost * 20 * 30)
    assert 25 < sum(map(len, some.values())) < 200
    assert 20 <= count <= 24
    least = min(
        first.layers[list(unit_layers(graph)).index(index)].units[unit] for index in some for unit in some[index]
    )
    left = [
        value
        for index, layer in zip(unit_layers(graph), first.layers, strict=True)
        for unit, value in enumerate(layer.units)
        if unit not in some.get(index, ())
    ]
    assert max(left) <= least
    exact = measure_ablation(model, images, labels, chosen=every)
    assert measure_ablation(model, images, labels, chosen=some).correct == exact.correct
    rank = agreement(first, exact)[1]
    assert rank is not None
    assert rank > 0.8


def test_one_ablation_is_one_run_of_the_network_without_that_map() -> None:
    model = graph_model("densenet121")
    network, images = fold(model.network), pixels_for(model, 3)
    labels = np.zeros(3, np.int64)
    index = unit_layers(network.graph)[3]
    found = measure_ablation(model, images, labels, chosen={index: [1]}, batch=7)
    import torch

    values = {"image": network.standardize(torch.from_numpy(images))}
    for place, node in enumerate(network.graph.nodes):
        values[node.name] = network.compute(node, [values[name] for name in node.inputs])
        if place == index:
            values[node.name][:, 1] = 0
    without = values[network.graph.output.name].flatten(1)[:, 0]
    change = (without - network(torch.from_numpy(images))[:, 0]).abs().mean()
    assert [len(layer.units) for layer in found.layers if layer.units] == [1]
    (unit,) = (unit for layer in found.layers for unit in layer.units)
    assert unit.logit_change == pytest.approx(float(change.detach()), rel=1e-4)


def test_votes_of_neighbors_have_no_first_look() -> None:
    model = with_exemplars(small_model("4C3-MP2"), Exemplars(kind="neighbors", kept=9, neighbors=2))
    assert measure_importance(model, some_pixels(12), LABELS) is None


def test_networks_that_answer_for_every_position_are_refused_in_a_sentence(tmp_path: object) -> None:
    with pytest.raises(DataError, match="one logit for each class"):
        units(graph_model("unet"), "digits")


def test_layers_are_asked_for_by_name_or_number(tmp_path_factory: pytest.TempPathFactory) -> None:
    import convscope

    folder = tmp_path_factory.mktemp("run")
    model = convscope.train("digits", layout="4C3-MP2-8N", epochs=1, output=folder, force=True).model
    report = units(model, "digits", ablation=30, layer=["linear1"], probes=False, top=1)
    assert report.ablation is not None
    assert report.importance is not None
    assert [len(layer.units) for layer in report.ablation.layers] == [0, 8]
    assert report.importance.ablated == 8
    assert "Spearman" in units_text(report)
    assert "not ablated" in units_text(report)
    assert from_json(UnitsReport, json.loads(json.dumps(to_json(report)))) == report
    with pytest.raises(ParameterError, match="linear1"):
        units(model, "digits", layer=["linear2"])
