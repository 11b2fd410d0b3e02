"""Calibration after training: statistics of batch normalization, and probabilities that fit validation images."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.draws import Draws
from convscope.core.errors import TrainingError
from convscope.core.progress import Reporter, Silent
from convscope.layers.normalization import BatchNormalization
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import BATCH_VALUES
from convscope.networks.platt import fitting_sigmoids, likelihoods
from convscope.networks.temperature import cross_entropy_at, fitting_temperature, losses_at

from .training_data import TrainingData

_MOST_IMAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the logits of a network became probabilities.

    Attributes:
        method: ``temperature`` (the softmax of logits / temperature, Guo et al. 2017) or, of margins, ``platt`` (a
            sigmoid for each class, divided by the sum of all of them, Platt 1999).
        temperature: for this method, else None.
        images: number of images that it was fitted on.
        on_validation: whether these are validation images; else the probabilities are overconfident.
        loss_before, loss: cross-entropy on them in nats, before (temperature 1, or one sigmoid for all classes) and
            after calibration. The target of the true class is a little below 1 (Platt 1999), for margins 1.
    """

    method: Literal["temperature", "platt"]
    temperature: float | None = None
    images: int
    on_validation: bool
    loss_before: float
    loss: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        how = "a sigmoid of the margin for each class (Platt scaling)"
        if self.temperature is not None:
            how = f"the softmax of the logits divided by {self.temperature:.3g}"
        where = "validation images" if self.on_validation else "training images, so they are overconfident"
        return (
            f"probabilities are calibrated: {how}, fitted on {self.images:,} {where} (loss {self.loss:.3f}, "
            f"{self.loss_before:.3f} without)"
        )


def calibrate(network: ImageNetwork, data: TrainingData, reporter: Reporter | None = None) -> Calibration | None:
    """Fit the probabilities of `network`, which is in evaluation mode, to the validation images, at most 10,000.

    Where there are none, margins are fitted to training images, and other logits are not calibrated: None.

    Raises:
        TrainingError: a logit is not a finite number.
    """
    on_validation = bool(len(data.validation))
    if not on_validation and network.temperature is not None:
        return None
    indices = data.validation if on_validation else data.training
    indices = indices[:: math.ceil(len(indices) / _MOST_IMAGES)]
    size = network.plan.batch_within(BATCH_VALUES)
    batches = []
    with torch.inference_mode(), (reporter or Silent()).task("calibrating", len(indices), "images") as task:
        for chosen in indices.split(size):  # type: ignore[no-untyped-call]  # torch has no types here
            batches.append(network(network.standardize(data.images[chosen])))
            task.advance(len(chosen))
    logits, labels = torch.cat(batches).cpu().double().numpy(), data.labels[indices].cpu().numpy()
    if not np.isfinite(logits).all():
        raise TrainingError(
            "The logits of the trained network are not finite: its weights are too large. Try a smaller "
            "--learning-rate."
        )
    temperature = None
    if network.temperature is not None:
        temperature = fitting_temperature(logits, labels)
        network.temperature.fill_(temperature)
        before, after = losses_at(logits, labels, temperature)
    else:
        before, after = _platt(network, logits, labels)
    return Calibration(
        method="platt" if temperature is None else "temperature",
        temperature=temperature,
        images=len(indices),
        on_validation=on_validation,
        loss_before=before,
        loss=after,
    )


def _platt(network: ImageNetwork, logits: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Set the sigmoids of margins; return the cross-entropy before and after."""
    slopes, offsets = fitting_sigmoids(logits, labels)
    network.set_sigmoids(slopes, offsets)
    equal = likelihoods(logits, np.ones(logits.shape[1]), np.zeros(logits.shape[1]))
    return cross_entropy_at(equal, labels), cross_entropy_at(likelihoods(logits, slopes, offsets), labels)


FEW_STEPS = 200
_BATCHES = 4


@torch.no_grad()
def recalibrate_batch_norm(network: ImageNetwork, data: TrainingData, *, steps: int, batch: int) -> None:
    """Measure the normalization statistics of `network` again on training images, if it was trained for few steps.

    Running means cover the last ten steps or so. In a training of few steps the weights change faster: a network that
    is right about all its training images may then be wrong about most others.

    Args:
        network: with the weights to evaluate or save; its mode is restored.
        data: its training images, undistorted, at most four batches of them, evenly spaced.
        steps: of its training; from 200 on nothing is done.
        batch: images at once.
    """
    layers = [module for module in network.modules() if isinstance(module, BatchNormalization)]
    if steps >= FEW_STEPS or not layers:
        return
    mode = network.training
    network.train()
    try:
        for number, indices in enumerate(_batches(data.training, batch), start=1):
            for layer in layers:
                layer.momentum = 1 / number  # the mean of all batches so far
            with network.drawing_from(Draws(generator=torch.Generator().manual_seed(number))):
                network(data.images[indices])
    finally:
        for layer in layers:
            layer.momentum = layer.MOMENTUM
        network.train(mode)


def _batches(indices: Tensor, batch: int) -> tuple[Tensor, ...]:
    """Return at most four batches of indices, of equal size, evenly spaced."""
    step = max(1, math.ceil(len(indices) / (_BATCHES * batch)))
    spaced = indices[::step]
    batches: tuple[Tensor, ...] = spaced.tensor_split(math.ceil(len(spaced) / batch))
    return batches
