"""Margins become probabilities: divided by a temperature that fits pictures which were not learned from."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.networks.build import Network
from convscope.networks.model import BATCH_VALUES

from .learning_set import LearningSet

_MOST_PICTURES = 10_000
_LARGEST = 1e3


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the scores of a network that was trained for margins became probabilities.

    Attributes:
        temperature: the scores are divided by it before the softmax (Guo et al. 2017).
        pictures: number of pictures that it was found on.
        held_out: whether these were not learned from; else the probabilities are too sure.
        loss_before, loss: cross-entropy on them in nats, at temperature 1 and at this one.
    """

    temperature: float
    pictures: int
    held_out: bool
    loss_before: float
    loss: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        where = "pictures held out" if self.held_out else "training pictures, so that they are too sure"
        return (
            f"probabilities are the softmax of the scores divided by {self.temperature:.3g}, which fits "
            f"{self.pictures:,} {where} best (loss {self.loss:.3f}, {self.loss_before:.3f} without)"
        )


def calibrate(network: Network, data: LearningSet) -> Calibration | None:
    """Set the temperature of `network`, which is in evaluation mode; None where it needs none (softmax).

    The order of the classes stays. Found on the validation pictures, at most 10,000; where there are none, on training
    pictures. As in Platt scaling (Platt 1999), the right class is to have not quite all of the probability, so that
    even pictures that are all told apart ask for a temperature above 0.
    """
    if network.temperature is None:
        return None
    held_out = bool(len(data.validation))
    places = data.validation if held_out else data.training
    places = places[:: math.ceil(len(places) / _MOST_PICTURES)]
    size = network.plan.batch_within(BATCH_VALUES)
    with torch.inference_mode():
        parts = [network(data.images[some]) for some in places.split(size)]  # type: ignore[no-untyped-call]  # torch has no types here
    scores, labels = torch.cat(parts).double().numpy(), data.labels[places].numpy()
    temperature = fitting_temperature(scores, labels)
    network.temperature.fill_(temperature)
    return Calibration(
        temperature=temperature,
        pictures=len(places),
        held_out=held_out,
        loss_before=_loss(scores, labels, share=1.0),
        loss=_loss(scores / temperature, labels, share=1.0),
    )


def fitting_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature, 0.001…1000, at which softmax(scores / temperature) fits the labels best.

    Args:
        scores: N K.
        labels: N, at least one.

    Examples:
        >>> fitting_temperature(np.array([[9.0, 0.0]] * 4), np.array([0, 0, 0, 1])) > 5    # far too sure
        True
    """
    from scipy.optimize import minimize_scalar

    share = 1 - 1 / (len(labels) + 2)
    reach = math.log(_LARGEST)
    found = minimize_scalar(
        lambda power: _loss(scores * math.exp(-power), labels, share=share), bounds=(-reach, reach), method="bounded"
    )
    return float(math.exp(found.x))


def _loss(scores: NDArray[np.float64], labels: NDArray[np.int64], *, share: float) -> float:
    """Return the mean cross-entropy when the right class is to have this share and the others the rest."""
    from scipy.special import log_softmax

    logs = log_softmax(scores, axis=1)
    right = logs[np.arange(len(labels)), labels]
    others = (logs.sum(axis=1) - right) / max(1, scores.shape[1] - 1)
    return float(-np.mean(share * right + (1 - share) * others))
