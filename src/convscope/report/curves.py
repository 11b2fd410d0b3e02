"""The learning curves as SVG: loss and accuracy of every epoch."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from convscope.core.markup import Html, joined, tag
from convscope.core.text import percent
from convscope.training.history import EpochRecord

WIDTH, HEIGHT = 440, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 40, 46
MOST_POINTS, MOST_MARKERS = 1_000, 40

Point = tuple[int, float]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart: its name, its style in the sheet, and its points (epoch, value)."""

    name: str
    style: str
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Numbers from `low` to `high` laid along pixels from `start` to `stop`, with marks at `ticks`."""

    low: float
    high: float
    start: float
    stop: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        fraction = (value - self.low) / (self.high - self.low)
        return round(self.start + fraction * (self.stop - self.start), 1)


def curves(history: Sequence[EpochRecord]) -> Html:
    """Return the charts of loss and accuracy, or a sentence when no epoch was finished.

    Values that are not finite leave a gap.
    """
    if not history:
        return tag("p", "No epoch was finished, so there are no curves.")
    loss = _series(history, lambda record: record.loss, lambda record: record.validation_loss)
    accuracy = _series(history, lambda record: record.accuracy, lambda record: record.validation_accuracy)
    charts = joined(
        _chart("Loss", "loss (cross-entropy, nats)", loss, floor=0, ceiling=None, text=lambda value: f"{value:.3g}"),
        _chart("Accuracy", "accuracy (% correct)", accuracy, floor=None, ceiling=1, text=percent),
    )
    return tag("div", charts, class_="charts")


def nice_ticks(low: float, high: float, most: int = 5, smallest: float = 0.0) -> tuple[float, ...]:
    """Return round numbers, at most about `most`, that reach from at most `low` to at least `high`.

    Examples:
        >>> nice_ticks(0, 2.3), nice_ticks(0.91, 1)
        ((0.0, 0.5, 1.0, 1.5, 2.0, 2.5), (0.9, 0.92, 0.94, 0.96, 0.98, 1.0))
    """
    span = max(high - low, smallest, abs(high) * 1e-9, 1e-12)
    size = 10.0 ** math.floor(math.log10(span / most))
    step = max(smallest, next(size * factor for factor in (1, 2, 5, 10, 20) if span / (size * factor) <= most))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(index * step, 12) for index in range(first, max(last, first + 1) + 1))


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
    text: Callable[[float], str],
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
        _grid(along, upright, label, text if ceiling == 1 else lambda value: f"{value:g}"),
        *(_line(line, along, upright, text) for line in series),
        *(_legend(line, index) for index, line in enumerate(series)),
    )
    last = "; ".join(f"{line.name} {text(line.points[-1][1])} after epoch {line.points[-1][0]}" for line in series)
    svg = tag("svg", drawing, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=f"{title} by epoch: {last}.")
    return tag("figure", svg, tag("figcaption", f"{title}: {last}."), class_="chart")


def _epoch_axis(first: int, last: int) -> Axis:
    low, high = (first - 0.5, last + 0.5) if first == last else (float(first), float(last))
    ticks = tuple(mark for mark in nice_ticks(first, last, most=8, smallest=1) if low <= mark <= high)
    return Axis(low=low, high=high, start=LEFT + 8, stop=WIDTH - RIGHT - 8, ticks=ticks)


def _grid(along: Axis, upright: Axis, label: str, text: Callable[[float], str]) -> Html:
    bottom = HEIGHT - BOTTOM
    parts = []
    for mark in upright.ticks:
        y = upright.at(mark)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        shown = text(mark).replace(".0 %", " %")
        parts.append(tag("text", shown, x=LEFT - 6, y=y + 4, text_anchor="end"))
    for mark in along.ticks:
        x = along.at(mark)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(tag("text", f"{mark:g}", x=x, y=bottom + 19, text_anchor="middle"))
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"))
    parts.append(tag("text", "epoch", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle", class_="label"))
    parts.append(tag("text", label, x=4, y=14, class_="label"))
    return joined(*parts)


def _line(series: Series, along: Axis, upright: Axis, text: Callable[[float], str]) -> Html:
    positions = [(along.at(epoch), upright.at(value)) for epoch, value in series.points]
    path = tag("polyline", points=" ".join(f"{x},{y}" for x, y in positions), class_=f"line {series.style}")
    if len(positions) > MOST_MARKERS:
        return path
    pairs = zip(series.points, positions, strict=True)
    return joined(path, *(_marker(series, x, y, f"epoch {epoch}: {text(value)}") for (epoch, value), (x, y) in pairs))


def _marker(series: Series, x: float, y: float, hint: str | None = None) -> Html:
    content: Iterable[str] = (tag("title", f"{series.name}, {hint}"),) if hint else ()
    style = f"marker {series.style}"
    if series.style == "first":
        return tag("circle", *content, cx=x, cy=y, r=3.5, class_=style)
    return tag("rect", *content, x=x - 3.5, y=y - 3.5, width=7, height=7, class_=style)


def _legend(series: Series, index: int) -> Html:
    x = 226 + index * 104
    line = tag("line", x1=x, x2=x + 26, y1=10, y2=10, class_=f"line {series.style}")
    return joined(line, _marker(series, x + 13, 10), tag("text", series.name, x=x + 32, y=14))
