"""Everything that changes while a network is trained, in one place, so that it can be saved and put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from convscope.core.machine import memory_format
from convscope.networks.build import Network

from .averaging import RunningMean
from .batch_norm import recalibrate_batch_norm
from .history import EpochRecord
from .optimizer import Optimizer
from .pretraining import freeze
from .recipe import Recipe
from .schedule import Pace
from .training_data import TrainingData


@dataclass(kw_only=True)
class Sums:
    """Sums over the batches of the epoch that is under way."""

    loss: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0


@dataclass(kw_only=True)
class TrainingState:
    """A training run where it stands: after `batch` batches of epoch number `epoch` (both from 0).

    `step` counts steps over all epochs; the last one was taken at `learning_rate`, on smaller images if
    `progressive_resizing`.
    """

    network: Network
    optimizer: Optimizer
    mean: RunningMean | None
    pace: Pace
    epoch: int = 0
    batch: int = 0
    step: int = 0
    learning_rate: float = 0.0
    progressive_resizing: bool = False
    sums: Sums = field(default_factory=Sums)
    history: list[EpochRecord] = field(default_factory=list)

    @staticmethod
    def begin(
        network: Network, recipe: Recipe, *, steps: int, budget_s: float | None = None, after: float = 0.0
    ) -> "TrainingState":
        """Return the state before the first of `steps` steps (a first guess where `budget_s` settles the end).

        What comes after the last step takes about as long as `after` steps, and belongs to `budget_s`.

        What the recipe freezes is frozen here.
        """
        if recipe.freeze:
            freeze(network, len(recipe.pretrain))
        network.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one
        return TrainingState(
            network=network,
            optimizer=Optimizer(
                network,
                decay=recipe.weight_decay,
                precision=torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32,
            ),
            mean=RunningMean(network, recipe.averaging) if recipe.averaging else None,
            pace=Pace(per_step=1 / steps, budget_s=budget_s, after=after),
        )

    @property
    def steps(self) -> float:
        """How many steps the whole training has: those taken, and those that are left at the pace of now."""
        return self.step + self.pace.steps_left

    def best_weights(self) -> dict[str, Tensor]:
        """Return copies of the weights to evaluate and keep: the running mean where there is one."""
        weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        return weights | ({name: value.clone() for name, value in self.mean.values.items()} if self.mean else {})

    def finish(self, weights: dict[str, Tensor], data: TrainingData, *, batch: int) -> Network:
        """Make the network what is evaluated and kept: with `weights`, such as the best, in evaluation mode; return it.

        After few steps its normalizations are measured anew on training images of `data`, `batch` at once.
        """
        self.network.load_state_dict(weights)
        recalibrate_batch_norm(self.network, data, steps=self.step, batch=batch)
        return self.network.eval()

    @contextmanager
    def best_network(self, data: TrainingData, *, batch: int) -> Iterator[Network]:
        """Give the network finished with the best weights, see `finish`; everything is put back afterwards."""
        before = {name: value.clone() for name, value in self.network.state_dict().items()}
        try:
            yield self.finish(self.best_weights(), data, batch=batch)
        finally:
            self.network.load_state_dict(before)
            self.network.train()
