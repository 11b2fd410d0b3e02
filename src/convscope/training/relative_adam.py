"""The optimizer of fine-tuning: Adam whose steps are relative to the size of the weights, smaller in lower layers."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from convscope.networks.graph_network import GraphNetwork


def rates_by_depth(network: GraphNetwork, first: float) -> dict[str, float]:
    """Return the learning rate of each parameter over that of the last layer: `first` in the first layer.

    Between them it grows geometrically (discriminative learning rates, Howard & Ruder 2018): lower layers see what all
    images have in common, and need to change less.
    """
    nodes = network.graph.nodes
    depths = {node.name: 1 - index / max(1, len(nodes) - 1) for index, node in enumerate(nodes)}
    names = {id(value): name.rpartition(".")[0] for name, value in network.tensors.items()}
    return {key: first ** depths[names[id(value)]] for key, value in network.named_parameters()}


class RelativeAdam:
    """Adam (Kingma & Ba 2015) in steps of learning rate × the root mean square of a unit's weights.

    Normalization that is put into the weights leaves units whose weights differ a hundredfold in size. Steps of one
    size would destroy the small ones before the large ones have moved.

    Args:
        weights: in the memory format that they keep.
        rates: of each over the learning rate, by name.
    """

    BETAS = 0.9, 0.99
    EPSILON = 1e-8
    LEAST = 1e-3
    """Size of the weights of units that have none yet."""

    def __init__(self, weights: Mapping[str, nn.Parameter], rates: Mapping[str, float]) -> None:
        self.weights, self.rates = weights, rates
        self.means = {name: torch.zeros_like(value) for name, value in weights.items()}
        self.squares = {name: torch.zeros_like(value) for name, value in weights.items()}

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Change the weights by their gradients."""
        first, second = self.BETAS
        for name, value in self.weights.items():
            if value.grad is None:
                continue
            mean, square = self.means[name], self.squares[name]
            mean.lerp_(value.grad, 1 - first)
            square.mul_(second).addcmul_(value.grad, value.grad, value=1 - second)
            root = square.div(1 - second**number).sqrt_().add_(self.EPSILON)
            length = rate * self.rates[name] / (1 - first**number)
            value.sub_(mean.div(root).mul_(_size(value).clamp_min(self.LEAST)), alpha=length)

    def tensors(self) -> dict[str, Tensor]:
        """Return the running means of gradients and of their squares by name."""
        means = {f"{name}.mean": value for name, value in self.means.items()}
        return means | {f"{name}.square": value for name, value in self.squares.items()}


def _size(value: Tensor) -> Tensor:
    """Return the root mean square of the weights of each unit, or of all biases."""
    axes = tuple(range(1, value.ndim)) or (0,)
    return value.square().mean(dim=axes, keepdim=True).sqrt()
