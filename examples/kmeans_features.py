"""K-means on whitened patches, triangle answers, summed over quadrants, a linear SVM (Coates, Lee & Ng 2011).

Run: python examples/kmeans_features.py --units 100
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from convscope.layers.patch_learning import ClusterLayer
from convscope.layers.patch_learning.summed import summed_answers


def main() -> None:
    """Find clusters of patches of the digits, ask at every place how near each is, sum up, classify."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--units", type=int, default=100)
    options.add_argument("--patches", type=int, default=20_000)
    given = options.parse_args()

    digits = load_digits()
    images = np.rint(digits.images[..., None] / 16 * 255).astype(np.uint8)  # N 8 8 1
    train, test, train_labels, test_labels = train_test_split(images, digits.target, train_size=500, random_state=0)
    for answer in ("hard", "triangle"):
        layer = ClusterLayer.learn(train, units=given.units, side=3, answer=answer, patches=given.patches)
        classifier = make_pipeline(StandardScaler(), LinearSVC(C=0.01)).fit(summed_answers(layer, train), train_labels)
        accuracy = classifier.score(summed_answers(layer, test), test_labels)
        print(f"{answer:9} {accuracy:.1%} right with {given.units} clusters")


if __name__ == "__main__":
    main()
