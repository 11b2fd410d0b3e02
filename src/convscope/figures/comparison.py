"""Figures of a comparison: all variants, accuracy by strength of distortions, and error by number of images."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convscope.core.text import counted
from convscope.measures.comparison.learning_curve import CurvePoint, fit_power_law, points_of
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.comparison.variants import BASELINE
from convscope.measures.distortions.family import title_of

from .style import Theme, drawing, figure

_STYLES = (("o", "-"), ("s", "--"), ("^", ":"), ("D", "-."), ("v", "-"))


def draw_variants(comparison: Comparison, *, theme: Theme) -> Figure | None:
    """Return accuracy of every variant with its interval, the best on top; None with fewer than two."""
    results = sorted(comparison.measured, key=lambda result: result.accuracy)
    if len(results) < 2:
        return None
    with drawing(theme):
        drawn = figure(8.5, 1.0 + 0.27 * len(results), theme)
        axes = drawn.subplots()
        for row, result in enumerate(results):
            low, high = result.interval
            color = theme.series[0] if result.variant == BASELINE else theme.quiet
            axes.plot([100 * low, 100 * high], [row, row], color=color, linewidth=1.5)
            axes.plot([100 * result.accuracy], [row], "o", color=color, markersize=5)
        axes.set_yticks(range(len(results)), [result.title for result in results])
        images = counted(comparison.test_images, "image")
        axes.set_xlabel(f"accuracy (%), 95 % intervals, {images} of {comparison.data}")
        axes.grid(visible=True, axis="x", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(-0.6, len(results) - 0.4)
    return drawn


def draw_distorted(comparison: Comparison, *, theme: Theme) -> Figure | None:
    """Return accuracy by strength of each distortion; None if none was measured."""
    results, names = comparison.drawn("distorted"), comparison.distortions
    if not results:
        return None
    rows = -(-len(names) // 3)
    with drawing(theme):
        drawn = figure(9.5, 0.5 + 2.7 * rows, theme)
        panels = list(drawn.subplots(rows, 3, squeeze=False).flat)
        for axes, (name, unit) in zip(panels, names, strict=False):
            for series, result in enumerate(results):
                points = [(point.strength, point.accuracy, *point.interval) for point in result.points(name)]
                _draw(axes, points, result.title, series, theme)
            _finish(axes, title_of(name), f"strength ({unit})")
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return drawn


def draw_learning_curves(comparison: Comparison, *, theme: Theme) -> Figure | None:
    """Return error by number of training images, both logarithmic, with power laws; None if not measured."""
    results = comparison.drawn("curve")
    if not results:
        return None
    with drawing(theme):
        drawn = figure(7.0, 4.4, theme)
        axes = drawn.subplots()
        for series, result in enumerate(results):
            _draw_curve(axes, result, comparison, series, theme)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        across = "training images per class" if comparison.each else "training images"
        _finish(axes, "Error by number of training images", across, label="error (%)")
        axes.legend(frameon=False, fontsize=8, labelcolor=theme.ink)
    return drawn


def _draw_curve(axes: Axes, result: VariantResult, comparison: Comparison, series: int, theme: Theme) -> None:
    points: Sequence[CurvePoint] = points_of(result)
    evaluated, divisor = comparison.test_images, comparison.curve_divisor
    smallest = 50 / evaluated  # half an image in per cent: 0 has no logarithm
    rows = [
        (point.images, *(max(smallest, 100 * (1 - end)) for end in (point.accuracy, *point.interval)))
        for point in points
    ]
    color, (marker, style) = theme.series[series], _STYLES[series]
    sizes = [row[0] / divisor for row in rows]
    axes.plot(sizes, [row[1] for row in rows], marker + style, color=color, markersize=4, label=result.title)
    axes.vlines(sizes, [row[3] for row in rows], [row[2] for row in rows], color=color, linewidth=1)
    law = fit_power_law(points, test_images=evaluated)
    if law is not None and law.falls:
        twice = 2 * law.images / divisor
        axes.plot([sizes[-1], twice], [rows[-1][1], 100 * law.at_twice], ":", color=color, linewidth=1)
        axes.vlines([twice], [100 * law.at_twice_low], [100 * law.at_twice_high], color=color, linewidth=1)


def _draw(axes: Axes, rows: Sequence[tuple[float, float, float, float]], name: str, series: int, theme: Theme) -> None:
    color, (marker, style) = theme.series[series], _STYLES[series]
    across = [row[0] for row in rows]
    axes.plot(across, [100 * row[1] for row in rows], marker + style, color=color, markersize=3, label=name)
    axes.fill_between(
        across, [100 * row[2] for row in rows], [100 * row[3] for row in rows], color=color, alpha=0.15, linewidth=0
    )


def _finish(axes: Axes, title: str, across: str, *, label: str = "accuracy (%)") -> None:
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(label)
    axes.grid(visible=True, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


class Draw(Protocol):
    """Draws a comparison; returns None if it lacks the data."""

    def __call__(self, comparison: Comparison, *, theme: Theme) -> Figure | None:
        """Return the figure."""


FIGURES: dict[str, Draw] = {"variants": draw_variants, "distorted": draw_distorted, "images": draw_learning_curves}
"""Figures of a comparison, by the name of the file."""
