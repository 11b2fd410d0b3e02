"""A layout as the classic diagram: maps as planes, with what lies between them written below."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.layers.convolution import Connected, Convolution
from convscope.layers.planned import PlannedLayer
from convscope.layers.pooling import Pooling
from convscope.networks.plan import Plan

from .style import Theme, drawing, figure

MOST_PLANES = 8
_COLUMN, _TALLEST = 1.9, 1.1  # inches


def draw_layout(planned: Plan, *, theme: Theme) -> Figure:
    """Return the diagram of a network: image, the maps of every layer as planes, and the classifier.

    Planes are as large as their maps (by the root of the side, so that small ones are still seen); of more than eight
    maps, eight are drawn. Above stands how many there are and how large they are, below what makes them, at each arrow
    the patch or window that one value sees.

    Args:
        planned: the network; it need not be trained.
        theme: the colours.
    """
    with drawing(theme):
        drawn = figure((len(planned.layers) + 1) * _COLUMN + 0.4, 3.3, theme)
        axes = drawn.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(-0.9, (len(planned.layers) + 0.5) * _COLUMN)
        axes.set_ylim(-1.75, 1.5)
        axes.set_aspect("equal")
        largest = max(planned.height, planned.width)
        _planes(axes, 0.0, planned.channels, (planned.height / largest, planned.width / largest), theme)
        image = f"{planned.channels} @ {planned.width}×{planned.height}"
        _write(axes, 0.0, image, "the image", theme)
        for place, layer in enumerate(planned.layers, start=1):
            middle = place * _COLUMN
            _arrow(axes, middle - 0.5 * _COLUMN, _seen(planned, place - 1), theme)
            last = place == len(planned.layers)
            if _is_vector(planned, place - 1):
                _units(axes, middle, layer.maps, theme)
                above = f"{layer.maps:,} {'classes' if last else 'units'}"
            else:
                _planes(axes, middle, layer.maps, (layer.rows / largest, layer.columns / largest), theme)
                above = f"{layer.maps:,} @ {layer.columns}×{layer.rows}"
            _write(axes, middle, above, _words(planned, place - 1), theme)
        total = f"{planned.layout}: {planned.parameters:,} parameters, {planned.macs:,} MACs an image"
        drawn.suptitle(total, x=0.01, ha="left", fontsize=11)
    return drawn


def _is_vector(planned: Plan, place: int) -> bool:
    stages = planned.layout.stages
    return place == len(stages) or isinstance(stages[place], Connected)


def _words(planned: Plan, place: int) -> str:
    """Return what layer `place` does, in lines below its planes."""
    layer, stages = planned.layers[place], planned.layout.stages
    if place == len(stages):
        return f"{layer.name}\nclassifier\n{layer.parameters:,} parameters"
    stage = stages[place]
    if isinstance(stage, Convolution):
        stride = f", every {stage.stride}" if stage.stride > 1 else ""
        added = ", input added" if stage.residual else ""
        return f"{layer.name}\n{_sharing(stage)}{stride}{added}\n{layer.parameters:,} parameters"
    if isinstance(stage, Pooling):
        window = "the whole map" if stage.window is None else f"{stage.window}×{stage.window}"
        return f"{layer.name}\n{stage.kind.name} of {window}\nsees {_field(layer)} pixels"
    return f"{layer.name}\nfully connected\n{layer.parameters:,} parameters"


def _sharing(stage: Convolution) -> str:
    """Return where a unit of a stage is copied to."""
    if stage.regions == 1:
        return "convolution"
    return "own units at each place" if stage.regions is None else f"shared in {stage.regions}×{stage.regions} regions"


def _seen(planned: Plan, place: int) -> str:
    """Return what one value of layer `place` sees of the maps below: the size of the patch or window."""
    if _is_vector(planned, place):
        return "all"
    stage = planned.layout.stages[place]
    size = stage.patch if isinstance(stage, Convolution) else getattr(stage, "window", None)
    return "map" if size is None else f"{size}×{size}"


def _field(layer: PlannedLayer) -> str:
    return f"{layer.field_columns.size}×{layer.field_rows.size}"


def _planes(axes: Axes, middle: float, maps: int, shares: tuple[float, float], theme: Theme) -> None:
    """Draw the maps behind each other, the first in front; `shares` are their sides as parts of the largest one."""
    height, width = (_TALLEST * share**0.5 for share in shares)
    count = min(maps, MOST_PLANES)
    offset = min(0.07, 0.35 / count)
    for place in reversed(range(count)):
        shift = (place - (count - 1) / 2) * offset
        corner = (middle - width / 2 + shift, -height / 2 + shift)
        axes.add_patch(Rectangle(corner, width, height, facecolor=theme.paper, edgecolor=theme.series[0], linewidth=1))


def _units(axes: Axes, middle: float, units: int, theme: Theme) -> None:
    """Draw a column of small squares."""
    count = min(units, 12)
    side = _TALLEST / 12
    for place in range(count):
        corner = (middle - side / 2, (place - count / 2) * side)
        axes.add_patch(Rectangle(corner, side * 0.85, side * 0.85, facecolor=theme.series[1], edgecolor=theme.paper))


def _arrow(axes: Axes, middle: float, size: str, theme: Theme) -> None:
    """Draw an arrow with the size of what one value sees above it."""
    style = {"arrowstyle": "->", "color": theme.quiet}
    axes.annotate("", (middle + 0.13, 0), (middle - 0.13, 0), arrowprops=style)
    axes.text(middle, 0.08, size, ha="center", va="bottom", fontsize=7, color=theme.quiet)


def _write(axes: Axes, middle: float, above: str, below: str, theme: Theme) -> None:
    axes.text(middle, 1.1, above, ha="center", va="bottom", fontweight="bold")
    axes.text(middle, -1.0, below, ha="center", va="top", fontsize=8, color=theme.quiet, linespacing=1.4)
