"""convscope itself, measured like its peers: its own training loop, or its own prediction, on the same batch."""

from dataclasses import replace

import numpy as np
import torch
from protocol import MEAN, STD, Description, description, folded, random_images, random_pixels, serve

from convscope.core.machine import tuned
from convscope.core.precision import choose_precision
from convscope.images.augmentation import Augmentation
from convscope.networks.backends import runner
from convscope.networks.build import Network
from convscope.networks.inference import optimize_for_inference
from convscope.networks.layout import Layout
from convscope.training.history import EpochRecord
from convscope.training.loop import Listener, run
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData

STEPS = 8  # of an epoch: most trainings have more


class OneEpoch(Listener):
    """Stops the loop after every epoch."""

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Stop."""
        return False


def main() -> None:
    """Train or predict, for as long as asked."""
    given = description()
    pixels, labels = random_pixels(given), random_images(given)[1]
    layout = given["layout"]
    if given["mode"] == "predict":  # normalization is in the weights
        layout = layout.removesuffix("-nonorm") + "-nonorm"
    network = Network(
        Layout.parse(layout),
        height=given["height"],
        width=given["width"],
        channels=given["channels"],
        classes=given["classes"],
    )
    with tuned(given["threads"]):
        if given["mode"] == "predict":
            predict(network, pixels, given)
        else:
            train(network, pixels, labels, given)


def train(network: Network, pixels: np.ndarray, labels: np.ndarray, given: Description) -> None:
    """Take steps of the loop, with all that belongs to them but for changes of the images, which peers don't make."""
    recipe = Recipe(epochs=1, batch=given["batch"], precision=given["precision"], augmentation=Augmentation())
    data = TrainingData.of_arrays(pixels, labels, classes=given["classes"])
    data = replace(data, training=data.training.repeat(STEPS))
    state = TrainingState.begin(network, recipe, steps=10**7)
    listener = OneEpoch()
    serve(lambda: run(state, data, recipe, listener, seed=0), given | {"batch": STEPS * given["batch"]})


def predict(network: Network, pixels: np.ndarray, given: Description) -> None:
    """Predict with the weights that everybody predicts with, by the fastest back end."""
    weighted = [module for module in network.modules() if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))]
    for module, (weights, biases) in zip(weighted, folded(given), strict=True):
        module.weight.data, module.bias = torch.from_numpy(weights), torch.nn.Parameter(torch.from_numpy(biases))
    network.mean.fill_(MEAN / 255)
    network.std.fill_(STD / 255)
    chosen = runner(network, backend="auto", precision=given["precision"])
    ready = optimize_for_inference(network, choose_precision(given["precision"]))

    def probabilities() -> np.ndarray:
        if chosen is not None:
            return chosen(pixels)
        with torch.inference_mode():
            return ready.probabilities(torch.from_numpy(pixels)).numpy()

    serve(probabilities, given, probabilities)


if __name__ == "__main__":
    main()
