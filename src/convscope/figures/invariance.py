"""Robustness: accuracy by strength of each distortion, and how much of it reaches each layer."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from convscope.core.text import counted
from convscope.measures.distortions.family import title_of
from convscope.measures.invariance_record import Curve, Invariance, LayerChange
from convscope.measures.robustness import FRACTIONS

from .style import Theme, drawing, figure, short_name

ACROSS = 3
_WIDTH, _LEGEND = 3.9, 1.05  # inches
_LONGEST_NAME = 30


def _panels(
    invariance: Invariance,
    curves: Sequence[Curve],
    draw: Callable[[Axes, Curve], None],
    *,
    height: float,
    title: str,
    legend: Sequence[tuple[object, str]],
    theme: Theme,
) -> Figure:
    """Return the charts of some distortions, three in a row, each `height` inches high, with one legend for all."""
    across = min(ACROSS, len(curves))
    down = -(-len(curves) // across)
    with drawing(theme):
        drawn = figure(max(6.0, across * _WIDTH), down * height + _LEGEND, theme)
        every = drawn.subplots(down, across, squeeze=False).flatten()
        for axes, curve in zip(every, curves, strict=False):
            draw(axes, curve)
            axes.spines[["top", "right"]].set_visible(False)
        for axes in every[len(curves) :]:
            axes.set_axis_off()
        low, high = (100 * value for value in invariance.accuracy.interval)
        heading = (
            f"{title}\n{invariance.layout}, {counted(invariance.images, 'image')} of {invariance.data} "
            f"({invariance.split})\n"
            f"clean accuracy {100 * invariance.accuracy.fraction:.1f} % (95 % interval {low:.1f} to {high:.1f} %)"
        )
        drawn.suptitle(heading, x=0.01, ha="left", fontsize=10, parse_math=False)
        handles, names = zip(*legend, strict=True)
        drawn.legend(handles, names, loc="outside lower left", ncols=2, frameon=False, fontsize=8, labelcolor=theme.ink)
    return drawn


def draw_invariance(invariance: Invariance, curves: Sequence[Curve], *, theme: Theme) -> Figure:
    """Return a chart for each distortion: accuracy by strength with its 95 % interval, and unchanged predictions.

    Three thin lines show 95 %, 90 % and 50 % of the clean accuracy.

    Args:
        invariance: the measurement.
        curves: the distortions to draw.
        theme: the colors.
    """
    first, second = theme.series[:2]
    legend = [
        (Line2D([], [], color=first, marker="o", markersize=5, linewidth=2.5), "accuracy"),
        (Patch(color=first, alpha=0.2, linewidth=0), "its 95 % interval (Wilson)"),
        (Line2D([], [], color=second, marker="s", markersize=3, linestyle="--"), "same prediction as when clean"),
        (Line2D([], [], color=theme.quiet, linestyle=":"), "95 %, 90 % and 50 % of the clean accuracy"),
    ]
    return _panels(
        invariance,
        curves,
        lambda axes, curve: _chart(axes, invariance, curve, theme),
        height=2.3,
        title="Robustness to distortions",
        legend=legend,
        theme=theme,
    )


def _chart(axes: Axes, invariance: Invariance, curve: Curve, theme: Theme) -> None:
    first, second = theme.series[:2]
    points = sorted(
        (point.strength, point.accuracy.fraction, point.accuracy.interval, point.consistency) for point in curve.points
    )
    if all(point[0] for point in points):
        points = sorted([*points, (0.0, invariance.accuracy.fraction, invariance.accuracy.interval, 1.0)])
    strengths, accuracies, intervals, same = zip(*points, strict=True)
    low, high = zip(*intervals, strict=True)
    for fraction in FRACTIONS:
        axes.axhline(100 * fraction * invariance.accuracy.fraction, color=theme.quiet, linewidth=0.8, linestyle=":")
    axes.fill_between(strengths, _percent(low), _percent(high), color=first, alpha=0.2, linewidth=0)
    axes.plot(strengths, _percent(accuracies), "o-", color=first, markersize=5, linewidth=2.5)
    axes.plot(strengths, _percent(same), "s--", color=second, markersize=2.5, linewidth=1.2)
    axes.set_ylim(-2, 102)
    axes.set_title(title_of(curve.distortion))
    axes.set_xlabel(curve.unit)
    axes.set_ylabel("images (%)")
    axes.grid(visible=True, linewidth=0.6)


def _percent(values: Sequence[float]) -> list[float]:
    return [100 * value for value in values]


def draw_sensitivity(invariance: Invariance, curves: Sequence[Curve], *, theme: Theme) -> Figure:
    """Return a chart for each distortion: the change of each layer's maps, and the distance after moving them along.

    Both are fractions of the distance between two different images. A mark shows the same where no edge is seen.

    Args:
        invariance: the measurement.
        curves: the distortions to draw, each at one small strength.
        theme: the colors.
    """
    first, second = theme.series[:2]
    mark: dict[str, Any] = {"marker": "|", "markersize": 11, "markeredgewidth": 2.5, "linestyle": ""}
    legend = [
        (Patch(color=first), "changed: distance to the clean maps"),
        (Patch(color=second), "really changed: distance to the clean maps moved along"),
        (Line2D([], [], color=theme.ink, **mark), "the same where no edge is seen"),
    ]
    return _panels(
        invariance,
        curves,
        lambda axes, curve: _layers_chart(axes, invariance, curve, theme),
        height=0.55 + 0.36 * len(invariance.shown_layers),
        title="Sensitivity of each layer",
        legend=legend,
        theme=theme,
    )


def _layers_chart(axes: Axes, invariance: Invariance, curve: Curve, theme: Theme) -> None:
    point = invariance.shown(curve)
    shown = invariance.shown_layers
    for row, layer in enumerate(point.layers[one.index] for one in shown):
        for value, inside, color, offset in _bars(layer, theme):
            if value is not None:
                axes.barh(row + offset, value, height=0.34, color=color)
                axes.text(value + 0.02, row + offset, f"{value:.2f}", va="center", fontsize=6.5)
            if inside is not None:
                axes.plot([inside], [row + offset], "|", color=theme.ink, markersize=7, markeredgewidth=2)
    names = [f"{one.stage}: {one.name}" if one.stage else short_name(one.name, _LONGEST_NAME) for one in shown]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(1.25, 1.2 * max((layer.changed or 0) for layer in point.layers)))
    axes.set_title(curve.at(point))
    axes.set_xlabel("1: the distance between two different images", fontsize=7)
    axes.grid(visible=True, axis="x", linewidth=0.6)
    axes.set_axisbelow(True)


def _bars(layer: LayerChange, theme: Theme) -> tuple[tuple[float | None, float | None, str, float], ...]:
    """Return value, value inside, color and offset of both bars of a layer."""
    first, second = theme.series[:2]
    return (
        (layer.changed, layer.changed_inside, first, -0.19),
        (layer.residual, layer.residual_inside, second, 0.19),
    )
