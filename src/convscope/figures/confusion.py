"""The confusion matrix of a run: predicted by true classes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convscope.core.text import counted
from convscope.training.report import Report

from .style import Theme, drawing, figure, short_name

MOST_CLASSES = 30
_LONGEST_NAME = 16


def draw_confusion(report: Report, *, theme: Theme) -> Figure:
    """Return the matrix: rows are true classes, columns predicted ones; blue is correct, orange an error.

    The shade is the fraction of the true class, the number that of images. Of more than 30 classes, those with the
    most errors are drawn.

    Args:
        report: of the run.
        theme: the colors.
    """
    counts = np.zeros((len(report.classes),) * 2, np.int64)
    for cell in report.cells:
        counts[cell.truth, cell.predicted] = cell.count
    shown = _most_confused(counts)
    names = [short_name(report.classes[index].name, _LONGEST_NAME) for index in shown]
    cells = counts[np.ix_(shown, shown)]
    fractions = cells / np.maximum(1, counts[shown].sum(axis=1, keepdims=True))
    with drawing(theme):
        side = max(3.2, 0.36 * len(shown) + 1.2)
        drawn = figure(side + 0.9, side, theme)
        axes = drawn.add_subplot()
        correct = np.eye(len(shown), dtype=bool)
        strength = (
            np.where(correct, fractions, np.sqrt(fractions)) / 1.25
        )  # errors are few: make small fractions visible
        shades = [LinearSegmentedColormap.from_list("fraction", [theme.paper, end])(strength) for end in _ends(theme)]
        colors = np.where(correct[..., None], *shades)  # rows, columns, red green blue
        axes.imshow(colors)
        _numbers(axes, cells, colors, theme)
        axes.set_xticks(range(len(shown)), names, rotation=90, parse_math=False)
        axes.set_yticks(range(len(shown)), names, parse_math=False)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.tick_params(length=0)
        axes.set_title(_title(report, len(shown)), fontsize=9)
    return drawn


def _most_confused(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the classes to draw."""
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return np.sort(np.argsort(-wrong, kind="stable")[:MOST_CLASSES])


def _ends(theme: Theme) -> tuple[str, str]:
    """Return the colors of only correct and only wrong predictions."""
    return theme.above, theme.below


def _numbers(axes: Axes, counts: NDArray[np.int64], colors: NDArray[np.float64], theme: Theme) -> None:
    size = 8 if len(counts) <= 12 else 5.5
    for (row, column), count in np.ndenumerate(counts):
        if count:
            written = theme.readable_on(colors[row, column].tolist())
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=size, color=written)


def _title(report: Report, shown: int) -> str:
    low, high = report.accuracy.interval
    images = counted(report.images, f"{report.split} image")
    first = f"{report.correct:,} of {images} correct: {100 * report.accuracy.fraction:.2f} %"
    subset = f"; the {counted(shown, 'class', 'classes')} with most errors" if shown < len(report.classes) else ""
    return f"{first}\n(95 % interval {100 * low:.2f} to {100 * high:.2f} %){subset}"
