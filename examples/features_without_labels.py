"""Features learned on patches without labels, convolved, pooled, and classified by a softmax (after UFLDL).

Run: python examples/features_without_labels.py --by rica
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from convscope.layers import HiddenLayer
from convscope.layers.patch_learning import WAYS, learn_layer


def pooled(layer: HiddenLayer, images: np.ndarray) -> np.ndarray:
    """Return the features at all positions, averaged over 2 × 2 parts of each image: N × (4 · units)."""
    maps = np.stack([layer.everywhere(image / 255) for image in images])  # N 6 6 units
    parts: np.ndarray = maps.reshape(len(maps), 2, 3, 2, 3, -1).mean(axis=(2, 4))
    return parts.reshape(len(maps), -1)


def main() -> None:
    """Learn a layer on patches of the digits, apply it at every position, pool, classify."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by", nargs="+", default=["random", "kmeans", "autoencoder", "rica"], choices=WAYS)
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--patches", type=int, default=10_000)
    options = parser.parse_args()

    digits = load_digits()
    images = np.rint(digits.images[..., None] / 16 * 255).astype(np.uint8)  # N 8 8 1
    train, test, train_labels, test_labels = train_test_split(images, digits.target, train_size=500, random_state=0)
    for by in options.by:
        layer = learn_layer(train, units=options.units, side=3, by=by, patches=options.patches, brightness=False)
        classifier = LogisticRegression(C=100, max_iter=2_000).fit(pooled(layer, train), train_labels)
        print(f"{by:12} {classifier.score(pooled(layer, test), test_labels):.1%} correct")


if __name__ == "__main__":
    main()
