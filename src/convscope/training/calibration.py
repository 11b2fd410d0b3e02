"""Scores become probabilities that fit images which were not learned from."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.errors import TrainingError
from convscope.core.progress import Reporter, Silent
from convscope.networks.build import Network
from convscope.networks.model import BATCH_VALUES
from convscope.networks.temperature import cross_entropy_at, fitting_temperature, softened

from .training_data import TrainingData

_MOST_IMAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the logits of a network became probabilities.

    Attributes:
        method: ``temperature`` (the softmax of logits / temperature, Guo et al. 2017) or, of margins, ``platt`` (a
            sigmoid for each class, divided by the sum of all of them, Platt 1999).
        temperature: where it is that.
        images: number of images that it was found on.
        held_out: whether these were not learned from; else the probabilities are too sure.
        loss_before, loss: cross-entropy on them in nats, where the right class is to have not quite all of the
            probability (Platt 1999; of margins, all of it), at temperature 1 (or with one sigmoid for all) and so.
    """

    method: Literal["temperature", "platt"]
    temperature: float | None = None
    images: int
    held_out: bool
    loss_before: float
    loss: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        how = "a sigmoid of the logit for each class (Platt scaling), which fits"
        if self.temperature is not None:
            how = f"the softmax of the logits divided by {self.temperature:.3g}, which fits"
        where = "images held out" if self.held_out else "training images, so that they are too sure,"
        return (
            f"probabilities are calibrated: {how} {self.images:,} {where} best (loss {self.loss:.3f}, "
            f"{self.loss_before:.3f} without)"
        )


def calibrate(network: Network, data: TrainingData, reporter: Reporter | None = None) -> Calibration | None:
    """Let the probabilities of `network`, which is in evaluation mode, fit the validation images, at most 10,000.

    Where there are none, margins are fitted to training images, and other logits are left as they are: None.

    Raises:
        TrainingError: a logit is not a finite number.
    """
    held_out = bool(len(data.validation))
    if not held_out and network.temperature is not None:
        return None
    places = data.validation if held_out else data.training
    places = places[:: math.ceil(len(places) / _MOST_IMAGES)]
    size = network.plan.batch_within(BATCH_VALUES)
    parts = []
    with torch.inference_mode(), (reporter or Silent()).task("calibrating", len(places), "images") as task:
        for some in places.split(size):  # type: ignore[no-untyped-call]  # torch has no types here
            parts.append(network(data.images[some]))
            task.advance(len(some))
    logits, labels = torch.cat(parts).double().numpy(), data.labels[places].numpy()
    if not np.isfinite(logits).all():
        raise TrainingError(
            "The logits of the trained network are no finite numbers: its weights are too large. Try a smaller "
            "--learning-rate."
        )
    temperature = None
    if network.temperature is not None:
        temperature = fitting_temperature(logits, labels)
        network.temperature.fill_(temperature)
        share = softened(len(labels))
        before, after = (cross_entropy_at(logits / one, labels, share=share) for one in (1.0, temperature))
    else:
        before, after = _platt(network, logits, labels)
    return Calibration(
        method="platt" if temperature is None else "temperature",
        temperature=temperature,
        images=len(places),
        held_out=held_out,
        loss_before=before,
        loss=after,
    )


def _platt(network: Network, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Set the sigmoids of margins; return the cross-entropy before and after."""
    from convscope.networks.platt import fitting_sigmoids, likelihoods  # scikit-learn takes a second to load

    slopes, offsets = fitting_sigmoids(logits, labels)
    network.set_sigmoids(slopes, offsets)
    equal = likelihoods(logits, np.ones(logits.shape[1]), np.zeros(logits.shape[1]))
    return cross_entropy_at(equal, labels), cross_entropy_at(likelihoods(logits, slopes, offsets), labels)
