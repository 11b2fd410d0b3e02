"""convscope itself, measured like its peers: its own training loop, or its own prediction, on the same batch."""

import numpy as np
import torch
from protocol import Description, description, folded, random_images, serve

from convscope.core.machine import tuned
from convscope.core.precision import choose_precision
from convscope.images.augmentation import Augmentation
from convscope.networks.build import Network
from convscope.networks.inference import optimize_for_inference
from convscope.networks.layout import Layout
from convscope.training.history import EpochRecord
from convscope.training.loop import Listener, run
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData


class OneStep(Listener):
    """Stops the loop after every step."""

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Stop."""
        return False

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Go on: the next step belongs to the next epoch."""
        return True


def bytes_of(images: np.ndarray) -> np.ndarray:
    """Return standardized images as uint8, as a folder of images gives them."""
    pixels: np.ndarray = np.clip(images * 50 + 128, 0, 255).astype(np.uint8)
    return pixels


def main() -> None:
    """Train or predict, for as long as asked."""
    given = description()
    images, labels = random_images(given)
    network = Network(
        Layout.parse(given["layout"]),
        height=given["height"],
        width=given["width"],
        channels=given["channels"],
        classes=given["classes"],
    )
    with tuned(given["threads"]):
        if given["mode"] == "predict":
            predict(network, images, given)
        else:
            train(network, images, labels, given)


def train(network: Network, images: np.ndarray, labels: np.ndarray, given: Description) -> None:
    """Take steps of the loop, with all that belongs to them but for changes of the images, which peers don't make."""
    recipe = Recipe(epochs=1, batch=given["batch"], precision=given["precision"], augmentation=Augmentation())
    data = TrainingData.of_arrays(bytes_of(images), labels, classes=given["classes"])
    state = TrainingState.begin(network, recipe, steps=10**7)
    listener = OneStep()
    serve(lambda: run(state, data, recipe, listener, seed=0), given)


def predict(network: Network, images: np.ndarray, given: Description) -> None:
    """Predict with the weights that everybody predicts with."""
    weighted = [module for module in network.modules() if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))]
    for module, (weights, biases) in zip(weighted, folded(given), strict=True):
        module.weight.data, module.bias = torch.from_numpy(weights), torch.nn.Parameter(torch.from_numpy(biases))
    for stage in network.stages:
        stage.normalization = None  # type: ignore[assignment]  # it is in the weights
    ready = optimize_for_inference(network, choose_precision(given["precision"]))
    maps = torch.from_numpy(images).permute(0, 3, 1, 2)  # N H W C -> N C H W, channels last

    def probabilities() -> np.ndarray:
        with torch.inference_mode():
            return ready.probabilities(maps).numpy()

    serve(probabilities, given, probabilities)


if __name__ == "__main__":
    main()
