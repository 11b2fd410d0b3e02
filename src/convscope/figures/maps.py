"""The feature maps of an image, one row per layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from convscope.core.text import counted
from convscope.features.trace import Maps, Trace
from convscope.layers.planned import PlannedLayer

from .style import Theme, bare, drawing, figure, scale_of, short_name

ACROSS = 10
MOST_CLASSES = 5
_LONGEST_NAME = 24
_LONGEST_ROW, _LONGEST_TITLE = 30, 14
_TILE = 0.85  # inches


def draw_maps(traced: Trace, *, theme: Theme, shown: Sequence[tuple[int, str]] | None = None) -> Figure:
    """Return the image, then a row for each layer: its name, the range of its activations, and its strongest maps.

    Of more maps than fit, those with the largest activations are drawn, with their numbers. Fully connected units are
    a strip, the classifier is a bar chart; scores for every position are maps.

    Args:
        traced: the activations of the network on one image.
        theme: the colors.
        shown: index and name of the layers that have a row; all by default. The classes are always there.
    """
    if shown is None:
        shown = [(index, f"layer {index + 1}: {layer.name}") for index, layer in enumerate(traced.layers[:-1])]
    last = len(traced.layers) - 1
    shown = [(index, name) for index, name in shown if index != last]
    rows = len(shown) + 2
    with drawing(theme):
        width, height = ACROSS * _TILE + 2.6, rows * (_TILE + 0.25) + 0.5
        drawn = figure(width, height, theme)
        drawn.set_layout_engine("none")  # it would shrink the tiles of a deep network to nothing
        edges = {"left": 0.1 / width, "right": 1 - 0.1 / width, "bottom": 0.35 / height, "top": 1 - 0.2 / height}
        grid = GridSpec(rows, ACROSS + 3, figure=drawn, wspace=0.1, hspace=0.25, **edges)
        axes = drawn.add_subplot(grid[0, 3])
        _show_image(axes, traced, theme)
        _say(drawn.add_subplot(grid[0, :3]), "the image", _size(traced.below), theme)
        for row, (index, name) in enumerate(shown, start=1):
            layer, maps = traced.layers[index], traced.maps[index]
            _say(drawn.add_subplot(grid[row, :3]), short_name(name, _LONGEST_ROW), _description(layer, maps), theme)
            if maps.shape[1:] == (1, 1):
                _show_strip(drawn.add_subplot(grid[row, 3:]), maps, theme)
            else:
                _show_maps(drawn, grid, row, maps, theme)
        if traced.maps[last].shape[1:] == (1, 1):
            _say(drawn.add_subplot(grid[rows - 1, :3]), traced.layers[-1].name, "probability of the classes", theme)
            _show_classes(drawn.add_subplot(grid[rows - 1, 5:9]), traced, theme)
        else:
            about = f"scores of the classes\n{_description(traced.layers[last], traced.maps[last])}"
            _say(drawn.add_subplot(grid[rows - 1, :3]), short_name(traced.layers[-1].name, _LONGEST_ROW), about, theme)
            _show_maps(drawn, grid, rows - 1, traced.maps[last], theme, names=traced.classes)
    return drawn


def _size(maps: Maps) -> str:
    """Return the number of maps and their size, width × height."""
    return f"{counted(len(maps), 'map')} of {maps.shape[2]}×{maps.shape[1]}"


def _description(layer: PlannedLayer, maps: Maps) -> str:
    whole = maps.shape[1:] == (1, 1)
    field = "sees the whole image" if whole else f"sees {layer.field_columns.size}×{layer.field_rows.size} pixels"
    return (
        f"{counted(len(maps), 'unit') if whole else _size(maps)}\n{field}\nvalues {maps.min():.2g} to {maps.max():.2g}"
    )


def _say(axes: Axes, name: str, rest: str, theme: Theme) -> None:
    axes.set_axis_off()
    where: dict[str, Any] = {
        "va": "top",
        "transform": axes.transAxes,
        "in_layout": False,
    }  # otherwise rows shrink
    axes.text(0, 0.98, name, fontweight="bold", **where)
    axes.text(0, 0.74, rest, fontsize=8, color=theme.quiet, **where)


def _show_image(axes: Axes, traced: Trace, theme: Theme) -> None:
    pixels = traced.pixels
    axes.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
    bare(axes, theme)


def _show_maps(
    drawn: Figure, grid: GridSpec, row: int, maps: Maps, theme: Theme, *, names: Sequence[str] | None = None
) -> None:
    strongest = np.sort(np.argsort(-np.abs(maps).max(axis=(1, 2)), kind="stable")[:ACROSS])
    scale = scale_of(maps)
    for column, unit in enumerate(strongest):
        axes = drawn.add_subplot(grid[row, 3 + column])
        axes.imshow(maps[unit], cmap=theme.signed, norm=scale)
        name = f"unit {unit + 1}" if names is None else short_name(names[unit], _LONGEST_TITLE)
        axes.set_title(name, parse_math=False, fontsize=7, pad=2, loc="center", color=theme.quiet)
        bare(axes, theme)


def _show_strip(axes: Axes, maps: Maps, theme: Theme) -> None:
    axes.imshow(maps.reshape(1, -1), cmap=theme.signed, norm=scale_of(maps), aspect="auto")
    bare(axes, theme)
    axes.set_title(f"units 1 to {len(maps)}", fontsize=7, pad=2, color=theme.quiet)


def _show_classes(axes: Axes, traced: Trace, theme: Theme) -> None:
    best = np.argsort(-traced.probabilities, kind="stable")[:MOST_CLASSES][::-1]
    values = 100 * traced.probabilities[best]
    axes.barh(range(len(best)), values, color=theme.series[0], height=0.6)
    axes.set_yticks(
        range(len(best)), [short_name(traced.classes[index], _LONGEST_NAME) for index in best], parse_math=False
    )
    axes.set_xlim(0, 100)
    axes.set_xticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    for row, value in enumerate(values):
        inside = value > 80
        where: dict[str, Any] = {"ha": "right", "color": theme.paper} if inside else {"ha": "left", "color": theme.ink}
        axes.text(value - 2 if inside else value + 2, row, f"{value:.1f} %", va="center", fontsize=7, **where)
