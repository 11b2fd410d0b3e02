"""The training loop: forward, loss, backward, step; batch after batch, epoch after epoch, from any state."""

import math
import time

import torch
from torch import Tensor

from convscope.core.devices import brought
from convscope.core.draws import Draws
from convscope.core.errors import TrainingError
from convscope.core.forks import computing
from convscope.core.precision import Precision, autocast
from convscope.images.augmentation import alternating, distort, take
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import BATCH_VALUES

from .history import EpochRecord
from .progressive_resizing import downsized
from .recipe import Recipe
from .state import EpochSums, TrainingState, learning_rate_factor
from .training_data import TrainingData


class Listener:
    """Follows a training; each method may end it by returning False. This one lets it go to its end."""

    def is_satisfied(self, state: TrainingState) -> bool:
        """Return whether a training that begins at `state` needs no step and no evaluation."""
        return state.clock.done and not state.batch

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

    A batch has at least two images, as one has no variance to normalize by.

    Examples:
        >>> steps_per_epoch(60_000, batch=256), steps_per_epoch(3, batch=2)
        (235, 1)
    """
    return max(1, min(math.ceil(images / batch), images // 2))


def steps_of(recipe: Recipe, images: int) -> int:
    """Return the number of steps that `recipe` asks for on so many training images."""
    return recipe.epochs * steps_per_epoch(images, recipe.batch)


def run(state: TrainingState, data: TrainingData, recipe: Recipe, listener: Listener, *, seed: int) -> None:
    """Train until the clock says that it is done or the listener stops; `state` changes in place.

    The listener is asked before the first step, too: a satisfied one leaves the state as it is.

    Every random choice depends on (`seed`, epoch, batch) alone, so that a restored state continues to the same bits.

    Raises:
        TrainingError: the loss or a weight is not finite, or there are fewer than two images.
    """
    if len(data.training) < 2:
        raise TrainingError(f"Training needs at least two images. Got {len(data.training)}. Add some.")
    ranks = data.ranks
    if ranks.agree(listener.is_satisfied(state)):
        return
    state.network.train()
    weights = data.class_weights() if recipe.balance else None
    count = steps_per_epoch(len(data.training), recipe.batch)
    # a restored state may be at the end of an epoch not yet evaluated
    while state.batch or not ranks.agree(state.clock.done):
        order = torch.randperm(len(data.training), generator=_generator(seed, state.epoch, 0))
        batches = data.training[order].tensor_split(count)
        for number in range(state.batch, count):
            if number and ranks.agree(state.clock.done):
                break
            with computing():
                value = _step(state, data, recipe, batches[number], weights, seed)
            state.batch = number + 1
            if not ranks.agree(listener.after_step(state, value)):
                return
        record = _end_epoch(state, data, recipe)
        if not ranks.agree(listener.after_epoch(state, record)):
            return


def _generator(seed: int, epoch: int, index: int) -> torch.Generator:
    """Return the source of randomness of an epoch: its order (index 0) or one of its batches (1, 2, …)."""
    return torch.Generator().manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + index & (1 << 63) - 1)


def _step(  # noqa: PLR0917  # one place calls it
    state: TrainingState,
    data: TrainingData,
    recipe: Recipe,
    indices: Tensor,
    weights: Tensor | None,
    seed: int,
) -> float:
    """Take one step on the images at `indices`; return the loss before it."""
    started = time.monotonic()
    rate = recipe.highest_rate(state.steps) * learning_rate_factor(state.clock.midpoint, recipe.warmup)
    state.learning_rate, network = rate, state.network
    share = data.ranks.share(len(indices))
    mine, generator = indices[share], _generator(seed, state.epoch, state.batch + 1)
    draws = Draws(generator=generator, before=share.start, after=len(indices) - share.stop)
    flipped = alternating(mine, state.epoch, seed) if recipe.augmentation.flip else None
    images = take(data.images, mine, recipe.augmentation, draws, flipped)
    maps = distort(network.standardize(images), recipe.augmentation, draws)
    state.progressive_resizing = state.clock.midpoint < recipe.progressive_resizing
    if state.progressive_resizing:
        maps = downsized(maps)
    device = network.device
    labels = data.labels[brought(mine, device)]
    with autocast(recipe.precision, device.type), network.drawing_from(draws), data.ranks.normalizing(network):
        logits = network(maps)
    batch_loss = network.loss(logits, labels, weights, recipe.smoothing)
    if data.ranks.count > 1:
        batch_loss = batch_loss * _part(labels, data.labels[brought(indices, device)], weights)
    batch_loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
    correct = (logits.detach().argmax(1) == labels).sum()
    whole_loss, correct = data.ranks.joined(network, batch_loss, correct, len(mine) / len(indices))
    value = state.sums.add(whole_loss, correct, len(indices))
    if not math.isfinite(value):
        raise TrainingError(
            f"The loss is no longer a finite number ({value}) in epoch {state.epoch + 1}, step {state.step + 1}, at "
            f"learning rate {rate:.2g}. Try a smaller --learning-rate."
        )
    state.step += 1
    state.optimizer.step(state.step, rate)
    state.clock.step()
    (state.clock.per_step,) = data.ranks.from_first(state.clock.per_step)
    if state.mean:
        state.mean.update(state.network, state.step)
    state.sums.seconds += time.monotonic() - started
    return value


def _part(labels: Tensor, whole: Tensor, weights: Tensor | None) -> Tensor | float:
    """Return the part of the mean over a batch with labels `whole` that the mean over some of them, `labels`, is."""
    return len(labels) / len(whole) if weights is None else weights[labels].sum() / weights[whole].sum()


def _check_weights(state: TrainingState) -> None:
    """Validate that the weights after the last step of an epoch are finite: no later loss shows it."""
    for name, value in state.network.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"The weights are no longer finite numbers ({name}) after epoch {state.epoch + 1}, step {state.step}, "
                f"at learning rate {state.learning_rate:.2g}. Try a smaller --learning-rate."
            )


def _end_epoch(state: TrainingState, data: TrainingData, recipe: Recipe) -> EpochRecord:
    """Evaluate and record the epoch; the state is then at the start of the next."""
    state.sums.settle()
    _check_weights(state)
    mean_loss = accuracy = None
    if len(data.validation):
        with state.best_network(data, batch=recipe.batch) as network:
            mean_loss, accuracy = evaluate(network, data, data.validation, precision=recipe.precision)
        if not math.isfinite(mean_loss):
            raise TrainingError(
                f"The loss on the validation images is no longer a finite number ({mean_loss}) after epoch "
                f"{state.epoch + 1}, at learning rate {state.learning_rate:.2g}. Try a smaller --learning-rate."
            )
    sums = state.sums
    record = EpochRecord(
        epoch=state.epoch + 1,
        step=state.step,
        seconds=state.clock.elapsed_s,
        images_per_second=sums.seen / max(sums.seconds, 1e-9),
        learning_rate=state.learning_rate,
        loss=sums.loss / max(1, sums.seen),
        accuracy=sums.correct / max(1, sums.seen),
        validation_loss=mean_loss,
        validation_accuracy=accuracy,
    )
    state.history.append(record)
    state.epoch, state.batch, state.sums = state.epoch + 1, 0, EpochSums()
    return record


_BATCH = 500


def evaluate(
    network: ImageNetwork, data: TrainingData, indices: Tensor, *, precision: Precision = "float32"
) -> tuple[float, float]:
    """Return the mean loss (of softmax in nats) and the accuracy (0…1) on the images at `indices`, at least one.

    `network` is in evaluation mode.
    """
    total, correct, share = 0.0, 0, data.ranks.share(len(indices))
    size = min(_BATCH, network.plan.batch_within(BATCH_VALUES))
    with torch.inference_mode(), autocast(precision, network.device.type):
        for batch in indices[share].split(size):  # type: ignore[no-untyped-call]  # torch has no types here
            logits, labels = network(network.standardize(data.images[batch])), data.labels[batch]
            total += float(network.loss(logits, labels, None, 0.0)) * len(batch)
            correct += int((logits.argmax(1) == labels).sum())
    total, correct = data.ranks.add(torch.tensor([total, correct], dtype=torch.float64)).tolist()
    return total / len(indices), correct / len(indices)
