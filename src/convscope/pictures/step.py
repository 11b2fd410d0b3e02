"""The step itself as an animation: a unit walks over an image, the products and their sum shown, the map filling."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convscope.features.walk import Walk

from .style import Theme, bare, drawing, figure, scale_of

MOST_FRAMES = 120
_RESOLUTION = 100  # pixels an inch
_LARGEST_WRITTEN = 9  # sides up to here have their numbers in the cells
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of the animation: a place of the unit, or, once its map is full, one of the subsampling."""

    row: int
    column: int
    subsampling: bool = False


def frames_of(walk: Walk, *, most: int = MOST_FRAMES) -> list[Frame]:
    """Return the frames: every place in reading order; of more than `most`, evenly chosen ones and the last.

    Examples:
        >>> from convscope.features.walk import walk
        >>> len(frames_of(walk(np.eye(5), np.ones((3, 3))))), len(frames_of(walk(np.eye(30), np.ones((3, 3)))))
        (9, 120)
    """
    every = [Frame(row=row, column=column) for row, column in np.ndindex(walk.values.shape)]
    every += [Frame(row=row, column=column, subsampling=True) for row, column in np.ndindex(walk.subsampled.shape)]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    return [every[place] for place in chosen]


def animate(walk: Walk, frames: list[Frame], *, theme: Theme) -> Iterator[Pixels]:
    """Give the frames as pixels, H W 3, one after another."""
    for frame in frames:
        canvas = FigureCanvasAgg(draw_step(walk, frame, theme=theme))
        canvas.draw()  # type: ignore[no-untyped-call]
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def draw_step(walk: Walk, frame: Frame, *, theme: Theme) -> Figure:
    """Return one frame: the image with the patch, the products, the map so far, and its subsampling.

    Args:
        walk: the unit over the image.
        frame: the place.
        theme: the colours.
    """
    count, more = len(walk.channels), walk.subsampling is not None
    with drawing(theme):
        drawn = figure(
            10.4 if more else 8.6, 1.2 + 1.9 * max(1, count) + (0.4 if count == 1 else 0), theme, resolution=_RESOLUTION
        )
        grid = GridSpec(count, 5 if more else 4, figure=drawn)
        for place in range(count):
            row = [drawn.add_subplot(grid[place, column]) for column in range(3)]
            _show_channel(row, walk, frame, place, theme)
        _show_map(drawn.add_subplot(grid[:, 3]), walk, frame, theme)
        if more:
            _show_subsampled(drawn.add_subplot(grid[:, 4]), walk, frame, theme)
        said = textwrap.fill(words(walk, frame), 100 if more else 82)
        drawn.suptitle(said, x=0.01, ha="left", fontsize=11)
    return drawn


def words(walk: Walk, frame: Frame) -> str:
    """Return the sentence above a frame.

    Examples:
        >>> from convscope.features.walk import walk
        >>> words(walk(np.eye(5), np.ones((3, 3)), bias=-1, nonlinearity="relu"), Frame(row=0, column=1))
        'row 1, column 2: sum of the products 2, bias -1: 1; relu makes it 1'
    """
    where = f"row {frame.row + 1}, column {frame.column + 1}"
    if frame.subsampling and walk.subsampling is not None:
        value = walk.subsampled[frame.row, frame.column]
        return f"{where} of the smaller map: {walk.subsampling.kind.name} of the window: {value:.3g}"
    products = float((walk.patch(frame.row, frame.column) * walk.weights).sum())
    rest = f", of the maps not shown {walk.rest[frame.row, frame.column]:.3g}" if walk.rest.any() else ""
    bias = f", bias {walk.bias:.3g}" if walk.bias or rest else ""
    added = f", what is added back {walk.added[frame.row, frame.column]:.3g}" if walk.added.any() else ""
    total = f": {walk.total(frame.row, frame.column):.3g}" if bias or added else ""
    value = walk.values[frame.row, frame.column]
    after = "" if walk.nonlinearity == "linear" else f"; {walk.nonlinearity} makes it {value:.3g}"
    return f"{where}: sum of the products {products:.3g}{rest}{bias}{added}{total}{after}"


def _show_channel(row: Sequence[Axes], walk: Walk, frame: Frame, place: int, theme: Theme) -> None:
    """Draw one channel of the image with the patch, the unit's weights on it, and their products."""
    image, side = walk.image[place], walk.weights.shape[1]
    first, second, third = row
    height, width = (length - sum(walk.padding) for length in image.shape)
    around = ", zeros around" if any(walk.padding) else ""
    _cells(first, image, scale_of(walk.image), f"{walk.channels[place]}, {width}×{height}{around}", theme)
    if around:
        corner = (walk.padding[0] - 0.5,) * 2
        first.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=theme.quiet, linestyle=":"))
    _cells(second, walk.weights[place], scale_of(walk.weights), f"the unit's weights, {side}×{side}", theme)
    if frame.subsampling:
        third.set_axis_off()
        return
    top, left = frame.row * walk.stride, frame.column * walk.stride
    _frame(first, top, left, (side, side), theme)
    products = walk.patch(frame.row, frame.column)[place] * walk.weights[place]
    largest = np.abs(walk.image).max(initial=0) * np.abs(walk.weights).max(initial=0)
    _cells(third, products, Normalize(-(largest or 1), largest or 1), "patch × weights", theme)


def _show_map(axes: Axes, walk: Walk, frame: Frame, theme: Theme) -> None:
    """Draw the map as far as it is filled; with the window, when it is being subsampled."""
    rows, columns = walk.values.shape
    done = rows * columns if frame.subsampling else frame.row * columns + frame.column + 1
    _cells(axes, _so_far(walk.values, done), scale_of(walk.values), f"the feature map, {columns}×{rows}", theme)
    if not frame.subsampling:
        _frame(axes, frame.row, frame.column, (1, 1), theme)
    elif walk.subsampling is not None:
        down, across = (walk.subsampling.window_over(side) for side in (rows, columns))
        corner = frame.row * down.stride, frame.column * across.stride
        _frame(axes, *corner, (down.kernel, across.kernel), theme)


def _show_subsampled(axes: Axes, walk: Walk, frame: Frame, theme: Theme) -> None:
    rows, columns = walk.subsampled.shape
    done = frame.row * columns + frame.column + 1 if frame.subsampling else 0
    title = f"{walk.subsampling}, {columns}×{rows}"
    _cells(axes, _so_far(walk.subsampled, done), scale_of(walk.values), title, theme)
    if frame.subsampling:
        _frame(axes, frame.row, frame.column, (1, 1), theme)


def _so_far(values: NDArray[np.float64], done: int) -> NDArray[np.float64]:
    """Return the first `done` values; the rest is NaN."""
    return np.where(np.arange(values.size).reshape(values.shape) < done, values, math.nan)


def _cells(axes: Axes, values: NDArray[np.float64], scale: Normalize, title: str, theme: Theme) -> None:
    """Draw values as coloured cells, with their numbers where there is room."""
    axes.imshow(np.ma.masked_invalid(values), cmap=theme.signed, norm=scale)
    bare(axes, theme)
    axes.set_title(title, fontsize=8, color=theme.quiet)
    rows, columns = values.shape
    if max(rows, columns) > _LARGEST_WRITTEN:
        return
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    size = 8 if max(rows, columns) <= 5 else 6
    for (row, column), value in np.ndenumerate(values):
        if math.isfinite(value):
            colour = theme.readable_on(theme.signed(scale(value)))
            axes.text(column, row, f"{value + 0.0:.2g}", ha="center", va="center", fontsize=size, color=colour)


def _frame(axes: Axes, top: int, left: int, size: tuple[int, int], theme: Theme) -> None:
    corner = (left - 0.5, top - 0.5)
    axes.add_patch(
        Rectangle(corner, size[1], size[0], fill=False, edgecolor=theme.mark, linewidth=2.5, clip_on=False, zorder=3)
    )
