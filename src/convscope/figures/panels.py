"""Small charts in a grid, one for each distortion."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convscope.core.text import counted
from convscope.measures.invariance_record import Curve, Invariance

from .style import Theme, drawing, figure

ACROSS = 3
_WIDTH, _LEGEND = 3.9, 1.05  # inches


def draw_panels(
    invariance: Invariance,
    curves: Sequence[Curve],
    draw: Callable[[Axes, Curve], None],
    *,
    height: float,
    title: str,
    legend: Sequence[tuple[object, str]],
    theme: Theme,
) -> Figure:
    """Return the charts of some distortions, three in a row, with one legend for all.

    Args:
        invariance: the measurement.
        curves: the distortions.
        draw: draws one distortion.
        height: of a chart, in inches.
        title: of the figure.
        legend: handles and labels.
        theme: the colours.
    """
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
