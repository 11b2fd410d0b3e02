"""The patches with the largest activations of each unit of a layer."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from convscope.core.errors import DataError
from convscope.core.text import counted, printable
from convscope.measures.units.patches import pixels_of
from convscope.measures.units.records import LayerUnits, UnitRecord, UnitsRecord

from .style import Theme, bare, drawing, figure

MOST_UNITS, MOST_PATCHES = 32, 9
_TILE = 0.62  # inches


def draw_patches(record: UnitsRecord, layer: LayerUnits, *, theme: Theme) -> Figure:
    """Return a row for each unit, in two columns: its number, and its top patches in descending order.

    Args:
        record: of the units.
        layer: one of its layers.
        theme: the colors.

    Raises:
        DataError: the record has no pixels of this layer's patches.
    """
    count = min(len(layer.units), MOST_UNITS)
    most = max((sum(bool(top.png) for top in unit.top) for unit in layer.units[:count]), default=0)
    if most == 0:
        raise DataError(
            f"The record must hold patches of layer {layer.layer}, {layer.name}. Got none. Measure it again."
        )
    across = min(most, MOST_PATCHES)
    down = -(-count // 2)
    with drawing(theme):
        drawn = figure(2 * (across + 1.2) * _TILE + 0.6, down * (_TILE + 0.2) + 1.0, theme)
        grid = GridSpec(down, 2 * across + 3, figure=drawn)
        for index, unit in enumerate(layer.units[:count]):
            side, row = divmod(index, down)
            start = side * (across + 2)
            _say(drawn.add_subplot(grid[row, start]), unit, theme)
            for column, top in enumerate(unit.top[:across], start=start + 1):
                pixels = pixels_of(top)
                if pixels is not None:
                    axes = drawn.add_subplot(grid[row, column])
                    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
                    axes.set_title(f"{top.value:.2g}", fontsize=6, pad=1.5, loc="center", color=theme.quiet)
                    bare(axes, theme)
        drawn.suptitle(_title(record, layer, count), x=0.01, ha="left", fontsize=10, parse_math=False)
    return drawn


def _say(axes: Axes, unit: UnitRecord, theme: Theme) -> None:
    axes.set_axis_off()
    axes.text(1, 0.62, f"unit {unit.unit + 1}", ha="right", va="center", fontsize=7.5, transform=axes.transAxes)
    if not unit.top:
        axes.text(1, 0.2, "is silent", ha="right", va="center", fontsize=6, color=theme.quiet, transform=axes.transAxes)


def _title(record: UnitsRecord, layer: LayerUnits, count: int) -> str:
    size = f"{layer.field_columns.size}×{layer.field_rows.size}"
    subset = f", the first {count}" if count < len(layer.units) else ""
    return (
        f"Layer {layer.layer}, {layer.name}: {counted(len(layer.units), 'unit')}{subset}, each with its top patches of "
        f"{size} pixels\nand its activation there; at most one from each of {counted(record.images, 'image')} of "
        f"{printable(record.data)}"
    )
