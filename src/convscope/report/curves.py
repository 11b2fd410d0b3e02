"""The learning curves as SVG: loss and accuracy of every epoch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convscope.core.markup import Html, joined, tag
from convscope.core.text import percent
from convscope.training.history import EpochRecord

from .axes import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Axis, Text, grid, legend, marker, nice_ticks, path

TOP = 40
MOST_POINTS, MOST_MARKERS = 1_000, 40

Point = tuple[int, float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart: its name, its style in the sheet, and its points (epoch, value)."""

    name: str
    style: str
    points: tuple[Point, ...]


def curves(history: Sequence[EpochRecord]) -> Html:
    """Return the charts of loss and accuracy, or a sentence when there is no epoch; of one there is no curve.

    Values that are not finite leave a gap.
    """
    if not history:
        return tag("p", "No epoch was finished, so there are no curves.")
    if len(history) == 1:
        return joined()
    loss = _series(history, lambda record: record.loss, lambda record: record.validation_loss)
    accuracy = _series(history, lambda record: record.accuracy, lambda record: record.validation_accuracy)
    charts = joined(
        _chart("Loss", "loss (cross-entropy, nats)", loss, floor=0, ceiling=None, text=lambda value: f"{value:.3g}"),
        _chart("Accuracy", "accuracy (% correct)", accuracy, floor=None, ceiling=1, text=percent),
    )
    return tag("div", charts, class_="charts")


def _series(
    history: Sequence[EpochRecord],
    training: Callable[[EpochRecord], float | None],
    validation: Callable[[EpochRecord], float | None],
) -> tuple[Series, ...]:
    thinned = history[:: math.ceil(len(history) / MOST_POINTS)]
    both = (("training", "first", training), ("validation", "second", validation))
    series = []
    for name, style, of in both:
        values = ((record.epoch, of(record)) for record in thinned)
        points = tuple((epoch, value) for epoch, value in values if value is not None and math.isfinite(value))
        if points:
            series.append(Series(name=name, style=style, points=points))
    return tuple(series)


def _chart(
    title: str,
    label: str,
    series: tuple[Series, ...],
    *,
    floor: float | None,
    ceiling: float | None,
    text: Text,
) -> Html:
    """Return one chart; `floor` and `ceiling` are values that its upright axis reaches in any case."""
    if not series:
        return tag("p", f"{title}: no finite value was recorded.")
    values = [value for line in series for _, value in line.points]
    ends = [end for end in (floor, ceiling) if end is not None]
    marks = nice_ticks(min(values + ends), max(values + ends))
    upright = Axis(low=marks[0], high=marks[-1], start=HEIGHT - BOTTOM, stop=TOP, ticks=marks)
    epochs = [epoch for line in series for epoch, _ in line.points]
    along = _epoch_axis(min(epochs), max(epochs))
    drawing = joined(
        grid(along, upright, "epoch", label, _tick_text if ceiling == 1 else "{:g}".format),
        *(_line(line, along, upright, text) for line in series),
        *(legend(line.name, line.style, 218 + index * 108, 10) for index, line in enumerate(series)),
    )
    last = "; ".join(f"{line.name} {text(line.points[-1][1])} after epoch {line.points[-1][0]}" for line in series)
    svg = tag("svg", drawing, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title} by epoch: {last}.")
    return tag("figure", svg, tag("figcaption", f"{title}: {last}."), class_="chart")


def _epoch_axis(first: int, last: int) -> Axis:
    low, high = (first - 0.5, last + 0.5) if first == last else (float(first), float(last))
    ticks = tuple(mark for mark in nice_ticks(first, last, most=8, smallest=1) if low <= mark <= high)
    return Axis(low=low, high=high, start=LEFT + 8, stop=WIDTH - RIGHT - 8, ticks=ticks)


def _line(series: Series, along: Axis, upright: Axis, text: Text) -> Html:
    positions = [(along.at(epoch), upright.at(value)) for epoch, value in series.points]
    drawn = path(positions, f"line {series.style}")
    if len(positions) > MOST_MARKERS:
        return drawn
    hints = (f"{series.name}, epoch {epoch}: {text(value)}" for epoch, value in series.points)
    pairs = zip(positions, hints, strict=True)
    return joined(drawn, *(marker(series.style, x, y, hint) for (x, y), hint in pairs))


def _tick_text(value: float) -> str:
    return percent(value).replace(".0 %", " %")
