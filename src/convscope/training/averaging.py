"""The running mean of the weights: steadier than the last ones, at the price of one copy."""

import torch
from torch import Tensor, nn

_EVERY = 5


class RunningMean:
    """The exponential mean of a network's weights and normalization statistics.

    Its horizon grows with training: the last `part` of the steps taken so far weigh most, so that the bad weights
    of the start are soon forgotten.

    Args:
        network: whose weights are averaged.
        part: horizon as a part of the steps taken, above 0 and at most 1.
    """

    def __init__(self, network: nn.Module, part: float) -> None:
        self.part = part
        self.values = {name: value.clone() for name, value in _averaged(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps; done every few steps, which is as good and costs less.

        The first few are taken as they are: nothing of the random weights of the start is left, however short the run.
        """
        if step > _EVERY and step % _EVERY:
            return
        weight = 1.0 if step <= _EVERY else _EVERY / (self.part * step + _EVERY)
        torch._foreach_lerp_(list(self.values.values()), list(_averaged(network).values()), weight)


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
