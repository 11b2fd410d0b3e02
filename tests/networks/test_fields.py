"""Receptive fields of whole networks, by gradient: through branches, strides, dilations and resizings."""

import pytest
import torch
from torch import Tensor

from convscope.layers.kinds import Multiply
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture

READ = {name: one for name, one in ARCHITECTURES.items() if not one.refused}


def values_with_gradient(network: GraphNetwork, image: Tensor) -> dict[str, Tensor]:
    """Return the values of every layer; gates of whole maps, through which all depends on all, pass no gradient."""
    values = {IMAGE: image}
    for node in network.graph.nodes:
        inputs = [values[name] for name in node.inputs]
        if isinstance(node.layer, Multiply):
            inputs = [value.detach() if value.shape[2:] == (1, 1) else value for value in inputs]
        values[node.name] = network.compute(node, inputs)
    return values


@pytest.mark.parametrize("architecture", READ.values(), ids=READ)
def test_no_value_depends_on_pixels_beyond_its_field(architecture: Architecture) -> None:
    source = read_architecture(architecture)
    network = GraphNetwork(source.graph, source.tensors).eval().requires_grad_(requires_grad=False)
    image = architecture.example().requires_grad_()
    values = values_with_gradient(network, image)
    for node in source.graph.nodes:
        maps = values[node.name]
        if not maps.requires_grad:
            continue
        for axis, field in enumerate(source.graph.fields[node.name]):
            for position in {0, maps.shape[2 + axis] // 2, maps.shape[2 + axis] - 1}:
                chosen = maps.select(2 + axis, position).sum()
                (gradient,) = torch.autograd.grad(chosen, image, retain_graph=True)
                touched = (gradient[0] != 0).any(dim=0).any(dim=1 - axis).nonzero().flatten().tolist()
                if touched:
                    assert field.first(position) <= touched[0], (node.name, axis, position)
                    assert touched[-1] < field.ends(position + 1)[-1], (node.name, axis, position)
