"""Nonlinearities by name. To add one, add one line to `NONLINEARITIES`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Nonlinearity:
    """One nonlinearity.

    Attributes:
        apply: the function, value by value; it leaves its input as it is.
        increasing: larger input never gives smaller output, so that it may change places with a maximum.
        gain: the first weights' standard deviation × √inputs; it keeps the deviation of the values from stage to stage
            (He et al. 2015, eq. 10; Glorot and Bengio 2010; elu, gelu: 1 / √E[f(z)²] for normal z; sigmoid: 1 / its
            slope at 0, or the differences between images are gone after four stages).
    """

    apply: Callable[[Tensor], Tensor]
    increasing: bool
    gain: float


def _unchanged(maps: Tensor) -> Tensor:
    return maps


NONLINEARITIES: dict[str, Nonlinearity] = {
    "relu": Nonlinearity(apply=nn.functional.relu, increasing=True, gain=2**0.5),
    "tanh": Nonlinearity(apply=torch.tanh, increasing=True, gain=1.0),
    "sigmoid": Nonlinearity(apply=torch.sigmoid, increasing=True, gain=4.0),
    "elu": Nonlinearity(apply=nn.functional.elu, increasing=True, gain=1.25),
    "gelu": Nonlinearity(apply=nn.functional.gelu, increasing=False, gain=1.53),
    "abs": Nonlinearity(apply=torch.abs, increasing=False, gain=1.0),
    "linear": Nonlinearity(apply=_unchanged, increasing=True, gain=1.0),
}
