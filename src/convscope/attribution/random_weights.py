"""Networks whose weights are drawn anew from the classifier down (Adebayo et al. 2018)."""

from collections.abc import Iterator

import numpy as np
import torch

from convscope.networks.graph_network import GraphNetwork


def randomized(network: GraphNetwork, *, most: int, seed: int) -> Iterator[tuple[str, GraphNetwork]]:
    """Give the network with random weights from the last layer down to ever earlier ones, and the name of that one.

    The weights of a layer are drawn from a normal distribution of their own standard deviation; biases become 0.

    Args:
        network: trained; unchanged.
        most: how many networks; evenly spread over the layers with weights, the last is random throughout.
        seed: of the weights.
    """
    graph, tensors = network.graph, {name: value.detach().cpu().clone() for name, value in network.tensors.items()}
    layers = [node.name for node in reversed(graph.nodes) if f"{node.name}.weight" in tensors]
    given = {layers[index] for index in np.linspace(0, len(layers) - 1, min(most, len(layers))).round().astype(int)}
    generator = torch.Generator().manual_seed(seed)
    mean, std = network.mean.tolist(), network.std.tolist()
    for name in layers:
        weight, bias = tensors[f"{name}.weight"], tensors.get(f"{name}.bias")
        weight.normal_(0.0, float(weight.std(correction=0)) or 1.0, generator=generator)
        if bias is not None:
            bias.zero_()
        if name in given:
            margins = network.temperature is None
            made = GraphNetwork(graph, tensors, mean=mean, std=std, margins=margins)
            yield name, made.eval().requires_grad_(requires_grad=False).to(network.device)
