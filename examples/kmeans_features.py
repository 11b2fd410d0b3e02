"""K-means on whitened patches, triangle activations summed over quadrants, a linear SVM (Coates, Lee & Ng 2011).

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
from convscope.layers.patch_learning.summed import summed_activations


def main() -> None:
    """Cluster patches of the digits, sum the activations over quadrants, classify."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--patches", type=int, default=20_000)
    options = parser.parse_args()

    digits = load_digits()
    images = np.rint(digits.images[..., None] / 16 * 255).astype(np.uint8)  # N 8 8 1
    train, test, train_labels, test_labels = train_test_split(images, digits.target, train_size=500, random_state=0)
    for activation in ("hard", "triangle"):
        layer = ClusterLayer.learn(train, units=options.units, side=3, activation=activation, patches=options.patches)
        classifier = make_pipeline(StandardScaler(), LinearSVC(C=0.01)).fit(
            summed_activations(layer, train), train_labels
        )
        accuracy = classifier.score(summed_activations(layer, test), test_labels)
        print(f"{activation:9} {accuracy:.1%} correct with {options.units} clusters")


if __name__ == "__main__":
    main()
