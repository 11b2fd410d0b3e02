"""A layout as the classic diagram: maps as planes, with the layers between them."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.layers.planned import PlannedLayer
from convscope.networks.plan import Plan
from convscope.networks.stages import ConnectedStage, ConvolutionStage, PoolingStage

from .style import Theme, drawing, figure

MOST_PLANES = 8
_COLUMN, _TALLEST = 1.9, 1.1  # inches


def draw_layout(planned: Plan, *, theme: Theme) -> Figure:
    """Return the diagram of a network: image, the maps of every layer as planes, and the classifier.

    Planes are as large as their maps (by the square root of the side, so that small ones stay visible); of more than
    eight maps, eight are drawn. Number and size are above, the layer is below, and at each arrow is the kernel or
    window of one value.

    Args:
        planned: the network; trained or not.
        theme: the colors.
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
        for index, layer in enumerate(planned.layers):
            center = (index + 1) * _COLUMN
            _arrow(axes, center - 0.5 * _COLUMN, _seen(planned, index), theme)
            last = index == len(planned.layers) - 1
            if _is_vector(planned, index):
                _units(axes, center, layer.maps, theme)
                above = f"{layer.maps:,} {'classes' if last else 'units'}"
            else:
                _planes(axes, center, layer.maps, (layer.rows / largest, layer.columns / largest), theme)
                above = f"{layer.maps:,} @ {layer.columns}×{layer.rows}"
            _write(axes, center, above, _words(planned, index), theme)
        total = f"{planned.layout}: {planned.parameters:,} parameters, {planned.macs:,} MACs an image"
        drawn.suptitle(total, x=0.01, ha="left", fontsize=11)
    return drawn


def _is_vector(planned: Plan, index: int) -> bool:
    stages = planned.layout.stages
    return index == len(stages) or isinstance(stages[index], ConnectedStage)


def _words(planned: Plan, index: int) -> str:
    """Return the text below the planes of layer `index`."""
    layer, stages = planned.layers[index], planned.layout.stages
    if index == len(stages):
        return f"{layer.name}\nclassifier\n{layer.parameters:,} parameters"
    stage = stages[index]
    if isinstance(stage, ConvolutionStage):
        stride = f", every {stage.stride}" if stage.stride > 1 else ""
        added = ", input added" if stage.residual else ""
        return f"{layer.name}\n{_sharing(stage)}{stride}{added}\n{layer.parameters:,} parameters"
    if isinstance(stage, PoolingStage):
        window = "the whole map" if stage.window is None else f"{stage.window}×{stage.window}"
        return f"{layer.name}\n{stage.kind.name} of {window}\nsees {_field(layer)} pixels"
    return f"{layer.name}\nfully connected\n{layer.parameters:,} parameters"


def _sharing(stage: ConvolutionStage) -> str:
    """Return the weight sharing of a convolution."""
    if stage.regions == 1:
        return "convolution"
    return "locally connected" if stage.regions is None else f"shared in {stage.regions}×{stage.regions} regions"


def _seen(planned: Plan, index: int) -> str:
    """Return the size of the kernel or window of layer `index`."""
    if _is_vector(planned, index):
        return "all"
    stage = planned.layout.stages[index]
    size = stage.patch if isinstance(stage, ConvolutionStage) else getattr(stage, "window", None)
    return "map" if size is None else f"{size}×{size}"


def _field(layer: PlannedLayer) -> str:
    return f"{layer.field_columns.size}×{layer.field_rows.size}"


def _planes(axes: Axes, center: float, maps: int, sides: tuple[float, float], theme: Theme) -> None:
    """Draw the maps one behind another; `sides` are relative to the largest map."""
    height, width = (_TALLEST * side**0.5 for side in sides)
    count = min(maps, MOST_PLANES)
    offset = min(0.07, 0.35 / count)
    for index in reversed(range(count)):
        shift = (index - (count - 1) / 2) * offset
        corner = (center - width / 2 + shift, -height / 2 + shift)
        axes.add_patch(Rectangle(corner, width, height, facecolor=theme.paper, edgecolor=theme.series[0], linewidth=1))


def _units(axes: Axes, center: float, units: int, theme: Theme) -> None:
    """Draw a column of small squares."""
    count = min(units, 12)
    side = _TALLEST / 12
    for index in range(count):
        corner = (center - side / 2, (index - count / 2) * side)
        axes.add_patch(Rectangle(corner, side * 0.85, side * 0.85, facecolor=theme.series[1], edgecolor=theme.paper))


def _arrow(axes: Axes, center: float, size: str, theme: Theme) -> None:
    """Draw an arrow with the size of the kernel or window above it."""
    style = {"arrowstyle": "->", "color": theme.quiet}
    axes.annotate("", (center + 0.13, 0), (center - 0.13, 0), arrowprops=style)
    axes.text(center, 0.08, size, ha="center", va="bottom", fontsize=7, color=theme.quiet)


def _write(axes: Axes, center: float, above: str, below: str, theme: Theme) -> None:
    axes.text(center, 1.1, above, ha="center", va="bottom", fontweight="bold")
    axes.text(center, -1.0, below, ha="center", va="top", fontsize=8, color=theme.quiet, linespacing=1.4)
