"""A folded network computes what the network computes, by sums that anyone can follow."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from convscope.layers.kinds import Convolution, Linear, LocallyConnected, Pooling
from convscope.layers.locally_connected import regions_along
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.networks.build import Network
from convscope.networks.folding import fold, ready
from convscope.networks.graph import Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.layout import Layout
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import calibrated, small_model, with_statistics


def computed(network: GraphNetwork, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the logits by the arithmetic that the graph describes, in float64."""
    maps = (torch.from_numpy(images).double() / 255 - network.mean.double()) / network.std.double()
    maps = maps.permute(0, 3, 1, 2)
    for node in network.graph.nodes:
        tensors = {name: value.double() for name, value in network.tensors_of(node).items()}
        if isinstance(node.layer, Pooling):
            maps = node.layer.compute([maps], {})
        elif isinstance(node.layer, Linear):
            maps = maps.flatten(1) @ tensors["weight"].T + tensors["bias"]
        else:
            maps = _sums(node, tensors, maps)
        maps = NONLINEARITIES[node.nonlinearity].apply(maps)
    return maps.numpy()


def _sums(node: Node, tensors: dict[str, torch.Tensor], maps: torch.Tensor) -> torch.Tensor:
    layer = node.layer
    assert isinstance(layer, (Convolution, LocallyConnected))
    window = layer.rows if isinstance(layer, Convolution) else layer.window
    padded = functional.pad(maps, (window.before, window.after) * 2)
    weights = tensors["weight"] if isinstance(layer, LocallyConnected) else tensors["weight"][None, None]
    each = torch.stack(
        [functional.conv2d(padded, own, tensors["bias"], stride=window.stride) for own in weights.flatten(0, 1)]
    )
    rows, columns = each.shape[-2:]
    regions = torch.tensor(regions_along(rows, weights.shape[0]))[:, None] * weights.shape[1]
    regions = regions + torch.tensor(regions_along(columns, weights.shape[1]))
    values = each.gather(0, regions.expand(1, *each.shape[1:]))[0]
    return values + maps if len(node.inputs) == 2 else values


def assert_same_scores(case: Case) -> None:
    network = with_statistics(Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,)))
    images = np.random.default_rng(1).integers(0, 256, (3, case.height, case.width, case.channels), np.uint8)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    calibrated(network)
    if network.temperature is not None:
        expected = expected / network.temperature.numpy()
    else:
        expected = expected * network.slopes.numpy() + network.offsets.numpy()
    folded = ready(network)
    assert (folded.temperature is None) == (network.temperature is None)
    assert [(node.maps, node.rows, node.macs, node.field_rows) for node in folded.plan.layers] == [
        (layer.maps, layer.rows, layer.macs, layer.field_rows) for layer in network.plan.layers
    ]
    np.testing.assert_allclose(computed(folded, images), expected, rtol=1e-3, atol=1e-4)
    with torch.inference_mode():
        logits = folded(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


@settings(LAWS, max_examples=80)
@given(cases())
def test_it_computes_the_same_scores(case: Case) -> None:
    assert_same_scores(case)


@pytest.mark.parametrize(
    "layout", ["4U3-MP2-6U3:2-5N", "4C3/2-+4C3-LP2-ST2-BPg", "softmax", "7N-nonorm-gelu", "4C3-MP2-svm"]
)
def test_units_that_are_not_copied_and_odd_networks_too(layout: str) -> None:
    assert_same_scores(Case(layout=Layout.parse(layout), height=9, width=11, channels=3, classes=4))


def test_the_network_stays_as_it_was() -> None:
    network = small_model("4C3-MP2-6N").network
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fold(network)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])


def test_a_classifier_alone_is_one_layer() -> None:
    network = Network(Layout.parse("softmax"), height=2, width=2, channels=1, classes=3)
    folded = fold(network)
    (logits,) = folded.graph.nodes
    assert isinstance(logits.layer, Linear)
    weights = folded.tensors_of(logits)["weight"]
    assert isinstance(network.classifier, nn.Linear)
    np.testing.assert_array_equal(weights.numpy(), network.classifier.weight.detach().numpy())
