"""The optimizer: AdamW, in one fused step over all weights.

It is torch's arithmetic without ``torch.optim``, whose first use loads torch's compiler: seconds at every start.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """Weights that decay alike, with the running means of their gradients and of the squares."""

    weights: list[nn.Parameter]
    means: list[Tensor]
    squares: list[Tensor]
    decay: float


class AdamW:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).

    What has one axis (normalization, biases) does not decay.

    Args:
        network: whose weights are learned; in the memory format that they keep.
        decay: weight decay.
        betas: how slowly the running means of gradients and of their squares forget, each from 0 to below 1.
        epsilon: added to the root of the mean square.
    """

    def __init__(
        self, network: nn.Module, *, decay: float, betas: tuple[float, float] = (0.9, 0.99), epsilon: float = 1e-8
    ) -> None:
        self.betas, self.epsilon = betas, epsilon
        self.named = dict(network.named_parameters())
        self._groups = [
            _Group(
                weights=weights,
                means=[torch.zeros_like(value) for value in weights],
                squares=[torch.zeros_like(value) for value in weights],
                decay=part,
            )
            for part, weights in (
                (decay, [value for value in self.named.values() if value.ndim > 1]),
                (0.0, [value for value in self.named.values() if value.ndim <= 1]),
            )
            if weights
        ]

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Change the weights by their gradients, which are then forgotten.

        Args:
            number: of this step, from 1.
            rate: learning rate.
        """
        for group in self._groups:
            torch._fused_adamw_(
                list[Tensor](group.weights),
                [_gradient(value) for value in group.weights],
                group.means,
                group.squares,
                [],
                [torch.tensor(float(number))] * len(group.weights),
                lr=rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=group.decay,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
            )
            for value in group.weights:
                value.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the running means by name; they are the optimizer's own, not copies."""
        names = {id(value): name for name, value in self.named.items()}
        result = {}
        for group in self._groups:
            for value, mean, square in zip(group.weights, group.means, group.squares, strict=True):
                result[f"{names[id(value)]}.mean"] = mean
                result[f"{names[id(value)]}.square"] = square
        return result


def _gradient(value: nn.Parameter) -> Tensor:
    return torch.zeros_like(value) if value.grad is None else value.grad
