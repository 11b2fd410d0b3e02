"""Grad-CAM is an exact class activation map where the network ends in a global mean."""

import pytest
import torch

from convscope.attribution.grad_cam import GRAD_CAM, class_maps, ends_in_mean, maps_layer, weigh_maps
from convscope.attribution.method import Settings
from convscope.attribution.occlusion import values_of
from convscope.core.errors import ParameterError
from convscope.networks.folding import fold
from tests.checks import graph_models, models
from tests.checks.graphs import residual_model, residual_module

from .networks import in_doubles, logits_of, standardized

MEANS = {
    "layout": lambda: models.small_model("4C3-MP2-5C3-APg"),
    "residual": lambda: residual_model(residual_module()),
    "resnet18": lambda: graph_models.graph_model("resnet18"),
    "mobilenet_v2": lambda: graph_models.graph_model("mobilenet_v2"),
}


@pytest.mark.parametrize("name", MEANS)
def test_before_a_global_mean_it_is_the_weights_of_the_classifier_times_the_maps(name: str) -> None:
    model = MEANS[name]()
    network = in_doubles(model)
    images = standardized(network, graph_models.pixels_for(model, 2))
    layer = maps_layer(network.graph, None)
    assert ends_in_mean(network.graph, layer)
    targets = torch.tensor([0, 1])
    found = class_maps(network, images, targets, layer)
    last = network.graph.output.name
    weight, bias = network.tensors[f"{last}.weight"].flatten(1), network.tensors[f"{last}.bias"]
    maps = values_of(network, images)[layer]
    torch.testing.assert_close(found, torch.einsum("nc,nchw->nhw", weight[targets], maps), rtol=1e-9, atol=1e-9)
    logits = logits_of(network, images).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(found.mean((1, 2)) + bias[targets], logits, rtol=1e-9, atol=1e-9)


def test_elsewhere_the_weight_of_a_map_is_its_mean_gradient() -> None:
    network = in_doubles(models.small_model("4C3-MP2-5C3-6N"))
    images, targets = standardized(network, models.some_pixels(2)), torch.tensor([2, 0])
    assert maps_layer(network.graph, None) == "convolution2"
    assert not ends_in_mean(network.graph, "convolution2")
    found = class_maps(network, images, targets, "convolution2")
    maps = values_of(network, images)["convolution2"]
    step, weights = 1e-6, torch.zeros(maps.shape[:2], dtype=torch.float64)
    stored = dict(values_of(network, images))
    for unit in range(maps.shape[1]):
        moved = maps.clone()
        moved[:, unit] += step  # moves the logit by step × the sum of the map's gradient
        change = network.recomputed(stored, {"convolution2": moved}) - logits_of(network, images)
        weights[:, unit] = change.gather(1, targets[:, None])[:, 0] / step / maps[0, 0].numel()
    torch.testing.assert_close(found, torch.einsum("nc,nchw->nhw", weights, maps), rtol=1e-5, atol=1e-6)


def test_the_map_is_enlarged_to_the_image_and_names_its_layer() -> None:
    model = models.small_model("4C3-MP2-5C3-6N")
    network = fold(model.network)
    images = network.standardize(torch.from_numpy(models.some_pixels(3)))
    found = weigh_maps(network, images, torch.tensor([0, 1, 2]), Settings(batch=2, layer="pooling1"))
    assert [one.layer for one in found] == ["pooling1"] * 3
    assert {one.values.shape for one in found} == {(17, 14)}
    assert not any(one.exact for one in found)
    assert len({one.values.tobytes() for one in found}) == 3


def test_a_layer_without_maps_is_refused() -> None:
    graph = fold(models.small_model("4C3-MP2-6N").network).graph
    with pytest.raises(ParameterError, match="several positions"):
        maps_layer(graph, "linear1")
    with pytest.raises(ParameterError, match="must be a layer"):
        maps_layer(graph, "nowhere")
    assert "maps" in GRAD_CAM.refusal(fold(models.small_model("6N-tanh").network).graph)
