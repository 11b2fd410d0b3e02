"""The evaluation of a network on the page: the report of its run and its epochs, cut down to what is drawn."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.training.class_metrics import Cell
from convscope.training.history import EpochRecord
from convscope.training.report import Report

MOST_EPOCHS = 500  # points of a curve


@dataclass(frozen=True, kw_only=True)
class RunEvaluation:
    """The accuracy of a network when its run ended.

    Attributes:
        split: which images were evaluated: ``validation``, ``test`` or ``training``.
        images: how many; correct: how many of them were recognized.
        interval: of the accuracy, 95 % (Wilson).
        cells: of the confusion matrix, those that are not empty, without their images.
        epochs: of the training, thinned where there are very many.
    """

    split: str
    images: int
    correct: int
    interval: tuple[float, float]
    cells: tuple[Cell, ...]
    epochs: tuple[EpochRecord, ...] = ()


def evaluation_of(report: Report, history: Sequence[EpochRecord] = ()) -> RunEvaluation:
    """Return the evaluation in `report`, with the epochs that led to it."""
    stride = max(1, math.ceil(len(history) / MOST_EPOCHS))
    return RunEvaluation(
        split=report.split,
        images=report.images,
        correct=report.correct,
        interval=report.accuracy.interval,
        cells=tuple(dataclasses.replace(cell, images=()) for cell in report.cells),
        epochs=(*history[:-1:stride], *history[-1:]),
    )
