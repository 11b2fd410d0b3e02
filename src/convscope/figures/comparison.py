"""A comparison as figures: all kinds as dots, accuracy by strength of distortions, and by number of images."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convscope.core.text import counted
from convscope.measures.comparison.curves import curves_by_images, curves_by_strength
from convscope.measures.comparison.growth import CurvePoint, fit_power_law, points_of
from convscope.measures.comparison.kinds import BASE
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import TITLES, UNITS

from .style import Theme, drawing, figure

_STYLES = (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."))


def draw_kinds(found: Comparison, *, theme: Theme) -> Figure | None:
    """Return accuracy of every kind with its interval, the best first; None where fewer than two were measured."""
    entries = sorted(found.measured, key=lambda entry: entry.accuracy)
    if len(entries) < 2:
        return None
    with drawing(theme):
        drawn = figure(8.5, 1.0 + 0.27 * len(entries), theme)
        axes = drawn.subplots()
        for place, entry in enumerate(entries):
            low, high = entry.interval
            colour = theme.series[0] if entry.kind == BASE else theme.quiet
            axes.plot([100 * low, 100 * high], [place, place], color=colour, linewidth=1.5)
            axes.plot([100 * entry.accuracy], [place], "o", color=colour, markersize=5)
        axes.set_yticks(range(len(entries)), [entry.title for entry in entries])
        axes.set_xlabel(f"right (%), 95 % intervals, {counted(found.test_images, 'image')} of {found.data}")
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(-0.6, len(entries) - 0.4)
    return drawn


def draw_distorted(found: Comparison, *, theme: Theme) -> Figure | None:
    """Return accuracy by strength of each distortion; None where none was measured."""
    entries, names = curves_by_strength(found), found.distortions
    if not entries:
        return None
    rows = -(-len(names) // 3)
    with drawing(theme):
        drawn = figure(9.5, 0.5 + 2.7 * rows, theme)
        panels = list(drawn.subplots(rows, 3, squeeze=False).flat)
        for axes, (name, unit) in zip(panels, names, strict=False):
            for place, entry in enumerate(entries):
                points = entry.points(name)
                rows_ = [(one.value, one.accuracy, *one.interval) for one in points]
                _draw(axes, rows_, entry.title, place, theme)
            _finish(axes, TITLES.get(name, name), f"strength ({UNITS.get(unit, unit)})")
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return drawn


def draw_growth(found: Comparison, *, theme: Theme) -> Figure | None:
    """Return error by number of training images, both logarithmic, with the power laws; None where not measured."""
    entries = curves_by_images(found)
    if not entries:
        return None
    with drawing(theme):
        drawn = figure(7.0, 4.4, theme)
        axes = drawn.subplots()
        for place, entry in enumerate(entries):
            _grow(axes, entry, points_of(entry), found.test_images, place, theme)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        _finish(axes, "Error by number of training images", "training images", label="wrong (%)")
        axes.legend(frameon=False, fontsize=8, labelcolor=theme.ink)
    return drawn


def _grow(  # noqa: PLR0917  # one place calls it
    axes: Axes, entry: Entry, points: Sequence[CurvePoint], evaluated: int, place: int, theme: Theme
) -> None:
    smallest = 50 / evaluated  # half an image in per cent: a logarithm has no place for 0
    rows = [(one.images, *(max(smallest, 100 * (1 - end)) for end in (one.accuracy, *one.interval))) for one in points]
    colour, (marker, style) = theme.series[place], _STYLES[place]
    sizes = [row[0] for row in rows]
    axes.plot(sizes, [row[1] for row in rows], marker + style, color=colour, markersize=4, label=entry.title)
    axes.vlines(sizes, [row[3] for row in rows], [row[2] for row in rows], color=colour, linewidth=1)
    law = fit_power_law(points, test_images=evaluated)
    if law is not None and law.falls:
        twice = 2 * law.images
        axes.plot([sizes[-1], twice], [rows[-1][1], 100 * law.at_twice], ":", color=colour, linewidth=1)
        axes.vlines([twice], [100 * law.at_twice_low], [100 * law.at_twice_high], color=colour, linewidth=1)


def _draw(axes: Axes, rows: Sequence[tuple[float, float, float, float]], name: str, place: int, theme: Theme) -> None:
    colour, (marker, style) = theme.series[place], _STYLES[place]
    across = [row[0] for row in rows]
    axes.plot(across, [100 * row[1] for row in rows], marker + style, color=colour, markersize=3, label=name)
    axes.fill_between(
        across, [100 * row[2] for row in rows], [100 * row[3] for row in rows], color=colour, alpha=0.15, linewidth=0
    )


def _finish(axes: Axes, title: str, across: str, *, label: str = "right (%)") -> None:
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(label)
    axes.grid(visible=True, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


class Draw(Protocol):
    """Draws a comparison; None where there is nothing of the kind in it."""

    def __call__(self, found: Comparison, *, theme: Theme) -> Figure | None:
        """Return the figure."""


FIGURES: dict[str, Draw] = {"kinds": draw_kinds, "distorted": draw_distorted, "images": draw_growth}
"""What is drawn of a comparison, by the name of the file."""
