"""What reads the last maps, by name: weighted sums, one a class, and what they are trained for.

To add one, add one line to `LINEAR_CLASSIFIERS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor, Tensor | None, float], Tensor]


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """One classifier at the end of a network.

    Attributes:
        loss: the mean of what is to be made small: of logits N K, labels N, weights of the K classes (None for equal
            ones) and the label smoothing, 0…1.
        gives_probabilities: the softmax of its logits is meant as probabilities (they are divided by a temperature
            first, found on images that were not learned from); else the logits are margins, and a sigmoid for each
            class, found on such images too, makes probabilities of them.
    """

    loss: Loss
    gives_probabilities: bool


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """Return the mean of -log (softmax of the logits at the right class), in nats."""
    return functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)


def squared_hinge(logits: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """Return the mean of Σ max(0, 1 - t × logit)² over the classes; t is 1 for the right one, else -1 (Tang 2013).

    One class against all others, as in scikit-learn's ``LinearSVC``. Margins are not smoothed, whatever `smoothing` is.

    Examples:
        >>> squared_hinge(torch.tensor([[2.0, -0.5, 0.0]]), torch.tensor([0]), None, 0.0).item()    # 0 + 0.25 + 1
        1.25
    """
    del smoothing
    return _mean(_lacking(logits, labels).square(), labels, weights)


def hinge(logits: Tensor, labels: Tensor, weights: Tensor | None, smoothing: float) -> Tensor:
    """Return the mean of Σ max(0, 1 - t × logit) over the classes, as in `squared_hinge`."""
    del smoothing
    return _mean(_lacking(logits, labels), labels, weights)


LINEAR_CLASSIFIERS: dict[str, Classifier] = {
    "softmax": Classifier(loss=cross_entropy, gives_probabilities=True),
    "svm": Classifier(loss=squared_hinge, gives_probabilities=False),
    "hinge": Classifier(loss=hinge, gives_probabilities=False),
}


def _lacking(logits: Tensor, labels: Tensor) -> Tensor:
    """Return N K: what each logit lacks to lie on its side with a margin of 1."""
    signs = 2.0 * functional.one_hot(labels, logits.shape[1]) - 1
    return functional.relu(1 - signs * logits)


def _mean(lacking: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    losses = lacking.sum(dim=1)
    sample_weights = torch.ones_like(losses) if weights is None else weights[labels]
    return (losses * sample_weights).sum() / sample_weights.sum()
