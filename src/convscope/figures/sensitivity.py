"""The sensitivity of each layer's maps to a distortion, and how much of the change is movement."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from convscope.measures.invariance_record import Curve, Invariance, LayerChange

from .panels import draw_panels
from .style import Theme, short_name

_LONGEST_NAME = 30


def draw_sensitivity(invariance: Invariance, curves: Sequence[Curve], *, theme: Theme) -> Figure:
    """Return a chart for each distortion: the change of each layer's maps, and the distance after moving them along.

    Both are fractions of the distance between two different images. A mark shows the same where no edge is seen.

    Args:
        invariance: the measurement.
        curves: the distortions to draw, each at one small strength.
        theme: the colours.
    """
    first, second = theme.series[:2]
    mark: dict[str, Any] = {"marker": "|", "markersize": 11, "markeredgewidth": 2.5, "linestyle": ""}
    legend = [
        (Patch(color=first), "changed: distance to the clean maps"),
        (Patch(color=second), "really changed: distance to the clean maps moved along"),
        (Line2D([], [], color=theme.ink, **mark), "the same where no edge is seen"),
    ]
    return draw_panels(
        invariance,
        curves,
        lambda axes, curve: _chart(axes, invariance, curve, theme),
        height=0.55 + 0.36 * len(invariance.shown_layers),
        title="Sensitivity of each layer",
        legend=legend,
        theme=theme,
    )


def _chart(axes: Axes, invariance: Invariance, curve: Curve, theme: Theme) -> None:
    point = invariance.shown(curve)
    shown = invariance.shown_layers
    for row, layer in enumerate(point.layers[one.index] for one in shown):
        for value, inside, colour, offset in _bars(layer, theme):
            if value is not None:
                axes.barh(row + offset, 100 * value, height=0.34, color=colour)
                axes.text(100 * value + 2, row + offset, f"{100 * value:.0f} %", va="center", fontsize=6.5)
            if inside is not None:
                axes.plot([100 * inside], [row + offset], "|", color=theme.ink, markersize=7, markeredgewidth=2)
    names = [f"{one.stage}: {one.name}" if one.stage else short_name(one.name, _LONGEST_NAME) for one in shown]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(125.0, 120 * max((layer.changed or 0) for layer in point.layers)))
    axes.set_title(curve.at(point))
    axes.set_xlabel("of the distance between two images (%)", fontsize=7)
    axes.grid(visible=True, axis="x", linewidth=0.6)
    axes.set_axisbelow(True)


def _bars(layer: LayerChange, theme: Theme) -> tuple[tuple[float | None, float | None, str, float], ...]:
    """Return value, value inside, colour and offset of both bars of a layer."""
    first, second = theme.series[:2]
    return (
        (layer.changed, layer.changed_inside, first, -0.19),
        (layer.residual, layer.residual_inside, second, 0.19),
    )
