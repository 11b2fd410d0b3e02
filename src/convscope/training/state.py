"""The state of a training, which checkpoints save and restore: network, optimizer, clock, sums, history."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.core.machine import memory_format
from convscope.networks.build import layout_network
from convscope.networks.image_network import ImageNetwork

from .calibration import recalibrate_batch_norm
from .history import EpochRecord
from .optimizer import Optimizer, RunningMean
from .pretraining import freeze
from .recipe import Recipe
from .training_data import TrainingData


def learning_rate_factor(fraction: float, warmup: float) -> float:
    """Return the factor of the highest learning rate at `fraction` of the training (one cycle).

    Examples:
        >>> [learning_rate_factor(fraction, warmup=0.2) for fraction in (0.1, 0.2, 0.6, 1.0)]
        [0.5, 1.0, 0.5, 0.0]
    """
    if fraction < warmup:
        return fraction / warmup
    return max(0.0, (1 - fraction) / (1 - warmup))


@dataclass(kw_only=True)
class TrainingClock:
    """The fraction of the training that is done, 0…1, and the fraction that each step adds.

    With a number of epochs every step adds the same. With a time budget the remaining steps are estimated again from
    the time that steps take, seldom and only where the estimate was off, so that training ends in time and the learning
    rate still ends at zero. The work after the last step, such as evaluation, belongs to the budget: it takes about as
    long as `after` steps.
    """

    fraction: float = 0.0
    per_step: float
    budget_s: float | None = None
    after: float = 0.0
    before_s: float = 0.0
    started_s: float = field(default_factory=time.monotonic)
    _mark: tuple[float, int] | None = None  # seconds and steps; the start of processes is before it
    _steps: int = 0
    _step_s: float = 0.0

    def __post_init__(self) -> None:
        """Validate the budget."""
        if self.budget_s is not None and not self.budget_s > 0:
            raise ParameterError(f"`minutes` must leave some time for training. Got {self.budget_s / 60:.2f} minutes.")

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, earlier parts of a resumed training included."""
        return self.before_s + time.monotonic() - self.started_s

    @property
    def midpoint(self) -> float:
        """The midpoint of the next step, 0…1: its learning rate is taken there, so that even a single step learns."""
        return min(1.0, self.fraction + self.per_step / 2)

    @property
    def done(self) -> bool:
        """Whether all steps are done or the time is up."""
        late = self.budget_s is not None and self.elapsed_s >= self.budget_s - self.after * self._step_s
        return self.fraction >= 1 - 1e-9 or late

    @property
    def steps_left(self) -> float:
        """How many steps are left at the present rate."""
        return (1 - self.fraction) / self.per_step if self.fraction < 1 else 0.0

    def step(self) -> None:
        """Count one step."""
        self.fraction = min(1.0, self.fraction + self.per_step)
        self._steps += 1
        if self.budget_s is not None:
            self._correct(self.budget_s)

    def leave(self, seconds: float) -> None:
        """Extend a budget so that at least so many seconds are left."""
        if self.budget_s is not None:
            self.budget_s = max(self.budget_s, self.elapsed_s + seconds)

    def go_on(self, *, fraction: float, per_step: float, before_s: float) -> None:
        """Continue an earlier part of the training that took `before_s` seconds."""
        self.fraction, self.per_step, self.before_s = fraction, per_step, before_s
        self.started_s = time.monotonic()
        self._mark = None

    def _correct(self, budget_s: float) -> None:
        """Estimate the remaining steps again when the end would miss the budget by more than 2 %."""
        elapsed = self.elapsed_s
        if self._mark is None:
            self._mark = (elapsed, self._steps)
            return
        since_s, since_steps = elapsed - self._mark[0], self._steps - self._mark[1]
        if self.fraction == 1 or since_steps < 3 or since_s < 0.02 * budget_s:
            return
        self._mark = (elapsed, self._steps)
        step_s = since_s / since_steps
        self._step_s = step_s
        target_s = budget_s - self.after * step_s
        left_s = target_s - elapsed
        end_s = elapsed + self.steps_left * step_s
        if abs(end_s - target_s) > 0.02 * max(left_s, 0.0):
            self.per_step = (1 - self.fraction) / max(1.0, left_s / step_s)


_SETTLED_EVERY_S = 0.5


@dataclass(kw_only=True)
class EpochSums:
    """Sums over the batches of the current epoch.

    A GPU is not waited for at every step: what it has yet to compute is added twice a second, and by `settle`.
    """

    loss: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0
    last_loss: float = 0.0
    _waiting: list[tuple[Tensor, Tensor, int]] = field(default_factory=list)
    _settled_s: float = field(default_factory=time.monotonic)

    def add(self, loss: Tensor, correct: Tensor, images: int) -> float:
        """Add the mean loss over a batch and its correct answers; return the last loss that is known."""
        self._waiting.append((loss, correct, images))
        if loss.device.type == "cpu" or time.monotonic() - self._settled_s > _SETTLED_EVERY_S:
            self.settle()
        return self.last_loss

    def settle(self) -> None:
        """Wait for everything that was added."""
        if self._waiting:
            losses, correct, images = zip(*self._waiting, strict=True)
            right = torch.stack(correct).tolist()
            for self.last_loss, count, size in zip(torch.stack(losses).tolist(), right, images, strict=True):
                self.loss += self.last_loss * size
                self.correct += int(count)  # of several ranks a float
                self.seen += size
        self._waiting, self._settled_s = [], time.monotonic()


@dataclass(kw_only=True)
class TrainingState:
    """A training after `batch` batches of epoch number `epoch` (both from 0).

    `step` counts steps over all epochs; the last one was taken at `learning_rate`, on smaller images if
    `progressive_resizing`.
    """

    network: ImageNetwork
    optimizer: Optimizer
    mean: RunningMean | None
    clock: TrainingClock
    epoch: int = 0
    batch: int = 0
    step: int = 0
    learning_rate: float = 0.0
    progressive_resizing: bool = False
    sums: EpochSums = field(default_factory=EpochSums)
    history: list[EpochRecord] = field(default_factory=list)

    @staticmethod
    def begin(
        network: ImageNetwork, recipe: Recipe, *, steps: int, budget_s: float | None = None, after: float = 0.0
    ) -> "TrainingState":
        """Return the state before the first of `steps` steps (a first estimate where `budget_s` determines the end).

        The work after the last step takes about as long as `after` steps, and belongs to `budget_s`. The weights that
        the recipe freezes are frozen here.
        """
        if recipe.freeze:
            freeze(layout_network(network), len(recipe.pretrain))
        network.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one
        return TrainingState(
            network=network,
            optimizer=Optimizer(
                network,
                decay=recipe.weight_decay,
                precision=torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32,
                first_layer=recipe.first_layer,
            ),
            mean=RunningMean(network, recipe.averaging) if recipe.averaging else None,
            clock=TrainingClock(per_step=1 / steps, budget_s=budget_s, after=after),
        )

    @property
    def steps(self) -> float:
        """Number of steps of the whole training: those taken and those left at the present rate."""
        return self.step + self.clock.steps_left

    def best_weights(self) -> dict[str, Tensor]:
        """Return copies of the weights to evaluate and save: the running mean where there is one."""
        weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        return weights | ({name: value.clone() for name, value in self.mean.values.items()} if self.mean else {})

    def finish(self, weights: dict[str, Tensor], data: TrainingData, *, batch: int) -> ImageNetwork:
        """Return the network with `weights`, in evaluation mode.

        After few steps its normalization is recalibrated on training images of `data`, `batch` at once.
        """
        self.network.load_state_dict(weights)
        recalibrate_batch_norm(self.network, data, steps=self.step, batch=batch)
        return self.network.eval()

    @contextmanager
    def best_network(self, data: TrainingData, *, batch: int) -> Iterator[ImageNetwork]:
        """Give the network with the best weights, see `finish`; everything is restored afterwards."""
        before = {name: value.clone() for name, value in self.network.state_dict().items()}
        try:
            yield self.finish(self.best_weights(), data, batch=batch)
        finally:
            self.network.load_state_dict(before)
            self.network.train()
