"""The optimizer: AdamW, in one fused step over all weights.

It is torch's arithmetic without ``torch.optim``, whose first use loads torch's compiler: seconds at every start.
"""

import torch
from torch import Tensor, nn


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
        self.decay, self.betas, self.epsilon = decay, betas, epsilon
        self.weights = dict(network.named_parameters())
        self.means = {name: torch.zeros_like(value) for name, value in self.weights.items()}
        self.squares = {name: torch.zeros_like(value) for name, value in self.weights.items()}

    @torch.no_grad()
    def step(self, number: int, rate: float) -> None:
        """Change the weights by their gradients, which are then forgotten.

        Args:
            number: of this step, from 1.
            rate: learning rate.
        """
        decaying = [name for name, value in self.weights.items() if value.ndim > 1]
        others = [name for name, value in self.weights.items() if value.ndim <= 1]
        count = torch.tensor(float(number))
        for names, decay in ((decaying, self.decay), (others, 0.0)):
            torch._fused_adamw_(
                [self.weights[name] for name in names],
                [_gradient(self.weights[name]) for name in names],
                [self.means[name] for name in names],
                [self.squares[name] for name in names],
                [],
                [count] * len(names),
                lr=rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=decay,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
            )
        for value in self.weights.values():
            value.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the running means by name; they are the optimizer's own, not copies."""
        means = {f"{name}.mean": value for name, value in self.means.items()}
        return means | {f"{name}.square": value for name, value in self.squares.items()}


def _gradient(value: nn.Parameter) -> Tensor:
    return torch.zeros_like(value) if value.grad is None else value.grad
