"""Where a window stands on an image: positions, tiles of positions, the pixels they need, and positions to check."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle of positions or of pixels."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def count(self) -> int:
        """Rows × columns."""
        return self.rows * self.columns

    def inside(self, other: "Box") -> tuple[slice, slice]:
        """Return where this rectangle lies in a larger one."""
        row, column = self.row - other.row, self.column - other.column
        return slice(row, row + self.rows), slice(column, column + self.columns)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All positions of a window on an image.

    Attributes:
        image: rows and columns of the image, in pixels, with what is filled in around it.
        window: rows and columns of the window.
        stride: pixels between neighboring positions.
        tile: positions along the side of a tile.
        margin: pixels filled in above and to the left of the image.

    Raises:
        DataError: the image is smaller than the window.

    Examples:
        >>> grid = Grid(image=(100, 70), window=(32, 32), stride=1, tile=32)
        >>> grid.shape, grid.tiles, grid.center(0, 0)
        ((69, 39), (3, 2), (15.5, 15.5))
    """

    image: tuple[int, int]
    window: tuple[int, int]
    stride: int
    tile: int
    margin: tuple[float, float] = (0, 0)

    def __post_init__(self) -> None:
        """Validate that a window fits."""
        if self.image[0] < self.window[0] or self.image[1] < self.window[1]:
            raise DataError(
                f"The image must be at least as large as the network's window, {self.window[1]}x{self.window[0]} "
                f"pixels. Got {self.image[1]}x{self.image[0]}. Use predict, or --edges pad."
            )

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.shape[1]} x {self.shape[0]} positions, {self.stride} px apart, in tiles of {self.tile}"

    @functools.cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of positions."""
        rows, columns = ((size - side) // self.stride + 1 for size, side in zip(self.image, self.window, strict=True))
        return rows, columns

    @property
    def positions(self) -> int:
        """Number of positions."""
        return self.shape[0] * self.shape[1]

    @functools.cached_property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.shape[0] // self.tile), -(-self.shape[1] // self.tile)

    def box(self, index: int) -> Box:
        """Return the positions of a tile, which are fewer at the right and lower edge."""
        row, column = (number * self.tile for number in divmod(index, self.tiles[1]))
        rows, columns = min(self.tile, self.shape[0] - row), min(self.tile, self.shape[1] - column)
        return Box(row=row, column=column, rows=rows, columns=columns)

    def positions_of(self, which: NDArray[np.bool_]) -> int:
        """Return the number of positions in some tiles, one flag per tile."""
        rows, columns = (
            np.minimum(self.tile, size - self.tile * np.arange(tiles))
            for size, tiles in zip(self.shape, self.tiles, strict=True)
        )
        return int(rows @ which.reshape(self.tiles) @ columns)

    def pixels(self, box: Box) -> Box:
        """Return the pixels that the windows of some positions cover."""
        return Box(
            row=box.row * self.stride,
            column=box.column * self.stride,
            rows=(box.rows - 1) * self.stride + self.window[0],
            columns=(box.columns - 1) * self.stride + self.window[1],
        )

    def around(self, box: Box, reach: int) -> Box:
        """Return some positions with those that are within `reach` of them, down and across."""
        row, column = max(0, box.row - reach), max(0, box.column - reach)
        return Box(
            row=row,
            column=column,
            rows=min(self.shape[0], box.row + box.rows + reach) - row,
            columns=min(self.shape[1], box.column + box.columns + reach) - column,
        )

    def center(self, row: int, column: int) -> tuple[float, float]:
        """Return row and column of the center of a position's window, in pixels of the image."""
        return (
            row * self.stride + (self.window[0] - 1) / 2 - self.margin[0],
            column * self.stride + (self.window[1] - 1) / 2 - self.margin[1],
        )

    def checked(self, count: int, seed: int) -> dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """Return positions to check by tile: `count` at random, and as many at joints of tiles, edges and corners."""
        drawn = np.random.default_rng(seed)
        rows, columns = self.shape
        anywhere = np.stack([drawn.integers(0, rows, count), drawn.integers(0, columns, count)], axis=1)
        seams = np.stack([_seams(drawn, count, size, self.tile) for size in self.shape], axis=1)
        on = drawn.integers(0, 3, count)  # a row, a column, both
        nasty = np.where(np.stack([on != 1, on != 0], axis=1), seams, drawn.permutation(anywhere))
        nasty[:4] = [[0, 0], [0, columns - 1], [rows - 1, 0], [rows - 1, columns - 1]][: len(nasty[:4])]
        found: dict[int, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
        for kind, places in enumerate((anywhere, nasty)):
            for row, column in places.tolist():
                tile = row // self.tile * self.tiles[1] + column // self.tile
                found.setdefault(tile, ([], []))[kind].append((row, column))
        return found

    def every_box(self) -> Iterator[tuple[int, Box]]:
        """Give every tile with its number, row by row."""
        for index in range(self.tiles[0] * self.tiles[1]):
            yield index, self.box(index)


def _seams(drawn: np.random.Generator, count: int, size: int, tile: int) -> NDArray[np.int64]:
    """Return positions along a side that are the first or last of a tile."""
    starts = drawn.integers(0, -(-size // tile), count) * tile
    return np.minimum(np.where(drawn.integers(0, 2, count) > 0, starts, starts + tile - 1), size - 1)
