"""How good a network is on images that it did not learn from."""

from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.core.precision import Precision, autocast
from convscope.networks.build import Network
from convscope.networks.classifiers import CLASSIFIERS
from convscope.networks.model import BATCH_VALUES

from .training_data import TrainingData

_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Mean loss of the network's classifier (softmax: cross-entropy, in nats) and accuracy (0…1) over some images."""

    loss: float
    accuracy: float


def evaluate(network: Network, data: TrainingData, places: Tensor, *, precision: Precision = "float32") -> Evaluation:
    """Return how good `network`, which is in evaluation mode, is on the images at `places` (at least one)."""
    loss, correct = 0.0, 0
    compute = CLASSIFIERS[network.layout.classifier].loss
    with torch.inference_mode(), autocast(precision):
        for some in places.split(min(_BATCH, network.plan.batch_within(BATCH_VALUES))):  # type: ignore[no-untyped-call]  # torch has no types here
            logits, labels = network(data.images[some]), data.labels[some]
            loss += float(compute(logits, labels, None, 0.0)) * len(some)
            correct += int((logits.argmax(1) == labels).sum())
    return Evaluation(loss=loss / len(places), accuracy=correct / len(places))
