"""The filters (weights) of a convolution."""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

from convscope.core.text import counted

from .style import Theme, bare, drawing, figure, name_values, scale_of

MOST_UNITS, MOST_ROWS, MOST_BELOW, ACROSS = 64, 16, 12, 12
_TILE = 0.62  # inches
_LETTERS = 11  # of a title an inch


def draw_filters(filters: NDArray[np.float32], *, name: str, theme: Theme, groups: int = 1) -> Figure:
    """Return the figure of a convolution's filters, blue above 0 and orange below, on one scale.

    Filters on one map or on the three colors of an image are tiles in a grid; filters on more maps have a row each,
    with a tile for each input map. Of weights that are separate in each region, those of the central region are drawn.

    Args:
        filters: weights of the convolution with normalization folded in: units × maps below × k × k; of one with local
            weights, regions down × regions across in front of them.
        name: of the layer in the layout.
        theme: the colors.
        groups: of the maps below; a unit has weights on those of one.
    """
    regions = filters.shape[:2] if filters.ndim == 6 else (1, 1)
    central = filters[regions[0] // 2, regions[1] // 2] if filters.ndim == 6 else filters
    weights = central.astype(np.float64)  # units, input maps, k, k
    with drawing(theme):
        drawn = _mixed(weights, theme) if weights.shape[1] in (1, 3) else _by_map(weights, theme)
        fits = int(_LETTERS * drawn.get_figwidth())
        drawn.suptitle(textwrap.fill(_title(weights, name, regions, groups), fits), x=0.01, ha="left", fontsize=11)
    return drawn


def _title(weights: np.ndarray, name: str, regions: tuple[int, ...], groups: int) -> str:
    units, below, rows, columns = weights.shape
    most = MOST_UNITS if below in (1, 3) else MOST_ROWS
    shown = [f"the first {most}"] if units > most else []
    shown += [f"on the {MOST_BELOW} input maps with the largest weights"] if below > MOST_BELOW else []
    shown += ["in the central region"] if max(regions) > 1 else []
    each = "" if groups == 1 else " each" if below == 1 else " of its group"
    what = f"{name}: {counted(units, 'unit')} of {rows}×{columns} weights on {counted(below, 'map')}{each}"
    return "; ".join([what, *shown])


def _mixed(weights: np.ndarray, theme: Theme) -> Figure:
    """Return a grid of tiles: one channel in blue and orange, three as colors around gray."""
    count = min(len(weights), MOST_UNITS)
    across = min(count, ACROSS)
    down = -(-count // across)
    drawn = figure(max(4.5, across * _TILE + 0.9), down * (_TILE + 0.16) + 0.75, theme)
    grid = GridSpec(down, across, figure=drawn)
    scale, largest = scale_of(weights), float(np.abs(weights).max()) or 1.0
    every = []
    for unit in range(count):
        axes = drawn.add_subplot(grid[divmod(unit, across)])
        if weights.shape[1] == 1:
            axes.imshow(weights[unit, 0], cmap=theme.signed, norm=scale)
        else:
            axes.imshow(0.5 + weights[unit].transpose(1, 2, 0) / (2 * largest))
        axes.set_title(str(unit + 1), fontsize=7, pad=2, loc="center", color=theme.quiet)
        bare(axes, theme)
        every.append(axes)
    if weights.shape[1] == 1:
        name_values(drawn, every, scale, theme, "weight")
    else:
        drawn.supxlabel(f"gray is 0, a full color ±{largest:.3g}", fontsize=8, color=theme.quiet)
    return drawn


def _by_map(weights: np.ndarray, theme: Theme) -> Figure:
    """Return a row for each unit, with tiles for the input maps with the largest weights."""
    count = min(len(weights), MOST_ROWS)
    weight_of_map = np.square(weights).sum(axis=(0, 2, 3))
    maps = np.sort(np.argsort(-weight_of_map, kind="stable")[:MOST_BELOW])
    drawn = figure(len(maps) * _TILE + 1.6, count * _TILE + 0.9, theme)
    grid = GridSpec(count, len(maps), figure=drawn)
    scale = scale_of(weights)
    every = []
    for row in range(count):
        for column, below in enumerate(maps):
            axes = drawn.add_subplot(grid[row, column])
            axes.imshow(weights[row, below], cmap=theme.signed, norm=scale)
            bare(axes, theme)
            if row == 0:
                axes.set_title(f"map {below + 1}", fontsize=7, pad=2, loc="center", color=theme.quiet)
            if column == 0:
                axes.set_ylabel(f"unit {row + 1}", fontsize=7, rotation=0, ha="right", va="center", color=theme.quiet)
            every.append(axes)
    name_values(drawn, every, scale, theme, "weight")
    return drawn
