"""Ranks: the processes that train one network together, each on its share of every batch.

Each holds all weights and takes every step. What it found on its share (gradients, running statistics, loss) is added
to what the others found, by the same sum in all of them: their networks never differ by a bit, and the state of rank 0
is that of the training. See docs/decisions/0019-ranks.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from convscope.core.errors import TrainingError
from convscope.layers.normalization import BatchNormalization


class LostRankError(TrainingError):
    """Another process of the training has ended."""


class Ranks:
    """One process that trains alone; `SeveralRanks` are several.

    All ranks call the same methods in the same order. A sum has the same bits in each of them.
    """

    rank = 0
    count = 1

    def begin(self, state: Any, data: Any, recipe: Any, seed: int) -> None:
        """Start the other processes from this `TrainingState`, with these `TrainingData` and `Recipe`."""

    def end(self) -> None:
        """Leave the others: what follows is for this rank alone."""

    def share(self, images: int) -> slice:
        """Return the part of a batch of so many images that this rank takes; shares differ by one image at most."""
        return slice(images * self.rank // self.count, images * (self.rank + 1) // self.count)

    def from_first(self, *numbers: float) -> tuple[float, ...]:
        """Return the numbers that rank 0 has."""
        return numbers

    def agree(self, answer: bool) -> bool:
        """Return the answer of rank 0."""
        return bool(self.from_first(answer)[0])

    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values of all ranks, which may be computed in place."""
        return values

    @contextmanager
    def normalizing(self, network: nn.Module) -> Iterator[None]:
        """Set whose statistics batch normalization uses while the block runs."""
        del network
        yield

    def joined(self, network: nn.Module, loss: Tensor, correct: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        """Return loss and number of correct answers over the batch; the gradients become those of the batch, too.

        `loss` is of the share of this rank, whose part of the whole is `fraction`.
        """
        del network, fraction
        return loss.detach(), correct


ALONE = Ranks()


class SeveralRanks(Ranks, ABC):
    """Several processes; the classes that derive from this have the way from one to the other.

    Args:
        rank: of this process, from 0.
        count: number of processes, from 2.
        together: batch normalization takes its statistics from the whole batch, not from each share.
    """

    def __init__(self, rank: int, count: int, *, together: bool = False) -> None:
        self.rank, self.count, self.together = rank, count, together
        self._bucket: _Bucket | None = None

    @abstractmethod
    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values of all ranks, in the order of the ranks."""

    @abstractmethod
    def from_first(self, *numbers: float) -> tuple[float, ...]:
        """Return the numbers that rank 0 has."""

    @contextmanager
    def normalizing(self, network: nn.Module) -> Iterator[None]:
        """Make batch normalization add its sums over the ranks while the block runs, if so configured."""
        layers = normalizations(network) if self.together else []
        for layer in layers:
            layer.total = self._differentiable_sum
        try:
            yield
        finally:
            for layer in layers:
                layer.total = None

    def _differentiable_sum(self, values: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(values, self)  # type: ignore[no-untyped-call]  # torch has no types here
        return total

    def joined(self, network: nn.Module, loss: Tensor, correct: Tensor, fraction: float) -> tuple[Tensor, Tensor]:
        """Add up gradients, running statistics, loss and correct answers."""
        if self._bucket is None:
            self._bucket = _Bucket(network)
        total = self._bucket.add(self, torch.stack([loss.detach(), correct.to(loss)]), fraction)
        return total[0].clone(), total[1].clone()


class _Bucket:
    """Gradients and running statistics of a network, and two numbers, as one vector that is added at once."""

    def __init__(self, network: nn.Module) -> None:
        self.weights = [value for value in network.parameters() if value.requires_grad]
        layers = normalizations(network)
        self.statistics = [value for layer in layers for value in (layer.running_mean, layer.running_var)]
        parts = [*self.weights, *self.statistics]
        self.values = torch.zeros(2 + sum(part.numel() for part in parts), dtype=parts[0].dtype, device=parts[0].device)
        flat = torch.split(self.values[2:], [part.numel() for part in parts])
        # in the order that each has in memory, so that optimizers find channels last where they expect them
        self.views = [part.as_strided(like.shape, like.stride()) for part, like in zip(flat, parts, strict=True)]

    @torch.no_grad()
    def add(self, ranks: Ranks, numbers: Tensor, fraction: float) -> Tensor:
        """Return the two numbers added over all ranks, with the gradients; statistics become the mean by `fraction`."""
        gradients, statistics = self.views[: len(self.weights)], self.views[len(self.weights) :]
        self.values[:2] = numbers
        for weight, view in zip(self.weights, gradients, strict=True):
            view.copy_(weight.grad) if weight.grad is not None else view.zero_()
        for value, view in zip(self.statistics, statistics, strict=True):
            torch.mul(value, fraction, out=view)
        self.values.copy_(ranks.add(self.values))
        for weight, view in zip(self.weights, gradients, strict=True):
            weight.grad = view
        for value, view in zip(self.statistics, statistics, strict=True):
            value.copy_(view)
        return self.values[:2]


class _Sum(torch.autograd.Function):
    """The sum over ranks; its gradient, too, is the sum of the gradients that the ranks find."""

    @staticmethod
    def forward(context: Any, values: Tensor, ranks: Ranks) -> Tensor:
        context.ranks = ranks
        return ranks.add(values.clone())

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return context.ranks.add(gradient.clone()), None


def normalizations(network: nn.Module) -> list[BatchNormalization]:
    """Return the batch normalizations of a network."""
    return [module for module in network.modules() if isinstance(module, BatchNormalization)]
