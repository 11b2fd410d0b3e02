"""Parts of the charts of a page, as SVG: axes with their grid, lines, marks and legends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convscope.core.markup import Html, joined, tag

Text = Callable[[float], str]
WIDTH, HEIGHT = 440, 270
LEFT, RIGHT, BOTTOM = 58, 14, 46


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


def grid(  # noqa: PLR0917  # the two axes, and the words for each
    along: Axis, upright: Axis, across: str, label: str, text: Text, mark_text: Text = "{:g}".format
) -> Html:
    """Return the lines, marks and names of both axes.

    Args:
        along: the axis at the bottom.
        upright: the axis at the side, which starts at the bottom.
        across: what `along` shows, and its unit.
        label: what `upright` shows, and its unit.
        text: of a mark at the side.
        mark_text: of a mark at the bottom.
    """
    bottom = upright.start
    parts = []
    for mark in upright.ticks:
        y = upright.at(mark)
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", text(mark), x=LEFT - 6, y=y + 4, text_anchor="end"))
    for mark in along.ticks:
        x = along.at(mark)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(tag("text", mark_text(mark), x=x, y=bottom + 19, text_anchor="middle"))
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"))
    center = (LEFT + WIDTH - RIGHT) / 2
    parts.append(tag("text", across, x=center, y=bottom + 38, text_anchor="middle", class_="label"))
    parts.append(tag("text", label, x=4, y=14, class_="label"))
    return joined(*parts)


def path(positions: Sequence[tuple[float, float]], style: str) -> Html:
    """Return a line through positions in pixels; `style` is its class."""
    return tag("polyline", points=" ".join(f"{x},{y}" for x, y in positions), class_=style)


def marker(style: str, x: float, y: float, hint: str | None = None) -> Html:
    """Return the mark of a line: a shape of its own, so that color is not needed to tell them apart."""
    content = (tag("title", hint),) if hint else ()
    name = f"marker {style}"
    if style == "first":
        return tag("circle", *content, cx=x, cy=y, r=3.5, class_=name)
    if style == "second":
        return tag("rect", *content, x=x - 3.2, y=y - 3.2, width=6.4, height=6.4, class_=name)
    corners = {
        "third": ((0, -4.5), (4.3, 3.5), (-4.3, 3.5)),
        "fourth": ((0, -5), (4.2, 0), (0, 5), (-4.2, 0)),
        "fifth": ((0, 4.5), (4.3, -3.5), (-4.3, -3.5)),
    }[style]
    points = " ".join(f"{round(x + right, 1)},{round(y + down, 1)}" for right, down in corners)
    return tag("polygon", *content, points=points, class_=name)


def legend(name: str, style: str, x: float, y: float) -> Html:
    """Return a short piece of a line with its mark at (x, y), and its name."""
    line = tag("line", x1=x, x2=x + 30, y1=y, y2=y, class_=f"line {style}")
    return joined(line, marker(style, x + 15, y), tag("text", name, x=x + 38, y=y + 4))
