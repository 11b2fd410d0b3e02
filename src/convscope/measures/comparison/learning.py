"""Training of one variant: a network with this library, a classifier on features with scikit-learn."""

import dataclasses
import time
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.devices import Device
from convscope.core.errors import ParameterError
from convscope.core.machine import threads_for, tuned
from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import HandMade, hand_made
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN
from convscope.images.splits import LEFT_OUT
from convscope.networks.build import Network
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import Model
from convscope.networks.plan import Plan
from convscope.training.fit import Deadline, fit
from convscope.training.loop import Listener, run
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData
from convscope.training.watch import interruptible

from .experiment import Indices, Predict, TrainingBudget
from .variants import Learner

_TIMED_STEPS = 3
_TIMED_IMAGES, _FITTED_ON = 50, 1_000
_FORWARD_IMAGES = 8


@dataclass(frozen=True, kw_only=True)
class TrainedLearner:
    """A trained network or classifier.

    Attributes:
        predict: predicts the class of images.
        seconds: of training.
        epochs: of training; 0 for a classifier on features.
        note: warnings of the training, such as no convergence; may be empty.
    """

    predict: Predict
    seconds: float
    epochs: int
    note: str = ""


def learn(
    learner: Learner, dataset: Dataset, indices: Indices, budget: TrainingBudget, *, seed: int, device: Device = "cpu"
) -> TrainedLearner:
    """Return `learner` trained on the images at `indices`, networks on a device.

    Raises:
        KeyboardInterrupt: the user interrupts.
        ConvscopeError: it cannot be trained on them.
    """
    if learner.start is not None:
        return _train_start(learner, dataset, indices, budget, seed, device)
    if learner.plan is not None:
        data = _learned_from(dataset, indices, device)
        return _train_network(learner.plan, learner.recipe, data, dataset, budget, seed)
    return _train_classifier(learner, dataset, indices, seed)


def seconds_per_step(
    planned: Plan, recipe: Recipe, dataset: Dataset, indices: Indices, *, device: Device = "cpu"
) -> float:
    """Return the seconds of one training step, measured on a few."""
    network = Network(planned.layout, **planned.sizes)
    chosen = torch.from_numpy(indices[: recipe.batch * (_TIMED_STEPS + 2)])
    data = TrainingData.of(dataset, device=device)
    data = dataclasses.replace(data, training=chosen, validation=torch.arange(0)).placed()
    network.to(data.labels.device)
    clock = _StepClock()
    with tuned(threads_for(planned.macs * recipe.batch)):
        run(TrainingState.begin(network, recipe, steps=10**6), data, recipe, clock, seed=0)
    return clock.seconds


def seconds_per_image(learner: Learner, dataset: Dataset, indices: Indices) -> float:
    """Return the estimated seconds of hand-made features of an image and its classification, measured on a few."""
    images = dataset.images[indices[:_TIMED_IMAGES]]
    features = hand_made(learner.features, dataset.images, learn_from=indices[:_FITTED_ON])
    started = time.perf_counter()
    _vectors(features, images)
    return 2 * (time.perf_counter() - started) / len(images)


def start_seconds_per_image(learner: Learner, dataset: Dataset, indices: Indices, *, device: Device = "cpu") -> float:
    """Return the seconds that the start of a learner takes for an image, measured on a few."""
    if learner.start is None:
        return 0.0
    model, images = learner.start.model, np.asarray(dataset.images[indices[:_FORWARD_IMAGES]])
    predict = _predictor(model.to(device))
    predict(images)
    started = time.perf_counter()
    predict(images)
    return (time.perf_counter() - started) / len(images)


class _StepClock(Listener):
    """Times a few steps after the first, which warms up, and stops the training."""

    def __init__(self) -> None:
        self._times: list[float] = []

    @property
    def seconds(self) -> float:
        """Mean seconds of a step."""
        return (self._times[-1] - self._times[0]) / max(1, len(self._times) - 1)

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Continue for a few steps."""
        del state, loss
        self._times.append(time.perf_counter())
        return len(self._times) <= _TIMED_STEPS


def _train_network(  # noqa: PLR0917  # one place calls it
    planned: Plan, recipe: Recipe, data: TrainingData, dataset: Dataset, budget: TrainingBudget, seed: int
) -> TrainedLearner:
    mean, std = data.moments
    network = Network(planned.layout, **planned.sizes, mean=mean, std=std, seed=seed)
    return _fitted(network, data, recipe, dataset, budget, seed)


def _train_start(  # noqa: PLR0917  # one place calls it
    learner: Learner, dataset: Dataset, indices: Indices, budget: TrainingBudget, seed: int, device: Device
) -> TrainedLearner:
    from .start_learning import randomized, trainable, with_head  # loads scikit-learn

    start, started = learner.start, time.monotonic()
    if start is None:
        raise ParameterError("A learner that starts from a network needs one.")
    model = with_head(start, dataset, indices, seed=seed, device=device)
    if learner.mode == "frozen":
        return TrainedLearner(predict=_predictor(model.to(device)), seconds=time.monotonic() - started, epochs=0)
    data, network = _learned_from(dataset, indices, device), trainable(model)
    if learner.mode == "random":
        network = randomized(network, data, seed=seed)
    return _fitted(network, data, learner.recipe, dataset, budget, seed)


def _learned_from(dataset: Dataset, indices: Indices, device: Device) -> TrainingData:
    """Return data to train on the images at `indices`; it has none of those that are evaluated."""
    splits = np.full_like(dataset.splits, LEFT_OUT)
    splits[indices] = TRAIN
    return TrainingData.of(dataclasses.replace(dataset, splits=splits), device=device)


def _fitted(  # noqa: PLR0917  # two places call it
    network: ImageNetwork, data: TrainingData, recipe: Recipe, dataset: Dataset, budget: TrainingBudget, seed: int
) -> TrainedLearner:
    deadline = None
    if budget.seconds is not None:
        deadline = Deadline(end_s=time.monotonic() + budget.seconds, evaluated=len(data.training))
    with tuned(threads_for(network.plan.macs * recipe.batch)), interruptible() as interruption:
        history = fit(network, data, recipe, interruption, seed=seed, deadline=deadline)
    if history.failure is not None:
        raise history.failure
    if interruption.asked:
        raise KeyboardInterrupt
    model = Model(
        network=network,
        classes=dataset.classes,
        preprocessing=dataset.preprocessing,
    ).to(data.device)
    return TrainedLearner(predict=_predictor(model), seconds=history.seconds, epochs=len(history.epochs))


def _predictor(model: Model) -> Predict:
    def predict(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        with tuned(threads_for(model.network.plan.macs * model.batch)):
            classes: NDArray[np.int64] = model.predict_proba(images).argmax(axis=1)
        return classes

    return predict


def _train_classifier(learner: Learner, dataset: Dataset, indices: Indices, seed: int) -> TrainedLearner:
    started = time.monotonic()
    features = hand_made(learner.features, dataset.images, learn_from=indices)
    classifier = CLASSIFIERS[learner.classifier](seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier.fit(_vectors(features, dataset.images[indices]), dataset.labels[indices])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        classes: NDArray[np.int64] = np.asarray(classifier.predict(_vectors(features, images)), np.int64)
        return classes

    note = "; ".join(dict.fromkeys(str(warning.message).splitlines()[0] for warning in caught))
    return TrainedLearner(predict=predict, seconds=time.monotonic() - started, epochs=0, note=note)


def _vectors(features: HandMade, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(list(features.of(np.asarray(images))))


def parameters_of(learner: Learner, dataset: Dataset, indices: Indices) -> int:
    """Return the number of parameters of the classifier on hand-made features."""
    features = hand_made(learner.features, dataset.images, learn_from=indices[:_FITTED_ON])
    # a linear SVM of two classes has one weighted sum, whose sign decides
    sums = 1 if len(dataset.classes) == 2 and learner.classifier == "svm" else len(dataset.classes)
    return (features.shape[0] + 1) * sums
