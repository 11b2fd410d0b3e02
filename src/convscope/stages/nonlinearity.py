"""Nonlinearities by name. To add one, add one line to `NONLINEARITIES`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Nonlinearity:
    """One nonlinearity.

    Attributes:
        apply: the function; where torch has it, in place when training allows it.
        increasing: larger input never gives smaller output, so that it may change places with a maximum.
        gain: what a weight's standard deviation is multiplied by at the start (He 2015, Glorot 2010).
    """

    apply: Callable[[Tensor], Tensor]
    increasing: bool
    gain: float


NONLINEARITIES: dict[str, Nonlinearity] = {
    "relu": Nonlinearity(apply=nn.functional.relu, increasing=True, gain=2**0.5),
    "tanh": Nonlinearity(apply=torch.tanh, increasing=True, gain=1.0),
    "sigmoid": Nonlinearity(apply=torch.sigmoid, increasing=True, gain=1.0),
    "elu": Nonlinearity(apply=nn.functional.elu, increasing=True, gain=2**0.5),
    "gelu": Nonlinearity(apply=nn.functional.gelu, increasing=False, gain=2**0.5),
    "abs": Nonlinearity(apply=torch.abs, increasing=False, gain=1.0),
    "linear": Nonlinearity(apply=lambda maps: maps, increasing=True, gain=1.0),
}
