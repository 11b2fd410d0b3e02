"""Whitening of patches as the first stage against a learned first stage: accuracy and time, same layout and epochs.

    python benchmarks/first_stage.py mnist fashion-mnist cifar10 --data-dir FOLDER

Scope: one small layout a set, the default recipe, 10,000 training images (evenly from all over the set; --images)
and all test images, `ConvClassifier` with the ways below. Seconds are those of the whole fit, learning without labels
included. Differences are those from the learned first stage, mean over the seeds with the paired 95 % t interval;
"none" is won where the interval holds 0.
"""

import argparse
import time
from typing import Any

import numpy as np
from results_file import spread, write
from sets import NAMES, Parts, add_data_dir, load

from convscope import ConvClassifier

LAYOUTS = {"cifar10": "24C5-MP2-48C3-MP2-96N"}
LAYOUT = "16C5-MP2-32C5-MP2-64N"
LEARNED = "learned with labels"
WAYS: dict[str, dict[str, Any]] = {
    LEARNED: {},
    "whitening, frozen": {"pretrain": "whitening", "freeze": True},
    "whitening, then learned on": {"pretrain": "whitening"},
    "random, frozen": {"pretrain": "random", "freeze": True},
}


def trained(parts: Parts, layout: str, way: str, *, epochs: int, seed: int) -> dict[str, float]:
    """Return accuracy on the test images and seconds of one training."""
    network = ConvClassifier(layout, epochs=epochs, seed=seed, flip=parts.flippable, **WAYS[way])
    started = time.perf_counter()
    network.fit(parts.train, parts.train_labels)
    seconds = time.perf_counter() - started
    accuracy = float(np.mean(network.predict(parts.test) == parts.test_labels))
    return {"accuracy": accuracy, "seconds": round(seconds, 2)}


def against(samples: list[dict[str, Any]], way: str, what: str) -> dict[str, Any]:
    """Return `way` - learned: mean and paired interval over the seeds, and whether it is sure."""
    found: dict[str, Any] = spread([sample[way][what] - sample[LEARNED][what] for sample in samples])
    return {**found, "sure": abs(found["mean"]) > found.get("mean_95_half_width", float("inf"))}


def measure(parts: Parts, layout: str, *, epochs: int, seeds: int) -> dict[str, Any]:
    """Return every sample of a set, and the differences; the ways take turns, so that all meet the same machine."""
    samples: list[dict[str, Any]] = []
    for seed in range(seeds):
        by_way = {way: trained(parts, layout, way, epochs=epochs, seed=seed) for way in WAYS}
        samples.append({"seed": seed, **by_way})
        print(samples[-1], flush=True)
    summary = {
        way: {what: spread([sample[way][what] for sample in samples]) for what in ("accuracy", "seconds")}
        for way in WAYS
    }
    differences = {
        way: {what: against(samples, way, what) for what in ("accuracy", "seconds")} for way in WAYS if way != LEARNED
    }
    return {
        "layout": layout,
        "epochs": epochs,
        "training_images": len(parts.train),
        "test_images": len(parts.test),
        "ways": summary,
        "minus_learned": differences,
        "samples": samples,
    }


def main() -> None:
    """Measure every set that was named, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--images", type=int, default=10_000)
    add_data_dir(parser)
    given = parser.parse_args()
    results = {}
    for name in given.sets:
        parts = load(name, given.data_dir, train=given.images)
        results[name] = measure(parts, LAYOUTS.get(name, LAYOUT), epochs=given.epochs, seeds=given.seeds)
    print(write("first-stage", __doc__.strip().splitlines()[0], {"sets": results}))


if __name__ == "__main__":
    main()
