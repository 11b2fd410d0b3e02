"""The optimizers: Muon for convolutions and for fully connected units unless there are very many, AdamW for the rest.

A graph, whose weights another training has found, is fine-tuned by Adam in relative steps. All are our arithmetic on
torch's operations: the first use of ``torch.optim`` loads torch's compiler, which takes seconds at every start.
"""

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from convscope.networks.build import Network, layout_network
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork

from .relative_adam import RelativeAdam, rates_by_depth


class Method(Protocol):
    """One way to change some of the weights by their gradients."""

    weights: Mapping[str, nn.Parameter]

    def step(self, number: int, rate: float) -> None:
        """Change the weights; `number` counts from 1, `rate` is the learning rate."""

    def tensors(self) -> dict[str, Tensor]:
        """Return what the method remembers, by name: its own tensors, not copies."""


class Optimizer:
    """Every weight of a network with the method that learns it; frozen weights (that need no gradient) have none.

    Args:
        network: whose weights are learned; in the memory format that they keep. That of a graph is fine-tuned.
        decay: weight decay, decoupled. What has one axis (normalization, biases) does not decay, nor does what has a
            fixed length.
        precision: of Muon's matrix products.
        first_layer: learning rate of the first layer over that of the last, in fine-tuning.
    """

    LARGEST_MATRIX = 256  # units that are connected everywhere; with more, Muon takes longer than all else

    methods: tuple[Method, ...]

    def __init__(
        self,
        network: ImageNetwork,
        *,
        decay: float,
        precision: torch.dtype = torch.float32,
        first_layer: float = 1.0,
    ) -> None:
        weights = {name: value for name, value in network.named_parameters() if value.requires_grad}
        if isinstance(network, GraphNetwork):
            self.methods = (RelativeAdam(weights, rates_by_depth(network, first_layer)),)
            return
        network = layout_network(network)
        hidden = {name: value for name, value in weights.items() if self._is_hidden(value, network)}
        # before a normalization, the length of a unit's weights changes nothing
        hidden_decay = None if network.layout.normalization else decay
        self.methods = (
            Muon(hidden, decay=hidden_decay, precision=precision),
            AdamW({name: value for name, value in weights.items() if name not in hidden}, decay=decay),
        )

    def _is_hidden(self, value: nn.Parameter, network: Network) -> bool:
        if value is network.weighted_sums().weight:
            return False
        return value.ndim == 4 or (value.ndim == 2 and min(value.shape) <= self.LARGEST_MATRIX)

    def step(self, number: int, rate: float) -> None:
        """Change the weights by their gradients, which are then forgotten.

        Args:
            number: of this step, from 1.
            rate: learning rate.
        """
        for method in self.methods:
            method.step(number, rate)
            for value in method.weights.values():
                value.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Return what the methods remember, by name; the tensors are their own, not copies."""
        return {name: value for method in self.methods for name, value in method.tensors().items()}


class Muon:
    """Momentum whose every direction counts the same (Jordan et al. 2024).

    The weights of a stage are a matrix: units × values of the patch. Its mean gradient is replaced by the
    nearest matrix with orthogonal rows (or columns), so that what few images ask for is learned as fast as what all
    ask for. A step then has a length of its own, which the size of the gradient does not change: the weights turn by
    about `TURN` × learning rate, in radians.

    Args:
        weights: of hidden units, units × channels × rows × columns or units × inputs each.
        decay: weight decay, decoupled; None keeps each matrix at the length √units.
        precision: of the matrix products.
    """

    TURN = 20.0
    MOMENTUM = 0.9

    def __init__(self, weights: Mapping[str, nn.Parameter], *, decay: float | None, precision: torch.dtype) -> None:
        self.weights, self.decay, self.precision = weights, decay, precision
        self.means = {name: torch.zeros_like(value) for name, value in weights.items()}

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Turn the weights; `number` makes no difference."""
        angle = self.TURN * rate
        for name, value in self.weights.items():
            gradient, mean = _gradient(value), self.means[name]
            mean.mul_(self.MOMENTUM).add_(gradient)
            ahead = gradient.add(mean, alpha=self.MOMENTUM)  # Nesterov: where the momentum is about to lead
            direction = orthogonalized(ahead.flatten(1), self.precision).view_as(value)
            # in patches smaller than the number of units, rows of unit length need columns that are longer
            length = math.sqrt(max(1.0, value.shape[0] / value[0].numel()))
            if self.decay is None:
                value.mul_(math.sqrt(value.shape[0]) / value.norm().clamp_min(1e-12))
            else:
                value.mul_(1 - angle * self.decay)
            value.add_(direction, alpha=-angle * length)

    def tensors(self) -> dict[str, Tensor]:
        """Return the running means of gradients by name."""
        return {f"{name}.mean": value for name, value in self.means.items()}


def orthogonalized(matrix: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """Return about the nearest matrix whose singular values are all 1 (here: 0.4…1.3); zero stays zero.

    Three steps of a Newton–Schulz iteration of degree 5, with the coefficients of Jordan et al. 2024.

    Args:
        matrix: floats, M × N.
        precision: of the products.

    Examples:
        >>> direction = orthogonalized(torch.diag(torch.tensor([100.0, 50.0, 20.0])))
        >>> bool(((0.4 < direction.diagonal()) & (direction.diagonal() < 1.3)).all())
        True
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    result: Tensor = matrix / matrix.norm().clamp_min(1e-12)
    result = (result if wide else result.T).to(precision)
    if result.shape[1] >= _WORTH_FEWER_PRODUCTS * result.shape[0]:
        result = _turning(result @ result.T).to(precision) @ result
    else:
        for _ in range(_STEPS):
            result = _polynomial(result @ result.T) @ result
    return (result if wide else result.T).to(matrix.dtype)


_STEPS = 3
_WORTH_FEWER_PRODUCTS = 4  # times as long as it is wide


def _polynomial(square: Tensor) -> Tensor:
    """Return the factor of one step: 3.4445 − 4.7750 S + 2.0315 S², for the matrix S of the rows' inner products."""
    factor = -4.7750 * square + 2.0315 * square @ square
    factor.diagonal().add_(3.4445)
    return factor


def _turning(square: Tensor) -> Tensor:
    """Return the product of the factors of all steps: each is known from that before, and none needs the long rows."""
    square = square.float()
    factor = whole = _polynomial(square)
    for _ in range(_STEPS - 1):
        square = factor @ square @ factor
        factor = _polynomial(square)
        whole = factor @ whole
    return whole


class AdamW:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), in one fused step.

    What has one axis (normalization, biases) does not decay.

    Args:
        weights: in the memory format that they keep.
        decay: weight decay.
    """

    BETAS = 0.9, 0.99
    EPSILON = 1e-8

    def __init__(self, weights: Mapping[str, nn.Parameter], *, decay: float) -> None:
        self.weights, self.decay = weights, decay
        self.means = {name: torch.zeros_like(value) for name, value in weights.items()}
        self.squares = {name: torch.zeros_like(value) for name, value in weights.items()}

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Change the weights by their gradients."""
        decaying = [name for name, value in self.weights.items() if value.ndim > 1]
        others = [name for name, value in self.weights.items() if value.ndim <= 1]
        count = torch.full((), float(number), device=next(iter(self.means.values()), torch.empty(0)).device)
        for names, decay in ((decaying, self.decay), (others, 0.0)):
            torch._fused_adamw_(
                [self.weights[name] for name in names],
                [_gradient(self.weights[name]) for name in names],
                [self.means[name] for name in names],
                [self.squares[name] for name in names],
                [],
                [count] * len(names),
                lr=rate,
                beta1=self.BETAS[0],
                beta2=self.BETAS[1],
                weight_decay=decay,
                eps=self.EPSILON,
                amsgrad=False,
                maximize=False,
            )

    def tensors(self) -> dict[str, Tensor]:
        """Return the running means of gradients and of their squares by name."""
        means = {f"{name}.mean": value for name, value in self.means.items()}
        return means | {f"{name}.square": value for name, value in self.squares.items()}


def _gradient(value: nn.Parameter) -> Tensor:
    return torch.zeros_like(value) if value.grad is None else value.grad


_EVERY = 5


class RunningMean:
    """The exponential moving average of a network's weights and normalization statistics.

    Its horizon grows with training: the last `fraction` of the steps taken so far weighs most, so that the bad
    weights of the start are soon forgotten.

    Args:
        network: whose weights are averaged.
        fraction: horizon as a fraction of the steps taken, above 0 and at most 1.
    """

    def __init__(self, network: nn.Module, fraction: float) -> None:
        self.fraction = fraction
        self.values = {name: value.clone() for name, value in _averaged(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the weights after `step` steps; every few steps only, which is as accurate and costs less.

        The first few replace the average: nothing of the initial random weights is left, however short the training.
        """
        if step > _EVERY and step % _EVERY:
            return
        weight = 1.0 if step <= _EVERY else _EVERY / (self.fraction * step + _EVERY)
        torch._foreach_lerp_(list(self.values.values()), list(_averaged(network).values()), weight)


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
