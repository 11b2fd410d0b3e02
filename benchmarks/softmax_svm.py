"""Softmax against support vector machine: at the end of a network trained with it, and on frozen features.

    python benchmarks/softmax_svm.py mnist fashion-mnist cifar10 --data-dir FOLDER

Scope: one small layout a set, the default recipe, 10,000 training images (evenly from all over the set; --images)
and all test images. A seed is one pair: the same images, first weights and order of the images with either word
at the end of the layout. Frozen: the values of the last stage of either network, read by scikit-learn's
LogisticRegression and LinearSVC as in `convscope features --classifiers softmax,svm`. Differences are svm - softmax in
accuracy, mean over the seeds with the paired 95 % t interval; "none" is won where the interval holds 0.
Sets that are not named keep the result that they have, and the command and commit that it is from.
"""

import argparse
import json
import time
from typing import Any

import numpy as np
from results_file import RESULTS, spread, surroundings, write
from sets import NAMES, Parts, add_data_dir, load

from convscope import ConvClassifier, ConvFeatures
from convscope.features.classifiers import named_classifiers

LAYOUTS = {"cifar10": "24C5-MP2-48C3-MP2-96N"}
LAYOUT = "16C5-MP2-32C5-MP2-64N"
WORDS = ("softmax", "svm")


def pair(parts: Parts, layout: str, *, epochs: int, seed: int) -> dict[str, Any]:
    """Return accuracy and seconds of both words for one seed: end to end, and on the features of either network."""
    found: dict[str, Any] = {"seed": seed, "end_to_end": {}, "frozen": {}, "training_seconds": {}}
    for word in WORDS:
        started = time.perf_counter()
        network = ConvClassifier(f"{layout}-{word}", epochs=epochs, seed=seed, flip=parts.flippable)
        network.fit(parts.train, parts.train_labels)
        found["training_seconds"][word] = round(time.perf_counter() - started, 2)
        found["end_to_end"][word] = float(np.mean(network.predict(parts.test) == parts.test_labels))
        features = ConvFeatures(network.model_)
        learned_from, evaluated = features.transform(parts.train), features.transform(parts.test)
        scores = {}
        for name, classifier in named_classifiers(WORDS, seed=seed).items():
            classifier.fit(learned_from, parts.train_labels)
            scores[name] = float(np.mean(classifier.predict(evaluated) == parts.test_labels))
        found["frozen"][f"of the {word} network"] = scores
    return found


def difference(pairs: list[dict[str, float]]) -> dict[str, Any]:
    """Return svm - softmax: mean and interval over the seeds, and who has won."""
    found: dict[str, Any] = spread([pair["svm"] - pair["softmax"] for pair in pairs])
    half = found.get("mean_95_half_width", float("inf"))
    sure = abs(found["mean"]) > half
    return {**found, "won": "none" if not sure else "svm" if found["mean"] > 0 else "softmax"}


def measure(parts: Parts, layout: str, *, epochs: int, seeds: int) -> dict[str, Any]:
    """Return every pair of a set, and the differences, with commit, command and machine of this run."""
    pairs = []
    for seed in range(seeds):
        pairs.append(pair(parts, layout, epochs=epochs, seed=seed))
        print(pairs[-1], flush=True)
    frozen = {key: difference([pair["frozen"][key] for pair in pairs]) for key in pairs[0]["frozen"]}
    return {
        **surroundings(),
        "layout": layout,
        "epochs": epochs,
        "training_images": len(parts.train),
        "test_images": len(parts.test),
        "accuracy": {word: spread([pair["end_to_end"][word] for pair in pairs]) for word in WORDS},
        "svm_minus_softmax": {"end to end": difference([pair["end_to_end"] for pair in pairs]), **frozen},
        "pairs": pairs,
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
    known = RESULTS / "softmax-svm.json"
    results = json.loads(known.read_text(encoding="utf-8"))["sets"] if known.exists() else {}
    for name in given.sets:
        parts = load(name, given.data_dir, train=given.images)
        results[name] = measure(parts, LAYOUTS.get(name, LAYOUT), epochs=given.epochs, seeds=given.seeds)
        print(name, results[name]["svm_minus_softmax"], flush=True)
    print(write("softmax-svm", __doc__.strip().splitlines()[0], {"sets": results}))


if __name__ == "__main__":
    main()
