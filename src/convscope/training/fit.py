"""Training as one function: from the first weights of a network to one that predicts."""

import time
from dataclasses import dataclass

from torch import Tensor

from convscope.core.errors import TrainingError
from convscope.core.progress import Reporter, Silent
from convscope.networks.build import layout_network
from convscope.networks.image_network import ImageNetwork

from .calibration import calibrate
from .checkpoint import Checkpoint, load_checkpoint
from .history import EpochRecord, History
from .loop import Listener, run, steps_of
from .pretraining import pretrain_convolutions
from .recipe import Recipe
from .state import TrainingState
from .training_data import TrainingData

_EVALUATING = 0.3  # of a step's time for as many images: forward only, folded
_SHORTEST_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When training must be over.

    Attributes:
        end_s: on the clock of `time.monotonic`.
        evaluated: number of images that are evaluated after training; training ends earlier by that time.
    """

    end_s: float
    evaluated: int = 0


def fit(
    network: ImageNetwork,
    data: TrainingData,
    recipe: Recipe,
    listener: Listener | None = None,
    *,
    seed: int = 0,
    deadline: Deadline | None = None,
    checkpoint: Checkpoint | None = None,
    reporter: Reporter | None = None,
) -> History:
    """Train `network` in place and return its history; it ends in evaluation mode, with calibrated probabilities.

    Pretraining of the first convolutions, training, the recalibration of normalization and the calibration of
    probabilities, in this order. The same network, data, recipe and seed give the same weights to the bit.

    Args:
        network: with its first weights.
        data: its training images are learned from, its validation images evaluate each epoch.
        recipe: every number of the training.
        listener: follows each step and epoch, and may end the training.
        seed: of the order of the images, augmentation and pretraining.
        deadline: ends the training; the learning rate still falls to zero. None for the epochs of the recipe.
        checkpoint: where an earlier part of the same training ended; it is resumed from there.
        reporter: shows the progress of pretraining and calibration.

    Raises:
        TrainingError: the loss or a weight is not finite before the first epoch is finished. Later, the weights of the
            last finished epoch are kept, and `History.failure` is the error.
        ModelFileError: the checkpoint is damaged, or belongs to another training.

    Examples:
        >>> import numpy as np
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> images, labels = np.zeros((8, 8, 8, 1), np.uint8), np.arange(8) % 2
        >>> images[labels == 1] = 200
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> history = fit(network, TrainingData.of_arrays(images, labels, classes=2), Recipe(epochs=9, batch=4))
        >>> len(history.epochs), history.epochs[-1].loss < history.epochs[0].loss
        (9, True)
    """
    reporter = reporter or Silent()
    started_s = time.monotonic()
    if checkpoint is None and recipe.pretrain and data.ranks.rank == 0:  # others get the weights that it has found
        pretrain_convolutions(layout_network(network), data, recipe, seed=seed, reporter=reporter)
    pretrained_s = time.monotonic() - started_s if recipe.pretrain else 0.0
    data = data.placed()
    network.to(data.labels.device)
    state = _begin(network, data, recipe, deadline, pretrained_s)
    best = _Best(listener or Listener())
    if checkpoint is not None:
        load_checkpoint(state, checkpoint)
        best.weights = state.best_weights()
        if best.is_satisfied(state):
            reporter.say("this run was finished; its model and report are written again")
    failure = _failure(state, data, recipe, best, seed)
    weights = best.weights if failure is not None and best.weights is not None else state.best_weights()
    calibration = calibrate(state.finish(weights, data, batch=recipe.batch), data, reporter)
    network.cpu()
    return History(
        epochs=tuple(state.history),
        seconds=state.clock.elapsed_s,
        steps=state.steps,
        ended_resized=state.progressive_resizing,
        calibration=calibration,
        failure=failure,
    )


class _Best(Listener):
    """Remembers the weights to keep after each epoch; all else is for the listener behind it."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.weights: dict[str, Tensor] | None = None

    def is_satisfied(self, state: TrainingState) -> bool:
        return self.listener.is_satisfied(state)

    def after_step(self, state: TrainingState, loss: float) -> bool:
        return self.listener.after_step(state, loss)

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        self.weights = state.best_weights()
        return self.listener.after_epoch(state, record)


def _begin(
    network: ImageNetwork, data: TrainingData, recipe: Recipe, deadline: Deadline | None, pretrained_s: float
) -> TrainingState:
    """Return the state before the first step; the time of pretraining counts as training."""
    budget_s, evaluated = None, 0
    if deadline is not None:
        budget_s = max(deadline.end_s - time.monotonic(), _SHORTEST_S) + pretrained_s
        evaluated = deadline.evaluated
    state = TrainingState.begin(
        network,
        recipe,
        steps=steps_of(recipe, len(data.training)),
        budget_s=budget_s,
        after=_EVALUATING * evaluated / recipe.batch,
    )
    state.clock.go_on(fraction=0.0, per_step=state.clock.per_step, before_s=pretrained_s)
    return state


def _failure(state: TrainingState, data: TrainingData, recipe: Recipe, best: _Best, seed: int) -> TrainingError | None:
    """Train to the end; return the error that ended training, where there are good weights to keep."""
    try:
        late = state.clock.done
        data.ranks.begin(state, data, recipe, seed)  # may take as long as a short budget
        if not late:
            state.clock.leave(_SHORTEST_S)
        run(state, data, recipe, best, seed=seed)
    except TrainingError as error:
        if best.weights is None:
            raise type(error)(f"{error} No epoch was finished, so there is no model to keep.") from None
        return error
    finally:
        data.ranks.end()
    return None
