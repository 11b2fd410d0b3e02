"""Computes networks that were read beside the modules that they were read from."""

import torch
from torch import Tensor, nn

from convscope.networks.foreign.building.builder import ReadNetwork
from convscope.networks.foreign.modules.torch_module import read_module
from convscope.networks.graph_network import GraphNetwork


def output(network: ReadNetwork, images: Tensor) -> Tensor:
    """Return the values of the last layer, N C h w."""
    values = images
    for _, values in GraphNetwork(network.graph, network.tensors).values(images):  # noqa: B007  # the last ones
        pass
    return values.detach()


def difference(network: ReadNetwork, module: nn.Module, shape: tuple[int, int, int], images: int = 2) -> float:
    """Return the largest difference from the module, on images that were not traced, relative to its largest value."""
    values = torch.randn(images, *shape, generator=torch.Generator().manual_seed(23))
    with torch.no_grad():
        expected = module.eval()(values)
    if isinstance(expected, dict):
        expected = expected["out"]
    own = output(network, values).reshape(expected.shape)
    return float((own - expected).abs().max() / expected.abs().max())


def read(module: nn.Module, shape: tuple[int, int, int], *, up_to: str = "") -> ReadNetwork:
    """Return the network of a module whose normalizations have met data, read with an image of zeros and ones."""
    settle(module)
    example = torch.randint(0, 2, (1, *shape), generator=torch.Generator().manual_seed(5)).float()
    return read_module(module, example, up_to=up_to)


def settle(module: nn.Module) -> None:
    """Give batch normalizations statistics and weights of their own."""
    generator = torch.Generator().manual_seed(11)
    for part in module.modules():
        if isinstance(part, (nn.BatchNorm2d, nn.BatchNorm1d)):
            for tensor, low, high in (
                (part.running_mean, -0.5, 0.5),
                (part.running_var, 0.5, 2.0),
                (part.weight, 0.5, 1.5),
                (part.bias, -0.5, 0.5),
            ):
                if tensor is not None:
                    tensor.data.uniform_(low, high, generator=generator)


def kinds(network: ReadNetwork) -> list[str]:
    """Return the kind of every layer, with its nonlinearity where it has one."""
    return [
        node.layer.KIND + (f"+{node.nonlinearity}" if node.nonlinearity != "linear" else "")
        for node in network.graph.nodes
    ]
