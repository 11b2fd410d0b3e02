"""Normalization after few steps: what it remembers of the maps is measured anew, for the weights as they are.

Mean and deviation of every map are remembered as running means over the last ten steps or so. In a training of few
steps the weights run ahead of them: a network that tells all its training images apart may then be wrong on most
others.
"""

import math

import torch
from torch import Tensor

from convscope.layers.normalization import Normalization
from convscope.networks.build import Network

from .training_data import TrainingData

FEW_STEPS = 200
_BATCHES = 4


@torch.no_grad()
def recalibrate_batch_norm(network: Network, data: TrainingData, *, steps: int, batch: int) -> None:
    """Measure what the normalizations of `network` remember on training images, if it was trained for few steps.

    Args:
        network: with the weights to evaluate or keep; its mode stays as it is.
        data: its training images, undistorted, at most four batches of them, evenly over the set.
        steps: that it was trained for; from 200 on nothing is done.
        batch: images at once.
    """
    layers = [module for module in network.modules() if isinstance(module, Normalization)]
    if steps >= FEW_STEPS or not layers:
        return
    mode = network.training
    network.train()
    try:
        for number, places in enumerate(_some(data.training, batch), start=1):
            for layer in layers:
                layer.momentum = 1 / number  # the mean of all batches so far
            with network.drawing_from(torch.Generator().manual_seed(number)):
                network(data.images[places])
    finally:
        for layer in layers:
            layer.momentum = layer.MOMENTUM
        network.train(mode)


def _some(places: Tensor, batch: int) -> tuple[Tensor, ...]:
    """Return at most four batches of places, of equal size, evenly over all."""
    step = max(1, math.ceil(len(places) / (_BATCHES * batch)))
    some = places[::step]
    batches: tuple[Tensor, ...] = some.tensor_split(math.ceil(len(some) / batch))
    return batches
