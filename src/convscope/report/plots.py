"""Charts of measured values with their intervals, as SVG: rows of dots, and lines by strength or number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convscope.core.markup import Html, joined, tag
from convscope.core.text import shortened

from .axes import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Axis, Text, grid, legend, marker, nice_ticks, path

STYLES = ("first", "second", "third", "fourth", "fifth")
_TOP = 24
_DOTS_WIDTH, _NAME, _ROW, _CHARACTERS = 720, 270, 24, 34
_LEGEND_ROW = 18
_MOST_MARKERS = 40


@dataclass(frozen=True, kw_only=True)
class PlottedValue:
    """A value with its position along a chart and the ends of its interval, which has none where they are equal."""

    at: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class DotRow:
    """One row of a chart of dots: its name and value.

    Attributes:
        clean: another value, drawn as a ring: on clean images; None for none.
        marked: whether the others are compared with it.
    """

    name: str
    value: PlottedValue
    clean: float | None = None
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart: its name, its points in order, and points beyond them that are only reckoned."""

    name: str
    points: tuple[PlottedValue, ...]
    beyond: tuple[PlottedValue, ...] = ()


def dots(rows: Sequence[DotRow], *, label: str, text: Text, tick: Text, said: str) -> Html:
    """Return values as dots in rows, with their intervals as whiskers; `said` is what it shows, in words."""
    ends = [end for row in rows for end in (row.value.low, row.value.high, row.clean) if end is not None]
    marks = nice_ticks(max(0.0, min(ends)), min(1.0, max(ends)), most=6)
    along = Axis(low=marks[0], high=marks[-1], start=_NAME + 12, stop=_DOTS_WIDTH - 62, ticks=marks)
    bottom = _ROW * len(rows) + 8
    height = bottom + 44
    parts = [_column(along, mark, bottom, tick) for mark in marks]
    for row in rows:
        if row.marked:
            x = along.at(row.value.value)
            parts.append(tag("line", x1=x, x2=x, y1=0, y2=bottom, class_="reference"))
    for index, row in enumerate(rows):
        y = _ROW * index + _ROW / 2 + 4
        parts.append(tag("text", shortened(row.name, _CHARACTERS), x=_NAME, y=y + 4, text_anchor="end"))
        parts.append(_dot(along, row, y, text))
    center = (along.start + along.stop) / 2
    parts.append(tag("text", label, x=center, y=height - 8, text_anchor="middle", class_="label"))
    svg = tag("svg", *parts, viewBox=f"0 0 {_DOTS_WIDTH} {height}", role="img", aria_label=said)
    return tag("figure", svg, class_="chart wide")


def _column(along: Axis, mark: float, bottom: float, text: Text) -> Html:
    x = along.at(mark)
    return joined(
        tag("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"),
        tag("text", text(mark), x=x, y=bottom + 17, text_anchor="middle"),
    )


def _dot(along: Axis, row: DotRow, y: float, text: Text) -> Html:
    style, value = "first" if row.marked else "plain", row.value
    x, low, high = (along.at(number) for number in (value.value, value.low, value.high))
    hint = tag("title", f"{row.name}: {text(value.value)}, 95 % interval {text(value.low)} to {text(value.high)}")
    ring = joined()
    if row.clean is not None:
        clean = tag("title", f"{row.name}, clean: {text(row.clean)}")
        ring = tag("circle", clean, cx=along.at(row.clean), cy=y, r=4, class_="ring")
    return joined(
        ring,
        tag("line", x1=low, x2=high, y1=y, y2=y, class_=f"whisker {style}"),
        tag("circle", hint, cx=x, cy=y, r=4.5, class_=f"marker {style}"),
        tag("text", text(value.value), x=_DOTS_WIDTH - 4, y=y + 4, text_anchor="end"),
    )


def lines(
    series: Sequence[Line],
    *,
    title: str,
    across: str,
    label: str,
    text: Text,
    tick: Text,
    reach: Sequence[float] = (),
    logarithmic: bool = False,
) -> Html:
    """Return lines by a number, each value with its interval; at most five lines.

    Args:
        series: the lines.
        title: of the chart.
        across: what the number is, and its unit.
        label: what the values are, and their unit.
        text: of a value.
        tick: of a mark at the side.
        reach: values that the side reaches in any case.
        logarithmic: equal distances are equal ratios, along the chart.
    """
    shown = series[: len(STYLES)]
    top = _TOP + _LEGEND_ROW * len(shown)
    bottom = HEIGHT - BOTTOM + _LEGEND_ROW * len(shown)
    every = [value for line in shown for value in (*line.points, *line.beyond)]
    lowest, highest = (value.low for value in every), (value.high for value in every)
    marks = nice_ticks(max(0.0, min(*reach, *lowest)), max(*reach, *highest))
    upright = Axis(low=marks[0], high=marks[-1], start=bottom, stop=top, ticks=marks)
    along = _along([value.at for value in every], logarithmic=logarithmic)
    parts = [grid(along, upright, across, label, tick, _power_of_ten if logarithmic else "{:g}".format)]
    for index, line in enumerate(shown):
        parts.append(_line(line, STYLES[index], along, upright, text, logarithmic=logarithmic))
        parts.append(legend(shortened(line.name, 52), STYLES[index], LEFT, _TOP + _LEGEND_ROW * index + 6))
    height = bottom + BOTTOM
    names = ", ".join(line.name for line in shown)
    svg = tag("svg", *parts, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=f"{title}: {label} of {names}")
    return tag("figure", tag("h3", title), svg, class_="chart")


def _along(positions: Sequence[float], *, logarithmic: bool) -> Axis:
    if logarithmic:
        low, high = math.log10(min(positions)), math.log10(max(positions))
        ticks = tuple(float(tick) for tick in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    else:
        low, high = min(positions), max(positions)
        smallest = float(all(float(at).is_integer() for at in positions))
        marks = nice_ticks(low, high, most=6, smallest=smallest)
        ticks = tuple(mark for mark in marks if low - 1e-9 <= mark <= high + 1e-9)
    high = high if high > low else low + 1
    return Axis(low=low, high=high, start=LEFT + 8, stop=WIDTH - RIGHT - 12, ticks=ticks)


def _power_of_ten(exponent: float) -> str:
    return f"{10**exponent:,.0f}"


def _line(  # one caller
    line: Line, style: str, along: Axis, upright: Axis, text: Text, *, logarithmic: bool
) -> Html:
    def position(value: PlottedValue) -> tuple[float, float]:
        return along.at(math.log10(value.at) if logarithmic else value.at), upright.at(value.value)

    parts = [path([position(value) for value in line.points], f"line {style}")]
    if line.beyond:
        ends = [position(value) for value in (*line.points[-1:], *line.beyond)]
        parts.append(path(ends, f"line {style} beyond"))
    every = (*line.points, *line.beyond)
    for value in every if len(every) <= _MOST_MARKERS else ():
        x, y = position(value)
        hint = f"{line.name}, {value.at:g}: {text(value.value)}"
        if value.low < value.high:
            hint += f" ({text(value.low)} to {text(value.high)})"
            low, high = upright.at(value.low), upright.at(value.high)
            parts.append(tag("line", x1=x, x2=x, y1=low, y2=high, class_=f"whisker {style}"))
        parts.append(marker(style, x, y, hint))
    return joined(*parts)
