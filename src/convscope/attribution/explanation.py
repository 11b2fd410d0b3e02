"""Everything that is said of one prediction: maps of the image, and training images like it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.progress import Task
from convscope.core.records import DIGITS, UNRECORDED
from convscope.networks.folding import fold
from convscope.networks.model import Model, as_tensor

from .method import Attribution, AttributionMethod, Settings, attributed
from .nearest import Neighbor, TrainingFeatures, features_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """What one prediction is due to.

    Attributes:
        name: of the image.
        pixels: the image as the network takes it, uint8 H W C.
        target: the class that is explained, an index; predicted: the class that the network predicts.
        label: the name of `target`.
        logit, probability: of `target`.
        attributions: one a method that gives maps.
        nearest: training images, the nearest first; empty where there are none to compare with.
    """

    name: str
    pixels: NDArray[np.uint8] = field(metadata={UNRECORDED: True}, repr=False)
    target: int
    predicted: int
    label: str
    logit: float
    probability: float
    attributions: tuple[Attribution, ...] = field(repr=False)
    nearest: tuple[Neighbor, ...] = field(default=(), metadata={DIGITS: 5})

    def __getitem__(self, method: str) -> Attribution:
        """Return the attribution of a method by its name."""
        return next(one for one in self.attributions if one.method == method)


def explain_images(
    model: Model,
    images: Sequence[tuple[str, NDArray[np.uint8]]],
    *,
    target: int | None,
    methods: Sequence[AttributionMethod],
    settings: Settings,
    task: Task,
    training: TrainingFeatures | None = None,
    count: int = 5,
) -> list[Explanation]:
    """Return an explanation of each image.

    Args:
        model: classifies images.
        images: names and pixels, uint8 H W C of the network's size.
        target: the class to explain; None for the one that is predicted.
        methods: those with maps that are wanted.
        settings: of the methods.
        task: advances by the forward passes that their maps take.
        training: training images to find the nearest among.
        count: of the nearest training images.
    """
    network, pixels = fold(model.network), np.stack([one for _, one in images])
    with torch.inference_mode():
        logits = network(as_tensor(pixels))
        probabilities = network.probabilities_of(logits)
    standardized = network.standardize(as_tensor(pixels))
    predicted = logits.argmax(1)
    targets = predicted.clone() if target is None else torch.full_like(predicted, target)
    maps = [attributed(method, network, standardized, targets, settings=settings, task=task) for method in methods]
    near = [()] * len(images) if training is None else training.nearest(features_of(model, pixels), count)
    return [
        Explanation(
            name=name,
            pixels=pixels[index],
            target=int(targets[index]),
            predicted=int(predicted[index]),
            label=model.classes[int(targets[index])],
            logit=float(logits[index, targets[index]]),
            probability=float(probabilities[index, targets[index]]),
            attributions=tuple(one[index] for one in maps),
            nearest=near[index],
        )
        for index, (name, _) in enumerate(images)
    ]
