"""A training run of a tenth of a second: few images of two kinds of stripes, and a few hundred weights."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from convscope.images.augmentation import Augmentation
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.training.history import EpochRecord
from convscope.training.loop import Listener, steps_per_epoch
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData


def stripes(count: int = 50, *, held_out: int = 10) -> TrainingData:
    """Return noisy images 8 x 8 with stripes down (0) or across (1), the last `held_out` of them for validation."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.integers(0, 160, (count, 8, 8, 1), dtype=np.uint8)
    images[labels == 0, :, ::2] += 60
    images[labels == 1, ::2] += 60
    both = TrainingData.of_arrays(images, labels.astype(np.int64), classes=2)
    places = torch.arange(count)
    return TrainingData(
        images=both.images,
        labels=both.labels,
        training=places[: count - held_out],
        validation=places[count - held_out :],
        classes=2,
    )


def small_recipe(**changes: Any) -> Recipe:
    """Return a recipe in which everything random takes part."""
    change = Augmentation(shift=1, flip=True, rotate=5.0, scale=0.05, erase=0.2)
    values: dict[str, Any] = {"epochs": 3, "batch": 16, "augmentation": change, **changes}
    return Recipe(**values)


def begin(data: TrainingData, recipe: Recipe, *, layout: str = "4C3-MP2-8N", **options: Any) -> TrainingState:
    """Return the state before the first step."""
    mean, std = data.moments
    height, width, channels = data.images.shape[1:]
    sizes = {"height": height, "width": width, "channels": channels, "classes": data.classes}
    network = Network(Layout.parse(layout), **sizes, mean=mean, std=std, seed=1)
    steps = recipe.epochs * steps_per_epoch(len(data.training), recipe.batch)
    return TrainingState.begin(network, recipe, steps=steps, **options)


def everything(state: TrainingState) -> dict[str, torch.Tensor]:
    """Return copies of all tensors of a state: weights, running mean, the optimizer's moments."""
    result = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    result |= {f"best.{name}": value for name, value in state.best_weights().items()}
    result |= {f"optimizer.{name}": value for name, value in state.optimizer.tensors().items()}
    return {name: value.clone() for name, value in result.items()}


def assert_same_bits(one: TrainingState, other: TrainingState) -> None:
    """Fail where two states differ, times of the clock aside."""
    first, second = everything(one), everything(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert (one.epoch, one.batch, one.step) == (other.epoch, other.batch, other.step)
    assert one.clock.fraction == other.clock.fraction
    timeless = [[(r.epoch, r.step, r.loss, r.accuracy, r.validation_loss) for r in s.history] for s in (one, other)]
    assert timeless[0] == timeless[1]


@dataclass(kw_only=True)
class Stopper(Listener):
    """Stops after a number of steps or epochs; keeps the losses."""

    steps: int | None = None
    epochs: int | None = None
    losses: list[float] = field(default_factory=list)
    records: list[EpochRecord] = field(default_factory=list)

    def after_step(self, state: TrainingState, loss: float) -> bool:
        self.losses.append(loss)
        return self.steps is None or state.step < self.steps

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        self.records.append(record)
        return self.epochs is None or state.epoch < self.epochs
