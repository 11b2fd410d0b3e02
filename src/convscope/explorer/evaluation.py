"""What the page shows of how good a network is: the report of its run and the epochs, cut down to what is drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.training.history import EpochRecord
from convscope.training.report import Report

MOST_EPOCHS = 500  # points of a curve


@dataclass(frozen=True, kw_only=True)
class CellData:
    """How many images of the class `truth` were taken for `answer`, both places among the classes."""

    truth: int
    answer: int
    count: int


@dataclass(frozen=True, kw_only=True)
class EpochData:
    """One epoch of training: loss and accuracy (0…1) on the training images as seen, and on those held out."""

    epoch: int
    loss: float | None
    accuracy: float | None
    held_out_loss: float | None
    held_out_accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class GoodData:
    """How good the network was when its run ended.

    Attributes:
        split: which images were evaluated: ``validation``, ``test`` or ``training``.
        images: how many; correct: how many of them were recognized.
        interval: of the accuracy, 95 % (Wilson).
        cells: of the confusion matrix, those that are not empty.
        epochs: of the training, thinned where there are very many.
    """

    split: str
    images: int
    correct: int
    interval: tuple[float, float]
    cells: tuple[CellData, ...]
    epochs: tuple[EpochData, ...] = ()


def good_data(report: Report, history: Sequence[EpochRecord] = ()) -> GoodData:
    """Return what the page shows of `report` and of the epochs that led to it."""
    layer = max(1, math.ceil(len(history) / MOST_EPOCHS))
    thinned = [*history[:-1:layer], *history[-1:]]
    return GoodData(
        split=report.split,
        images=report.images,
        correct=report.correct,
        interval=report.accuracy_interval,
        cells=tuple(CellData(truth=cell.truth, answer=cell.predicted, count=cell.count) for cell in report.cells),
        epochs=tuple(
            EpochData(
                epoch=one.epoch,
                loss=_finite(one.loss),
                accuracy=_finite(one.accuracy),
                held_out_loss=_finite(one.validation_loss),
                held_out_accuracy=_finite(one.validation_accuracy),
            )
            for one in thinned
        ),
    )


def _finite(value: float | None) -> float | None:
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None
