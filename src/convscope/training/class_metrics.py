"""How good the predictions of a network are: by class, and as what each image was predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from convscope.core.statistics import wilson_interval

Integers = npt.NDArray[np.int64]
Interval = tuple[float, float]

MOST_WRONG = 10_000
MOST_CORRECT = 10_000
MOST_CORRECT_A_CLASS = 50


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The prediction of the network for one image.

    Attributes:
        index: its index in the dataset.
        name: its name in the source, for example the path of its file.
        probability: of the class that was predicted, 0…1.
        truth_probability: of the true class, 0…1.
    """

    index: int
    name: str
    probability: float
    truth_probability: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the confusion matrix that is not empty.

    Attributes:
        truth: index of the true class.
        predicted: index of the predicted class.
        count: images in the cell.
        images: the saved ones: of wrong predictions the most certain first, of correct ones the least certain first.
    """

    truth: int
    predicted: int
    count: int
    images: tuple[Answer, ...]

    @property
    def correct(self) -> bool:
        """Whether the predictions in this cell are correct."""
        return self.truth == self.predicted


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """How well one class is recognized; intervals are Wilson's, at 95 % confidence.

    Attributes:
        name: of the class.
        support: images of the class.
        predicted: images that were predicted as the class.
        correct: images of the class that were predicted as it.
        precision: correct / predicted; None when nothing was predicted as the class.
        recall: correct / support; None when the class has no image.
        f1: harmonic mean of the two, 2 correct / (support + predicted); None when the class does not occur at all.
    """

    name: str
    support: int
    predicted: int
    correct: int
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None


def metrics_of_class(name: str, *, support: int, predicted: int, correct: int) -> ClassMetrics:
    """Return the metrics of one class from its three counts.

    Examples:
        >>> score = metrics_of_class("cat", support=40, predicted=50, correct=30)
        >>> score.precision, score.recall, round(score.f1, 3)
        (0.6, 0.75, 0.667)
    """
    return ClassMetrics(
        name=name,
        support=support,
        predicted=predicted,
        correct=correct,
        precision=correct / predicted if predicted else None,
        precision_interval=wilson_interval(correct, predicted) if predicted else None,
        recall=correct / support if support else None,
        recall_interval=wilson_interval(correct, support) if support else None,
        f1=2 * correct / (support + predicted) if support + predicted else None,
    )


def class_metrics(labels: Integers, predicted: Integers, classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Return the metrics of every class, in the order of `classes`, from true and predicted labels (both N)."""
    size = len(classes)
    support, taken = np.bincount(labels, minlength=size), np.bincount(predicted, minlength=size)
    correct = np.bincount(labels[labels == predicted], minlength=size)
    return tuple(
        metrics_of_class(name, support=int(support[index]), predicted=int(taken[index]), correct=int(correct[index]))
        for index, name in enumerate(classes)
    )


def confusion(
    labels: Integers, probabilities: npt.NDArray[np.float32], names: Sequence[str], indices: Integers
) -> tuple[Cell, ...]:
    """Return the cells of the confusion matrix that are not empty, by true and then predicted class.

    The number of saved images is bounded: wrong ones up to `MOST_WRONG`, correct ones up to `MOST_CORRECT_A_CLASS` a
    class and `MOST_CORRECT` in all. Where there are more, every cell has its first ones.

    Args:
        labels: true classes, N.
        probabilities: of every class for every image, N K, 0…1.
        names: of the images, N.
        indices: of the images in their dataset, N.
    """
    predicted = probabilities.argmax(1)
    everyone = np.arange(len(labels))
    sure, truth = probabilities[everyone, predicted], probabilities[everyone, labels]
    correct = labels == predicted
    order = np.lexsort((everyone, np.where(correct, sure, -sure), predicted, labels))
    key = labels[order] * probabilities.shape[1] + predicted[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    counts = np.diff(np.r_[starts, len(key)])
    rank = np.arange(len(key)) - np.repeat(starts, counts)
    saved = _saved(rank, correct[order])

    def answer(row: int) -> Answer:
        return Answer(
            index=int(indices[row]),
            name=names[row],
            probability=round(float(sure[row]), 6),
            truth_probability=round(float(truth[row]), 6),
        )

    cells = []
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        rows = order[start : start + count][saved[start : start + count]].tolist()
        cells.append(
            Cell(
                truth=int(labels[order[start]]),
                predicted=int(predicted[order[start]]),
                count=count,
                images=tuple(answer(row) for row in rows),
            )
        )
    return tuple(cells)


def _saved(rank: Integers, correct: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which of the images are saved, given each one's rank within its cell and whether it is correct."""
    saved = np.zeros(len(rank), dtype=bool)
    for group, most in ((~correct, MOST_WRONG), (correct & (rank < MOST_CORRECT_A_CLASS), MOST_CORRECT)):
        rows = np.flatnonzero(group)
        saved[rows[np.argsort(rank[rows], kind="stable")[:most]]] = True
    return saved
