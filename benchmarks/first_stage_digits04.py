"""A first stage of random and of RICA units on the digits 0 to 4, read by a softmax: the exercise of UFLDL.

    python benchmarks/first_stage_digits04.py --data-dir FOLDER

Scope: MNIST. The units are learned without labels, on patches of 9 × 9 of the digits 5 to 9, and convolved; max(0, x),
means over windows, a softmax learned from 5,000 images of 0 to 4 (--images); evaluated on all test images of 0 to 4.
The strength of the softmax's weight decay is chosen on a fifth of those. Five seeds (patches, units, which images).
UFLDL's own figures are 97.5 % for random units and about 99 % for learned ones.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from results_file import spread, write
from sets import Images, Parts, add_data_dir, load
from sklearn.linear_model import LogisticRegression

from convscope.layers import HiddenLayer
from convscope.layers.patch_learning import learn_layer

SIDE = 9
LEAST = {"random": 0.975, "rica": 0.99}
CHOICES = (0.03, 0.3, 3.0)
AT_ONCE = 250


def pooled(layer: HiddenLayer, images: Images, window: int) -> NDArray[np.float32]:
    """Return the rectified features at every place, their mean in each window: N × values."""
    weights = torch.from_numpy(np.ascontiguousarray(layer.weights.transpose(0, 3, 1, 2))).float()  # U C k k
    biases, parts = torch.from_numpy(layer.biases).float(), []
    with torch.inference_mode():
        for start in range(0, len(images), AT_ONCE):
            pixels = torch.from_numpy(images[start : start + AT_ONCE]).permute(0, 3, 1, 2) / 255
            maps = torch.nn.functional.conv2d(pixels, weights, biases).relu_()
            parts.append(torch.nn.functional.avg_pool2d(maps, window).flatten(1).numpy())
    return np.concatenate(parts)


def softmax(features: NDArray[np.float32], labels: NDArray[np.int64], strength: float) -> LogisticRegression:
    """Return a softmax on standardized features."""
    return LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(features, labels)


def measure(parts: Parts, way: str, *, units: int, window: int, images: int, seed: int) -> dict[str, Any]:
    """Return accuracy and seconds of one way with one seed."""
    started = time.perf_counter()
    low, high = np.flatnonzero(parts.train_labels < 5), np.flatnonzero(parts.train_labels >= 5)
    chosen = np.random.default_rng(seed).permutation(low)[:images]
    layer = learn_layer(parts.train[high], units=units, side=SIDE, by=way, patches=20_000, brightness=False, seed=seed)
    features = pooled(layer, parts.train[chosen], window)
    scale = features.std(axis=0) + 1e-3 * features.std()
    features, labels, held = features / scale, parts.train_labels[chosen], len(chosen) // 5
    tried = {
        strength: softmax(features[held:], labels[held:], strength / units).score(features[:held], labels[:held])
        for strength in CHOICES
    }
    strength = max(tried, key=tried.__getitem__)
    evaluated = parts.test_labels < 5
    test = pooled(layer, parts.test[evaluated], window) / scale
    accuracy = softmax(features, labels, strength / units).score(test, parts.test_labels[evaluated])
    return {"accuracy": float(accuracy), "strength": strength, "seconds": round(time.perf_counter() - started, 1)}


def main() -> None:
    """Measure both ways with every seed, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--images", type=int, default=5_000)
    add_data_dir(parser)
    given = parser.parse_args()
    parts = load("mnist", given.data_dir)
    ways: dict[str, Any] = {}
    options = {"units": given.units, "window": given.window, "images": given.images}
    for way, least in LEAST.items():
        samples = [measure(parts, way, **options, seed=seed) for seed in range(given.seeds)]
        accuracy = spread([sample["accuracy"] for sample in samples])
        ways[way] = {"least_accuracy": least, "accuracy": accuracy, "samples": samples}
        print(way, accuracy, flush=True)
    print(write("first-stage-digits04", __doc__.strip().splitlines()[0], {**options, "ways": ways}))


if __name__ == "__main__":
    main()
