"""Margins become probabilities: divided by a temperature that fits pictures which were not learned from."""

import math
from dataclasses import dataclass

import torch

from convscope.networks.build import Network
from convscope.networks.model import BATCH_VALUES
from convscope.networks.temperature import cross_entropy_at, fitting_temperature

from .learning_set import LearningSet

_MOST_PICTURES = 10_000


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
    pictures.
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
        loss_before=cross_entropy_at(scores, labels),
        loss=cross_entropy_at(scores / temperature, labels),
    )
