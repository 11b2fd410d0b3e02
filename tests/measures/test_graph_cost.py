"""Costs of networks that were read from modules are those that hooks on the modules count."""

import json

import pytest
import torch
from torch import Tensor, nn

from convscope.cli.cost_text import cost_text
from convscope.core.records import from_json, to_json
from convscope.layers.kinds import Convolution, Linear, ScaleAndShift, TransposedConvolution
from convscope.measures import timing
from convscope.measures.cost import BYTES, CostRecord, count_graph
from convscope.measures.graph_cost import measure_graph_cost
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.layout import Layout
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture

READ = {name: one for name, one in ARCHITECTURES.items() if not one.refused}
everyone = pytest.mark.parametrize("architecture", READ.values(), ids=READ)
SUMS = nn.Conv2d, nn.Linear, nn.ConvTranspose2d


def read(architecture: Architecture) -> GraphNetwork:
    source = read_architecture(architecture)
    return GraphNetwork(source.graph, source.tensors).eval()


def counted(architecture: Architecture) -> tuple[int, int, int]:
    """Return weights, units and MACs of all sums of a module, by hooks, as torchinfo counts them."""
    weights = units = macs = 0
    module = architecture.make()

    def count(part: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal weights, units, macs
        weight, positions = part.weight, output.numel()
        assert isinstance(weight, Tensor)
        weights += weight.numel()
        if isinstance(part, nn.ConvTranspose2d):
            units += part.out_channels
            macs += inputs[0].numel() * weight[0].numel()
        else:
            units += len(weight)
            macs += positions * weight[0].numel()

    for part in module.modules():
        if isinstance(part, SUMS):
            part.register_forward_hook(count)
    with torch.no_grad():
        module(architecture.example())
    return weights, units, macs


@everyone
def test_weights_and_sums_are_those_of_the_module_and_every_unit_has_a_bias(architecture: Architecture) -> None:
    network = read(architecture)
    weights, units, macs = counted(architecture)
    cost = count_graph(network.graph)
    summed = {
        one.name for one in network.graph.nodes if isinstance(one.layer, (Convolution, Linear, TransposedConvolution))
    }
    own = [layer for layer in cost.layers if layer.name in summed]
    assert sum(layer.parameters for layer in own) == weights + units
    assert cost.macs == macs
    others = sum(layer.parameters for layer in cost.layers if layer.name not in summed)
    scales = [one for one in network.graph.nodes if isinstance(one.layer, ScaleAndShift)]
    assert others >= 2 * sum(network.graph.shapes[one.name].maps for one in scales)
    assert cost.parameters == network.plan.parameters == sum(tensor.numel() for tensor in network.tensors.values())


def test_prediction_stores_what_later_layers_still_read() -> None:
    network = read(ARCHITECTURES["resnet18"])
    graph, cost = network.graph, count_graph(network.graph)
    shapes = graph.shapes
    by_name = {layer.name: layer for layer in cost.layers}
    inner = by_name["layer1.0.conv2"]  # it adds what the block got, which waits
    waiting = {name for one in graph.nodes if one.name in ("layer1.0.conv2", "layer1.0.add") for name in one.inputs}
    assert inner.predicting_bytes >= BYTES * sum(
        shapes[name].values for name in {*waiting, "layer1.0.conv2"} - {"image"}
    )
    assert cost.predicting_bytes == BYTES * graph.live()
    assert cost.training_bytes == BYTES * network.plan.values


def test_every_node_is_timed_and_the_network_stays_as_it_is() -> None:
    network = read(ARCHITECTURES["unet"])
    before = [(tensor.requires_grad, tensor.grad) for tensor in network.parameters()]
    found = measure_graph_cost(network, batch=1, repeats=1)
    assert all(layer.forward_ms is not None and layer.backward_ms is not None for layer in found.costs[0].layers)
    assert [(tensor.requires_grad, tensor.grad) for tensor in network.parameters()] == before
    assert from_json(CostRecord, json.loads(json.dumps(to_json(found)))) == found
    text = cost_text(found)
    assert all(one.name in text for one in network.graph.nodes)
    assert "locally connected" not in text


def test_so_many_images_are_timed_as_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    network = fold(Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2))
    assert measure_graph_cost(network, repeats=0).batch == timing.BATCH
    monkeypatch.setattr("convscope.measures.graph_cost.LARGEST_MACS", 3 * 2 * 5 * network.plan.macs)
    assert measure_graph_cost(network, repeats=1).batch == 5
    monkeypatch.setattr(timing, "LARGEST_MACS", 10)
    assert "MACs to be timed" in measure_graph_cost(network, repeats=1, batch=3).costs[0].why_untimed
