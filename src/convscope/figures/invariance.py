"""Robustness: accuracy with its interval by strength, for each distortion."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from convscope.measures.distortions.family import title_of
from convscope.measures.invariance_record import Curve, Invariance
from convscope.measures.robustness import FRACTIONS

from .panels import draw_panels
from .style import Theme


def draw_invariance(invariance: Invariance, curves: Sequence[Curve], *, theme: Theme) -> Figure:
    """Return a chart for each distortion: accuracy by strength with its 95 % interval, and unchanged predictions.

    Three thin lines show 95 %, 90 % and 50 % of the clean accuracy.

    Args:
        invariance: the measurement.
        curves: the distortions to draw.
        theme: the colours.
    """
    first, second = theme.series[:2]
    legend = [
        (Line2D([], [], color=first, marker="o", markersize=5, linewidth=2.5), "accuracy"),
        (Patch(color=first, alpha=0.2, linewidth=0), "its 95 % interval (Wilson)"),
        (Line2D([], [], color=second, marker="s", markersize=3, linestyle="--"), "same prediction as when clean"),
        (Line2D([], [], color=theme.quiet, linestyle=":"), "95 %, 90 % and 50 % of the clean accuracy"),
    ]
    return draw_panels(
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
