"""How good hand-made features are, read by standard classifiers: the baselines of a learned network.

    python benchmarks/hand_made.py --tuned fashion-mnist --sets mnist --kinds hog,lbp,pca --classifiers svm,lda \
        --data-dir FOLDER

Scope: `convscope features KIND SET --classifiers NAMES` on all training and test images of --sets, one run. For those
of --tuned, HOG is given its best: cells, orientations and the C of an SVM with the RBF kernel (on the first 150
principal components of the histograms) are chosen on a sixth of 4,000 training images; that SVM then learns from all
training images and is evaluated once on all test images. Seconds are those of the parts, on this machine.
"""

import argparse
import itertools
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results_file import processor_share, write
from sets import Images, Parts, add_data_dir, load
from skimage.feature import hog
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from convscope.api.features import compare_classifiers, extract_features
from convscope.core.context import Context
from convscope.core.statistics import wilson_interval
from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import HAND_MADE

CELLS: tuple[tuple[int, ...], ...] = ((4,), (7,), (4, 7))
ORIENTATIONS = (8, 12)
STRENGTHS = (3.0, 10.0)
COMPONENTS, TUNED_ON = 150, 4_000
Vectors = NDArray[np.float32]


def histograms(images: Images, cells: tuple[int, ...], orientations: int) -> Vectors:
    """Return histograms of oriented gradients in cells of one or more sizes: N × values."""

    def of(image: Images) -> Vectors:
        sizes = {"orientations": orientations, "cells_per_block": (2, 2), "channel_axis": -1}
        parts = [hog(image, pixels_per_cell=(cell, cell), **sizes) for cell in cells]
        return np.concatenate(parts).astype(np.float32)

    return np.stack([of(image) for image in images])


def components(learn_from: Vectors, *others: Vectors) -> list[Vectors]:
    """Return the first principal components of all, as `learn_from` has them."""
    found = PCA(min(COMPONENTS, *learn_from.shape), svd_solver="covariance_eigh").fit(learn_from)
    return [found.transform(some) for some in (learn_from, *others)]


def choose(parts: Parts) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the best cells, orientations and C on validation images, and all that was tried."""
    some = parts.first(TUNED_ON)
    places = np.random.default_rng(0).permutation(len(some.train))
    held, learned = places[: len(places) // 6], places[len(places) // 6 :]
    tried: list[dict[str, Any]] = []
    for cells, orientations in itertools.product(CELLS, ORIENTATIONS):
        values = histograms(some.train, cells, orientations)
        fitted, evaluated = components(values[learned], values[held])
        for strength in STRENGTHS:
            classifier = SVC(C=strength).fit(fitted, some.train_labels[learned])
            accuracy = float(classifier.score(evaluated, some.train_labels[held]))
            tried.append({"cells": cells, "orientations": orientations, "strength": strength, "accuracy": accuracy})
            print(tried[-1], flush=True)
    return max(tried, key=lambda result: result["accuracy"]), tried


def tuned(name: str, parts: Parts) -> dict[str, Any]:
    """Return how good the best HOG with an SVM is."""
    share, started = processor_share(), time.perf_counter()
    best, tried = choose(parts)
    chosen = time.perf_counter()
    train, test = (histograms(some, best["cells"], best["orientations"]) for some in (parts.train, parts.test))
    values = train.shape[1]
    fitted, evaluated = components(train, test)
    made = time.perf_counter()
    classifier = SVC(C=best["strength"], cache_size=1_000).fit(fitted, parts.train_labels)
    ended = time.perf_counter()
    correct = int(np.sum(classifier.predict(evaluated) == parts.test_labels))
    return {
        **_row(name, "hog, tuned", values, "rbf-svm on 150 components", correct=correct, total=len(evaluated)),
        "feature_seconds": round(made - chosen, 1),
        "fit_seconds": round(ended - made, 1),
        "choosing_seconds": round(chosen - started, 1),
        "chosen": best,
        "tried": tried,
        "processor_share_before": share,
    }


def standard(name: str, kind: str, classifiers: list[str], data_dir: Path) -> list[dict[str, Any]]:
    """Return how good one kind is with each classifier, as `convscope features` has them."""
    share, started = processor_share(), time.perf_counter()
    found = extract_features(kind, name, context=Context(data_dir=data_dir))
    seconds = time.perf_counter() - started
    return [
        {
            **_row(
                name,
                kind,
                found.vectors.shape[1],
                evaluated.name,
                correct=evaluated.accuracy.correct,
                total=evaluated.accuracy.total,
            ),
            "feature_seconds": round(seconds, 1),
            "fit_seconds": round(evaluated.fit_seconds, 1),
            "processor_share_before": share,
        }
        for evaluated in compare_classifiers(found, classifiers)
    ]


def _row(name: str, kind: str, values: int, classifier: str, *, correct: int, total: int) -> dict[str, Any]:
    known = {"set": name, "features": kind, "values": values, "classifier": classifier, "images": total}
    return {**known, "accuracy": correct / total, "interval": list(wilson_interval(correct, total))}


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--tuned", nargs="*", default=[], metavar="SET")
    parser.add_argument("--kinds", default="hog", help=", ".join(HAND_MADE))
    parser.add_argument("--classifiers", default="svm", help=", ".join(CLASSIFIERS))
    add_data_dir(parser)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in given.tuned:
        rows.append(tuned(name, load(name, given.data_dir)))
        print({key: value for key, value in rows[-1].items() if key != "tried"}, flush=True)
    for name in given.sets:
        for kind in given.kinds.split(","):
            rows += standard(name, kind, given.classifiers.split(","), given.data_dir)
            print(name, kind, rows[-1], flush=True)
    print(write("hand-made", __doc__.strip().splitlines()[0], {"rows": rows, "least_accuracy": {"fashion-mnist": 0.9}}))


if __name__ == "__main__":
    main()
