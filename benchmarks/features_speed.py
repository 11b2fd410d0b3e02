"""What features cost: writing those of all training images of MNIST, beside predicting the classes alone.

    python benchmarks/features_speed.py --data-dir FOLDER

Scope: the default network for MNIST with random weights, 60,000 images in memory, in this process, on all threads
that the machine's choices give. Three ways take turns: the prediction of all images; their features taken batch after
batch and handed on; and `convscope features` to an .npz file, from the images to the file on disk, which also keeps
what is needed to go on after an interruption. The features of the first images are checked: the network's classifier
must make of them the probabilities that prediction gives.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from results_file import processor_share, spread, write
from sets import Images, Labels, add_data_dir, load

from convscope.api.features import save_features
from convscope.core.machine import tuned
from convscope.features.reading import Reading, StageFeatures
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network, layout_network
from convscope.networks.defaults import default_layout
from convscope.networks.model import Model

MOST = 1.3


def default_model(images: int, side: int) -> Model:
    """Return the default network for gray images, untrained: it costs what a trained one does."""
    layout = default_layout(height=side, width=side, channels=1, images=images, flipped=False, effort="balanced")
    network = Network(layout, height=side, width=side, channels=1, classes=10).eval()
    step = Preprocessing(height=side, width=side, channels=1)
    return Model(network=network, classes=tuple("0123456789"), preprocessing=step, training={})


def check(model: Model, images: Images) -> None:
    """Stop unless the classifier makes the predicted probabilities of the features."""
    features = np.concatenate(list(StageFeatures(model, Reading()).of(images)))
    with torch.inference_mode():
        scores = layout_network(model.network).classifier(torch.from_numpy(features).flatten(1)).softmax(dim=1).numpy()
    worst = float(np.abs(scores - model.predict_proba(images)).max())
    if worst > 1e-4:
        raise SystemExit(f"features and prediction differ by {worst}")


def measure(images: Images, labels: Labels, *, rounds: int) -> dict[str, object]:
    """Return seconds of each way, in turn, and the ratios to prediction."""
    model, data = default_model(len(images), images.shape[1]), (images, labels)
    check(model, images[:500])
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[], object]] = {
            "prediction": lambda: model.predict_proba(images),
            "features": lambda: sum(len(part) for part in StageFeatures(model, Reading()).of(images)),
            "features to a file": lambda: save_features(model, data, Path(folder) / "features.npz", force=True),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(rounds + 1):
            for way, work in ways.items():
                started = time.perf_counter()
                with tuned():
                    work()
                if turn:  # the first warms up
                    seconds[way].append(time.perf_counter() - started)
    pairs = {way: [own / other for own, other in zip(seconds[way], seconds["prediction"], strict=True)] for way in ways}
    return {
        "layout": model.title,
        "images": len(images),
        "most_times_prediction": MOST,
        "seconds": {way: spread(times) for way, times in seconds.items()},
        "times_prediction": {way: spread(ratios) for way, ratios in pairs.items() if way != "prediction"},
        "samples": seconds,
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, help="all training images if none")
    add_data_dir(parser)
    given = parser.parse_args()
    share, parts = processor_share(), load("mnist", given.data_dir, train=given.images)
    found = {"processor_share_before": share, **measure(parts.train, parts.train_labels, rounds=given.rounds)}
    print(found["seconds"], found["times_prediction"])
    print(write("features-speed", __doc__.strip().splitlines()[0], found))


if __name__ == "__main__":
    main()
