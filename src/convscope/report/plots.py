"""Charts of measured values with their intervals, as SVG: rows of dots, and lines by strength or number."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convscope.core.markup import Html, joined, tag
from convscope.core.text import shortened

from .curves import Axis, nice_ticks

Text = Callable[[float], str]
STYLES = ("first", "second", "third", "fourth")
_WIDTH, _HEIGHT = 440, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 24, 46
_DOTS_WIDTH, _NAME, _ROW, _CHARACTERS = 720, 270, 24, 38
_LEGEND_ROW = 18


@dataclass(frozen=True, kw_only=True)
class Value:
    """A measured value with its position along a chart and the ends of its interval."""

    at: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class DotRow:
    """One row of a chart of dots: name and value; `marked` is what the others are compared with."""

    name: str
    value: Value
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart: its name, its points in order, and points beyond them that are only reckoned."""

    name: str
    points: tuple[Value, ...]
    beyond: tuple[Value, ...] = ()


def dots(rows: Sequence[DotRow], *, label: str, text: Text, tick: Text, said: str) -> Html:
    """Return values as dots in rows, with their intervals as whiskers; `said` is what it shows, in words."""
    ends = [end for row in rows for end in (row.value.low, row.value.high)]
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
    middle = (along.start + along.stop) / 2
    parts.append(tag("text", label, x=middle, y=height - 8, text_anchor="middle", class_="label"))
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
    return joined(
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
    logarithmic: bool = False,
) -> Html:
    """Return lines by a number, each value with its interval; at most four lines.

    Args:
        series: the lines.
        title: of the chart.
        across: what the number is, and its unit.
        label: what the values are, and their unit.
        text: of a value.
        tick: of a mark at the side.
        logarithmic: equal distances are equal ratios, along the chart.
    """
    shown = series[: len(STYLES)]
    top = _TOP + _LEGEND_ROW * len(shown)
    bottom = _HEIGHT - _BOTTOM + _LEGEND_ROW * len(shown)
    every = [value for line in shown for value in (*line.points, *line.beyond)]
    marks = nice_ticks(max(0.0, min(value.low for value in every)), max(value.high for value in every))
    upright = Axis(low=marks[0], high=marks[-1], start=bottom, stop=top, ticks=marks)
    along = _along([value.at for value in every], logarithmic=logarithmic)
    parts = [_grid(along, upright, across, label, tick, bottom, logarithmic=logarithmic)]
    for index, line in enumerate(shown):
        parts.append(_line(line, STYLES[index], along, upright, text, logarithmic=logarithmic))
        parts.append(_legend(line.name, STYLES[index], _TOP + _LEGEND_ROW * index + 6))
    height = bottom + _BOTTOM
    names = ", ".join(line.name for line in shown)
    svg = tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=f"{title}: {label} of {names}")
    return tag("figure", tag("h3", title), svg, class_="chart")


def _along(positions: Sequence[float], *, logarithmic: bool) -> Axis:
    if logarithmic:
        low, high = math.log10(min(positions)), math.log10(max(positions))
        ticks = tuple(float(tick) for tick in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    else:
        low, high = min(positions), max(positions)
        ticks = tuple(mark for mark in nice_ticks(low, high, most=6) if low - 1e-9 <= mark <= high + 1e-9)
    high = high if high > low else low + 1
    return Axis(low=low, high=high, start=_LEFT + 8, stop=_WIDTH - _RIGHT - 12, ticks=ticks)


def _grid(  # noqa: PLR0917  # one caller
    along: Axis,
    upright: Axis,
    across: str,
    label: str,
    text: Text,
    bottom: float,
    *,
    logarithmic: bool,
) -> Html:
    parts = []
    for mark in upright.ticks:
        y = upright.at(mark)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", text(mark), x=_LEFT - 6, y=y + 4, text_anchor="end"))
    for mark in along.ticks:
        x = along.at(mark)
        shown = f"{10**mark:,.0f}" if logarithmic else f"{mark:g}"
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(tag("text", shown, x=x, y=bottom + 19, text_anchor="middle"))
    parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=bottom, y2=bottom, class_="axis"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(tag("text", across, x=middle, y=bottom + 38, text_anchor="middle", class_="label"))
    parts.append(tag("text", label, x=4, y=14, class_="label"))
    return joined(*parts)


def _line(  # one caller
    line: Line, style: str, along: Axis, upright: Axis, text: Text, *, logarithmic: bool
) -> Html:
    def position(value: Value) -> tuple[float, float]:
        return along.at(math.log10(value.at) if logarithmic else value.at), upright.at(value.value)

    parts = [_path([position(value) for value in line.points], f"line {style}")]
    if line.beyond:
        ends = [position(value) for value in (*line.points[-1:], *line.beyond)]
        parts.append(_path(ends, f"line {style} beyond"))
    for value in (*line.points, *line.beyond):
        x, y = position(value)
        low, high = upright.at(value.low), upright.at(value.high)
        hint = f"{line.name}, {value.at:g}: {text(value.value)} ({text(value.low)} to {text(value.high)})"
        parts.append(tag("line", x1=x, x2=x, y1=low, y2=high, class_=f"whisker {style}"))
        parts.append(marker(style, x, y, hint))
    return joined(*parts)


def _path(positions: Sequence[tuple[float, float]], style: str) -> Html:
    return tag("polyline", points=" ".join(f"{x},{y}" for x, y in positions), class_=style)


def marker(style: str, x: float, y: float, hint: str | None = None) -> Html:
    """Return the mark of a line: a shape of its own, so that colour is not needed to tell them apart."""
    content = (tag("title", hint),) if hint else ()
    name = f"marker {style}"
    if style == "first":
        return tag("circle", *content, cx=x, cy=y, r=3.5, class_=name)
    if style == "second":
        return tag("rect", *content, x=x - 3.2, y=y - 3.2, width=6.4, height=6.4, class_=name)
    corners = {"third": ((0, -4.5), (4.3, 3.5), (-4.3, 3.5)), "fourth": ((0, -5), (4.2, 0), (0, 5), (-4.2, 0))}[style]
    points = " ".join(f"{round(x + right, 1)},{round(y + down, 1)}" for right, down in corners)
    return tag("polygon", *content, points=points, class_=name)


def _legend(name: str, style: str, y: float) -> Html:
    line = tag("line", x1=_LEFT, x2=_LEFT + 30, y1=y, y2=y, class_=f"line {style}")
    return joined(line, marker(style, _LEFT + 15, y), tag("text", shortened(name, 52), x=_LEFT + 38, y=y + 4))
