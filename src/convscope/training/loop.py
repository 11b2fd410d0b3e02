"""The one loop: batch after batch, epoch after epoch, from wherever the state stands."""

import math
import time

import torch
from torch import Tensor

from convscope.core.errors import TrainingError
from convscope.core.forks import computing
from convscope.core.precision import autocast
from convscope.images.augmentation import alternating, distort, take
from convscope.networks.classifiers import CLASSIFIERS

from .evaluation import evaluate
from .history import EpochRecord
from .progressive_resizing import downsized
from .recipe import Recipe
from .schedule import learning_rate_factor
from .state import Sums, TrainingState
from .training_data import TrainingData


class Listener:
    """Follows a training; each method may end it by returning False. This one lets it go to its end."""

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Follow a step; return False to stop here."""
        del state, loss
        return True

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Follow an epoch; return False to stop here."""
        del state, record
        return True


def steps_per_epoch(images: int, batch: int) -> int:
    """Return the number of steps in an epoch; batches are of equal size, give or take one image.

    No batch has one image alone, which has no deviation to normalize by: where that would be so, one has three.

    Examples:
        >>> steps_per_epoch(60_000, batch=256), steps_per_epoch(3, batch=2)
        (235, 1)
    """
    return max(1, min(math.ceil(images / batch), images // 2))


def steps_of(recipe: Recipe, images: int) -> int:
    """Return the number of steps that `recipe` asks for on so many training images."""
    return recipe.epochs * steps_per_epoch(images, recipe.batch)


def run(state: TrainingState, data: TrainingData, recipe: Recipe, listener: Listener, *, seed: int) -> None:
    """Train until the pace is done or the listener says stop; `state` is changed as it goes.

    Every random choice comes from (`seed`, epoch, batch) alone, so that a state put back goes on as it would have.

    Raises:
        TrainingError: the loss or a weight is not finite, or there are fewer than two images.
    """
    if len(data.training) < 2:
        raise TrainingError(f"Training needs at least two images. Got {len(data.training)}. Add some.")
    state.network.train()
    weights = data.class_weights() if recipe.balance else None
    count = steps_per_epoch(len(data.training), recipe.batch)
    while (
        state.batch or not state.pace.done
    ):  # a state put back may stand at the very end of an epoch not yet evaluated
        order = torch.randperm(len(data.training), generator=_generator(seed, state.epoch, 0))
        batches = data.training[order].tensor_split(count)
        for number in range(state.batch, count):
            if state.pace.done and number:
                break
            with computing():
                loss = _step(state, data, recipe, batches[number], weights, seed)
            state.batch = number + 1
            if not listener.after_step(state, loss):
                return
        record = _end_epoch(state, data, recipe)
        if not listener.after_epoch(state, record):
            return


def _generator(seed: int, epoch: int, place: int) -> torch.Generator:
    """Return the source of randomness of one place of the run: the order of an epoch (0) or a batch (1, 2, …)."""
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + place & (1 << 63) - 1)


def _step(  # noqa: PLR0917  # one place calls it
    state: TrainingState,
    data: TrainingData,
    recipe: Recipe,
    places: Tensor,
    weights: Tensor | None,
    seed: int,
) -> float:
    """Take one step on the images at `places`; return the loss before it."""
    started = time.monotonic()
    rate = recipe.highest_rate(state.steps) * learning_rate_factor(state.pace.middle, recipe.warmup)
    state.learning_rate = rate
    generator = _generator(seed, state.epoch, state.batch + 1)
    flipped = alternating(places, state.epoch, seed) if recipe.augmentation.flip else None
    images = take(data.images, places, recipe.augmentation, generator, flipped)
    maps = distort(state.network.standardize(images), recipe.augmentation, generator)
    state.progressive_resizing = state.pace.middle < recipe.progressive_resizing
    if state.progressive_resizing:
        maps = downsized(maps)
    labels = data.labels[places]
    with autocast(recipe.precision), state.network.drawing_from(generator):
        logits = state.network(maps)
    loss = CLASSIFIERS[state.network.layout.classifier].loss(logits, labels, weights, recipe.smoothing)
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss is no longer a finite number ({value}) in epoch {state.epoch + 1}, step {state.step + 1}, at "
            f"learning rate {rate:.2g}. Try a smaller --learning-rate."
        )
    loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
    state.step += 1
    state.optimizer.step(state.step, rate)
    state.pace.step()
    if state.mean:
        state.mean.update(state.network, state.step)
    state.sums.loss += value * len(places)
    state.sums.correct += int((logits.argmax(1) == labels).sum())
    state.sums.seen += len(places)
    state.sums.seconds += time.monotonic() - started
    return value


def _check_weights(state: TrainingState) -> None:
    """Refuse weights that the last step has spoiled: no later loss would tell."""
    for name, value in state.network.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"The weights are no longer finite numbers ({name}) after epoch {state.epoch + 1}, step {state.step}, "
                f"at learning rate {state.learning_rate:.2g}. Try a smaller --learning-rate."
            )


def _end_epoch(state: TrainingState, data: TrainingData, recipe: Recipe) -> EpochRecord:
    """Evaluate the epoch, write it down, and stand at the start of the next."""
    _check_weights(state)
    loss = accuracy = None
    if len(data.validation):
        with state.best_network(data, batch=recipe.batch) as network:
            evaluated = evaluate(network, data, data.validation, precision=recipe.precision)
        loss, accuracy = evaluated.loss, evaluated.accuracy
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss on the validation images is no longer a finite number ({loss}) after epoch "
                f"{state.epoch + 1}, at learning rate {state.learning_rate:.2g}. Try a smaller --learning-rate."
            )
    sums = state.sums
    record = EpochRecord(
        epoch=state.epoch + 1,
        step=state.step,
        seconds=state.pace.elapsed_s,
        images_per_second=sums.seen / max(sums.seconds, 1e-9),
        learning_rate=state.learning_rate,
        loss=sums.loss / max(1, sums.seen),
        accuracy=sums.correct / max(1, sums.seen),
        validation_loss=loss,
        validation_accuracy=accuracy,
    )
    state.history.append(record)
    state.epoch, state.batch, state.sums = state.epoch + 1, 0, Sums()
    return record
