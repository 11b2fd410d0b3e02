"""One kind learns: a network by the library's own training, a classifier on features by scikit-learn's."""

import dataclasses
import time
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.machine import threads_for, tuned
from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import HandMade, hand_made
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN
from convscope.images.splits import LEFT_OUT
from convscope.networks.build import Network
from convscope.networks.model import Model
from convscope.networks.plan import Plan
from convscope.training.fit import Deadline, fit
from convscope.training.loop import Listener, run
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData
from convscope.training.watch import noticed

from .budget import Budget
from .disturbing import Answers
from .kinds import Entrant

_TIMED_STEPS = 3
_TIMED_IMAGES, _LEARNED_FROM = 50, 1_000


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a kind has learned.

    Attributes:
        answers: classes of images, int64 N of uint8 N H W C.
        seconds: of learning.
        epochs: passes over the training images; 0 where that has no meaning.
        note: what it complained of while it learned, like an end that it did not reach; empty if nothing.
    """

    answers: Answers
    seconds: float
    epochs: int
    note: str = ""


def learn(entrant: Entrant, dataset: Dataset, places: NDArray[np.int64], budget: Budget, *, seed: int) -> Learned:
    """Return what `entrant` learns from the images at `places`.

    Raises:
        KeyboardInterrupt: the user wants to stop.
        ConvscopeError: it cannot learn from them.
    """
    if entrant.plan is not None:
        return _learn_network(entrant.plan, entrant.recipe, dataset, places, budget, seed)
    return _learn_features(entrant, dataset, places, seed)


def seconds_per_step(planned: Plan, recipe: Recipe, dataset: Dataset, places: NDArray[np.int64]) -> float:
    """Return how long a step of training takes, measured on a few."""
    network = Network(planned.layout, **planned.sizes)
    some = places[: recipe.batch * (_TIMED_STEPS + 2)]
    chosen = torch.from_numpy(some)
    whole = TrainingData.of(dataset)
    data = dataclasses.replace(whole, training=chosen, validation=torch.arange(0))
    clock = _Clock()
    with tuned(threads_for(planned.macs * recipe.batch)):
        run(TrainingState.begin(network, recipe, steps=10**6), data, recipe, clock, seed=0)
    return clock.seconds


def seconds_per_image(entrant: Entrant, dataset: Dataset, places: NDArray[np.int64]) -> float:
    """Return how long hand-made features of an image take, measured on a few, and a classifier as long again."""
    some = dataset.images[places[:_TIMED_IMAGES]]
    features = hand_made(entrant.features, dataset.images, learn_from=places[:_LEARNED_FROM])
    started = time.perf_counter()
    _vectors(features, some)
    return 2 * (time.perf_counter() - started) / len(some)


class _Clock(Listener):
    """Times steps after the first, which is not yet warm, and ends."""

    def __init__(self) -> None:
        self._times: list[float] = []

    @property
    def seconds(self) -> float:
        """Seconds a step."""
        return (self._times[-1] - self._times[0]) / max(1, len(self._times) - 1)

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Go on for a few steps."""
        del state, loss
        self._times.append(time.perf_counter())
        return len(self._times) <= _TIMED_STEPS


def _learn_network(  # noqa: PLR0917  # one place calls it
    planned: Plan, recipe: Recipe, dataset: Dataset, places: NDArray[np.int64], budget: Budget, seed: int
) -> Learned:
    splits = np.full_like(dataset.splits, LEFT_OUT)  # nothing of what is evaluated is seen while training
    splits[places] = TRAIN
    data = TrainingData.of(dataclasses.replace(dataset, splits=splits))
    mean, std = data.moments
    network = Network(planned.layout, **planned.sizes, mean=mean, std=std, seed=seed)
    deadline = None
    if budget.seconds is not None:
        deadline = Deadline(end_s=time.monotonic() + budget.seconds, evaluated=len(places))
    with tuned(threads_for(planned.macs * recipe.batch)), noticed() as interruption:
        history = fit(network, data, recipe, interruption, seed=seed, deadline=deadline)
    if history.failure is not None:
        raise history.failure
    if interruption.asked:
        raise KeyboardInterrupt
    model = Model(
        network=network,
        layout=planned.layout,
        classes=dataset.classes,
        preprocessing=dataset.preprocessing,
    )

    def answers(some: NDArray[np.uint8]) -> NDArray[np.int64]:
        with tuned(threads_for(planned.macs * model.batch)):
            found: NDArray[np.int64] = model.predict_proba(some).argmax(axis=1)
        return found

    return Learned(answers=answers, seconds=history.seconds, epochs=len(history.epochs))


def _learn_features(entrant: Entrant, dataset: Dataset, places: NDArray[np.int64], seed: int) -> Learned:
    started = time.monotonic()
    features = hand_made(entrant.features, dataset.images, learn_from=places)
    classifier = CLASSIFIERS[entrant.classifier](seed)
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        classifier.fit(_vectors(features, dataset.images[places]), dataset.labels[places])

    def answers(some: NDArray[np.uint8]) -> NDArray[np.int64]:
        found: NDArray[np.int64] = np.asarray(classifier.predict(_vectors(features, some)), np.int64)
        return found

    note = "; ".join(dict.fromkeys(str(one.message).splitlines()[0] for one in complaints))
    return Learned(answers=answers, seconds=time.monotonic() - started, epochs=0, note=note)


def _vectors(features: HandMade, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(list(features.of(np.asarray(images))))


def parameters_of(entrant: Entrant, dataset: Dataset, places: NDArray[np.int64]) -> int:
    """Return how many numbers the classifier of hand-made features learns."""
    features = hand_made(entrant.features, dataset.images, learn_from=places[:_LEARNED_FROM])
    # one sign tells two
    sums = 1 if len(dataset.classes) == 2 and entrant.classifier == "svm" else len(dataset.classes)
    return (features.shape[0] + 1) * sums
