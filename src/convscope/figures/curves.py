"""The learning curves of a run: loss and accuracy after every epoch."""

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from convscope.core.errors import DataError
from convscope.core.statistics import wilson_interval
from convscope.core.text import counted
from convscope.training.history import EpochRecord

from .style import Theme, drawing, figure

_NAMES, _STYLES = ("training", "validation"), (("o", "-"), ("s", "--"))


def draw_curves(history: Sequence[EpochRecord], *, validation_images: int = 0, theme: Theme) -> Figure:
    """Return two charts by epoch: loss and accuracy on training and validation images.

    Args:
        history: the epochs of a run.
        validation_images: number of validation images; with it the accuracy has a band, the 95 % interval (Wilson).
        theme: the colors.

    Raises:
        DataError: no epoch is finished.
    """
    if not history:
        raise DataError("`history` must have an epoch to draw. Got none. Resume the run.")
    with drawing(theme):
        drawn = figure(8.5, 3.6, theme)
        loss, accuracy = drawn.subplots(1, 2)
        _line(loss, history, lambda record: record.loss, "training", theme)
        _line(loss, history, lambda record: record.validation_loss, "validation", theme)
        _finish(loss, "Loss", "cross-entropy (nats)", theme)
        _line(accuracy, history, lambda record: record.accuracy, "training", theme, factor=100)
        _line(accuracy, history, lambda record: record.validation_accuracy, "validation", theme, factor=100)
        if validation_images:
            _band(accuracy, history, validation_images, theme)
        _finish(accuracy, "Accuracy", "accuracy (%)", theme)
    return drawn


def _line(
    axes: Axes,
    history: Sequence[EpochRecord],
    value: Callable[[EpochRecord], float | None],
    name: str,
    theme: Theme,
    *,
    factor: float = 1,
) -> None:
    """Draw one series; `factor` turns its values into the unit of the axis."""
    values = [(record.epoch, value(record)) for record in history]
    points = [(epoch, factor * number) for epoch, number in values if number is not None and math.isfinite(number)]
    if points:
        series = _NAMES.index(name)
        marker, style = _STYLES[series]
        epochs, numbers = zip(*points, strict=True)
        size = 4 if len(points) <= 40 else 0
        axes.plot(epochs, numbers, marker + style, color=theme.series[series], markersize=size, label=name)


def _band(axes: Axes, history: Sequence[EpochRecord], validation_images: int, theme: Theme) -> None:
    known = [(record.epoch, record.validation_accuracy) for record in history if record.validation_accuracy is not None]
    if not known:
        return
    intervals = [wilson_interval(round(fraction * validation_images), validation_images) for _, fraction in known]
    low, high = zip(*intervals, strict=True)
    axes.fill_between(
        [epoch for epoch, _ in known],
        [100 * value for value in low],
        [100 * value for value in high],
        color=theme.series[1],
        alpha=0.2,
        linewidth=0,
        label=f"95 % interval ({counted(validation_images, 'image')})",
    )


def _finish(axes: Axes, title: str, label: str, theme: Theme) -> None:
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, labelcolor=theme.ink)
