"""Use a convolutional network with scikit-learn's tools.

Run: python examples/classifier_in_sklearn.py
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from convscope import ConvClassifier


def main() -> None:
    """Compare a network with a linear classifier, then choose its layout by cross-validation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_797, help="number of digits")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()

    digits = load_digits()
    rows, labels = digits.data[: options.images] / 16, digits.target[: options.images]  # N 64 in 0…1, N

    network = ConvClassifier(epochs=options.epochs, image_shape=(8, 8))
    for name, classifier in (("linear", LogisticRegression(max_iter=1_000)), ("convolutional", network)):
        accuracies = cross_val_score(classifier, rows, labels, cv=3)
        print(f"{name:13} {accuracies.mean():.1%} correct, ± {accuracies.std():.1%} between folds")

    layouts = ["8C3-MP2", "32C3-64C3-MP2-128N"]
    search = GridSearchCV(network, {"layout": layouts}, cv=3).fit(rows, labels)
    print(f"the better layout is {search.best_params_['layout']} with {search.best_score_:.1%}")


if __name__ == "__main__":
    main()
