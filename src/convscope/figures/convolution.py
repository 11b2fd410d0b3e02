"""Animation of a convolution: a unit slides over an image, with its products and sum, and fills its feature map."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from convscope.features.walk import Walk
from convscope.layers.geometry import MapShape

from .letters import write_letters
from .settings import default_settings
from .style import Theme, bare, drawing, figure, scale_of, without_warnings_of_letters

MOST_FRAMES = 120
_RESOLUTION = 100  # pixels an inch
_LARGEST_WRITTEN = 9  # sides up to here show numbers in the cells
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame of the animation: a position of the unit, or, once its map is full, of the pooling."""

    row: int
    column: int
    pooling: bool = False


def frames_of(walk: Walk, *, most: int = MOST_FRAMES) -> list[Frame]:
    """Return the frames: every position in reading order; of more than `most`, a regular subset with the last.

    Examples:
        >>> from convscope.features.walk import walk
        >>> len(frames_of(walk(np.eye(5), np.ones((3, 3))))), len(frames_of(walk(np.eye(30), np.ones((3, 3)))))
        (9, 120)
    """
    every = [Frame(row=row, column=column) for row, column in np.ndindex(walk.values.shape)]
    every += [Frame(row=row, column=column, pooling=True) for row, column in np.ndindex(walk.pooled.shape)]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(most, len(every))).round().astype(int))
    return [every[index] for index in chosen]


def animate(walk: Walk, frames: list[Frame], *, theme: Theme) -> Iterator[Pixels]:
    """Give the frames as pixels, H W 3, from one figure whose changing parts alone are redrawn."""
    if not frames:
        return
    scene = Scene(walk, theme)
    scene.show(max(frames, key=lambda frame: scene.text(frame).count("\n")))  # lay out the longest text
    canvas = FigureCanvasAgg(scene.drawn)
    with default_settings(), without_warnings_of_letters():
        write_letters(scene.drawn)
        scene.drawn.draw_without_rendering()
        scene.drawn.set_layout_engine("none")  # the layout is computed once
        for artist in scene.moving:
            artist.set_animated(True)
        canvas.draw()  # type: ignore[no-untyped-call]
        still = canvas.copy_from_bbox(scene.drawn.bbox)  # type: ignore[no-untyped-call]
    for frame in frames:
        with default_settings(), without_warnings_of_letters():
            canvas.restore_region(still)  # type: ignore[no-untyped-call]
            scene.show(frame)
            for artist in scene.moving:
                artist.draw(canvas.get_renderer())  # type: ignore[no-untyped-call]
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def words(walk: Walk, frame: Frame) -> str:
    """Return the text above a frame.

    Examples:
        >>> from convscope.features.walk import walk
        >>> words(walk(np.eye(5), np.ones((3, 3)), bias=-1, nonlinearity="relu"), Frame(row=0, column=1))
        'row 1, column 2: sum of the products 2, bias -1: 1; after relu 1'
    """
    where = f"row {frame.row + 1}, column {frame.column + 1}"
    if frame.pooling and walk.pooling is not None:
        value = walk.pooled[frame.row, frame.column]
        return f"{where} of the pooled map: {walk.pooling.kind.name} of the window: {value:.3g}"
    products = float((walk.patch(frame.row, frame.column) * walk.weights).sum())
    rest = f", of the other maps {walk.rest[frame.row, frame.column]:.3g}" if walk.rest.any() else ""
    bias = f", bias {walk.bias:.3g}" if walk.bias or rest else ""
    added = f", residual input {walk.added[frame.row, frame.column]:.3g}" if walk.added.any() else ""
    total = f": {walk.total(frame.row, frame.column):.3g}" if bias or added else ""
    value = walk.values[frame.row, frame.column]
    after = "" if walk.nonlinearity == "linear" else f"; after {walk.nonlinearity} {value:.3g}"
    return f"{where}: sum of the products {products:.3g}{rest}{bias}{added}{total}{after}"


@final
class Scene:
    """The figure of all frames; `show` moves its marks to one of them.

    Args:
        walk: the unit over the image.
        theme: the colors.
    """

    def __init__(self, walk: Walk, theme: Theme) -> None:
        self._walk = walk
        count, more = len(walk.channels), walk.pooling is not None
        self._wraps_at = 100 if more else 82
        width, height = 10.4 if more else 8.6, 1.2 + 1.9 * max(1, count) + (0.4 if count == 1 else 0)
        with drawing(theme):
            self.drawn = figure(width, height, theme, resolution=_RESOLUTION)
            grid = GridSpec(count, 5 if more else 4, figure=self.drawn)
            rows = [[self.drawn.add_subplot(grid[row, column]) for column in range(3)] for row in range(count)]
            self._products = [self._add_channel(row, channel, theme) for channel, row in enumerate(rows)]
            self._patches = [_Mark(row[0], theme) for row in rows]
            self._map, self._at = self._add_map(self.drawn.add_subplot(grid[:, 3]), theme)
            self._pooled = self._add_pooled(self.drawn.add_subplot(grid[:, 4]), theme) if more else None
            self._title = self.drawn.suptitle("", x=0.01, ha="left", fontsize=11)

    @property
    def moving(self) -> list[Artist]:
        """The artists that change between frames, in drawing order."""
        cells = [*self._products, self._map, *([] if self._pooled is None else [self._pooled[0]])]
        return [*(mark.frame for mark in self._patches), *(cell.axes for cell in cells), self._title]

    def text(self, frame: Frame) -> str:
        """Return the wrapped text above a frame."""
        return textwrap.fill(words(self._walk, frame), self._wraps_at)

    def show(self, frame: Frame) -> None:
        """Move the marks, fill the maps up to the frame, and update the text."""
        walk, (rows, columns) = self._walk, self._walk.values.shape
        place = frame.row * walk.rows.stride, frame.column * walk.columns.stride
        patch = walk.patch(frame.row, frame.column)
        for channel, (mark, products) in enumerate(zip(self._patches, self._products, strict=True)):
            mark.move(None if frame.pooling else (*place, walk.rows.extent, walk.columns.extent))
            products.axes.axison = not frame.pooling
            products.show(math.nan * walk.weights[channel] if frame.pooling else patch[channel] * walk.weights[channel])
        done = rows * columns if frame.pooling else frame.row * columns + frame.column + 1
        self._map.show(_so_far(walk.values, done))
        self._at.move(self._window(frame) if frame.pooling else (frame.row, frame.column, 1, 1))
        if self._pooled is not None:
            cells, mark = self._pooled
            done = frame.row * walk.pooled.shape[1] + frame.column + 1 if frame.pooling else 0
            cells.show(_so_far(walk.pooled, done))
            mark.move((frame.row, frame.column, 1, 1) if frame.pooling else None)
        self._title.set_text(self.text(frame))

    def _window(self, frame: Frame) -> tuple[int, int, int, int] | None:
        """Return the window of the map that is pooled: top, left, height and width."""
        if self._walk.pooling is None:
            return None
        rows, columns = self._walk.values.shape
        down, across = self._walk.pooling.windows(MapShape(maps=1, rows=rows, columns=columns))
        place = frame.row * down.stride - down.before, frame.column * across.stride - across.before
        return *place, down.extent, across.extent

    def _add_channel(self, row: Sequence[Axes], channel: int, theme: Theme) -> "_Cells":
        """Draw one channel of the image and the unit's weights on it; return the cells of their products."""
        walk, (first, second, third) = self._walk, row
        image, down, across = walk.image[channel], walk.rows, walk.columns
        height, width = image.shape[0] - down.before - down.after, image.shape[1] - across.before - across.after
        padded = ", zero padding" if (height, width) != image.shape else ""
        title = f"{walk.channels[channel]}, {width}×{height}{padded}"
        _Cells(first, image.shape, scale_of(walk.image), title, theme).show(image)
        if padded:
            corner = (across.before - 0.5, down.before - 0.5)
            first.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=theme.quiet, linestyle=":"))
        weights = walk.weights[channel]
        size = f"{across.kernel}×{down.kernel}"
        title = f"the unit's weights, {size}" if down.dilation == 1 else f"weights {size}, {down.dilation} px apart"
        _Cells(second, weights.shape, scale_of(walk.weights), title, theme).show(weights)
        largest = np.abs(walk.image).max(initial=0) * np.abs(walk.weights).max(initial=0)
        return _Cells(third, weights.shape, Normalize(-(largest or 1), largest or 1), "patch × weights", theme)

    def _add_map(self, axes: Axes, theme: Theme) -> tuple["_Cells", "_Mark"]:
        rows, columns = self._walk.values.shape
        title = f"the feature map, {columns}×{rows}"
        return _Cells(axes, (rows, columns), scale_of(self._walk.values), title, theme), _Mark(axes, theme)

    def _add_pooled(self, axes: Axes, theme: Theme) -> tuple["_Cells", "_Mark"]:
        rows, columns = self._walk.pooled.shape
        name = self._walk.pooling.notation if self._walk.pooling else ""
        title = f"{name}, {columns}×{rows}"
        return _Cells(axes, (rows, columns), scale_of(self._walk.values), title, theme), _Mark(axes, theme)


@final
class _Cells:
    """Values as colored cells, with numbers where there is room; NaN is empty."""

    def __init__(self, axes: Axes, shape: tuple[int, ...], scale: Normalize, title: str, theme: Theme) -> None:
        self.axes = axes
        self._scale, self._theme, self._colors = scale, theme, theme.signed
        self._image = axes.imshow(np.zeros(shape), cmap=self._colors, norm=scale)
        bare(axes, theme)
        axes.set_title(title, fontsize=8, color=theme.quiet)
        rows, columns = shape
        self._numbers: dict[tuple[int, ...], Text] = {}
        if max(rows, columns) > _LARGEST_WRITTEN:
            return
        axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
        axes.grid(which="minor", linewidth=0.6)
        axes.tick_params(which="both", length=0)
        self._digits = 2 if max(rows, columns) <= 5 else 1
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8 if max(rows, columns) <= 5 else 6}
        self._numbers = {(row, column): axes.text(column, row, "", **style) for row, column in np.ndindex(shape)}

    def show(self, values: NDArray[np.float64]) -> None:
        """Show these values."""
        self._image.set_data(np.ma.masked_invalid(values))
        for cell, number in self._numbers.items():
            value = float(values[cell])
            number.set_text(f"{value + 0.0:.{self._digits}g}" if math.isfinite(value) else "")
            if math.isfinite(value):
                number.set_color(self._theme.readable_on(self._colors(self._scale(value))))


@final
class _Mark:
    """A frame around some cells."""

    def __init__(self, axes: Axes, theme: Theme) -> None:
        look: dict[str, Any] = {"edgecolor": theme.mark, "linewidth": 2.5, "clip_on": False, "zorder": 3}
        self.frame = Rectangle((0, 0), 1, 1, fill=False, **look)
        axes.add_patch(self.frame)

    def move(self, cells: tuple[int, int, int, int] | None) -> None:
        """Move the frame to top, left, height and width, in cells; hide it if None."""
        self.frame.set_visible(cells is not None)
        if cells is not None:
            top, left, height, width = cells
            self.frame.set_bounds(left - 0.5, top - 0.5, width, height)


def _so_far(values: NDArray[np.float64], done: int) -> NDArray[np.float64]:
    """Return the first `done` values; the rest is NaN."""
    return np.where(np.arange(values.size).reshape(values.shape) < done, values, math.nan)
