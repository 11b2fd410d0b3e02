"""Normalization: each map gets mean 0 and deviation 1 over the batch, then a learned shift."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Normalization(nn.Module):
    """Batch normalization (Ioffe & Szegedy 2015) whose scale stays 1; only the shift is learned.

    Without a scale of its own it is increasing for every map, so that it may change places with a pooling that
    keeps order: largest (normalized (x)) = normalized (largest (x)). The weights behind it can take the scale's part.
    While training, mean and variance are those of the batch; they are remembered for prediction.

    Args:
        units: number of maps (or of fully connected units).
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, units: int) -> None:
        super().__init__()
        self.momentum = self.MOMENTUM  # of what is remembered
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("running_var", torch.ones(units))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape, N units or N units H W."""
        return functional.batch_norm(
            maps,
            self.running_mean,
            self.running_var,
            bias=self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.EPSILON,
        )
