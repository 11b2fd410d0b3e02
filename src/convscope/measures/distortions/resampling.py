"""Values of a map between its places, and where a moved picture takes them from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Motion = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From rows and columns of a moved picture to those that it takes its values from, in pixels around the middle: down
and across are positive, (0, 0) is the middle of the picture."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Where the places of a map lie on the picture: place p at ``start + p × stride`` pixels, along each side.

    Attributes:
        rows, columns: places down and across.
        start: of place 0, down and across; the middle of its receptive field, counted from the middle of pixel 0.
        stride: pixels between neighbouring places.
        middle: of the picture, down and across.
    """

    rows: int
    columns: int
    start: tuple[float, float]
    stride: tuple[float, float]
    middle: tuple[float, float]

    @staticmethod
    def of_picture(height: int, width: int) -> "Lattice":
        """Return the lattice of the pixels themselves."""
        return Lattice(
            rows=height,
            columns=width,
            start=(0.0, 0.0),
            stride=(1.0, 1.0),
            middle=((height - 1) / 2, (width - 1) / 2),
        )

    def pulled(self, motion: Motion) -> tuple[Tensor, Tensor]:
        """Return the places, in float64 and not rounded, that each place of the moved map takes its value from."""
        counts = (self.rows, self.columns)
        sides = [
            start + stride * torch.arange(count, dtype=torch.float64) - middle
            for count, start, stride, middle in zip(counts, self.start, self.stride, self.middle, strict=True)
        ]
        down, across = torch.meshgrid(*sides, indexing="ij")
        moved = motion(down, across)
        rows, columns = (
            (value + middle - start) / stride
            for value, middle, start, stride in zip(moved, self.middle, self.start, self.stride, strict=True)
        )
        return rows, columns


def resample(maps: Tensor, rows: Tensor, columns: Tensor, background: Tensor, *, wrap: bool = False) -> Tensor:
    """Return values at places that lie between places, weighted by their nearness (bilinear).

    Args:
        maps: N C H W.
        rows: of the value taken for each place: h w for all maps, or N h w for each picture its own.
        columns: the same, across.
        background: what stands beyond the edge, C values (or anything that broadcasts with N C h w).
        wrap: beyond the edge the map begins again.
    """
    top, left = rows.floor(), columns.floor()
    down, across = (rows - top).to(maps.dtype), (columns - left).to(maps.dtype)
    result = torch.zeros((), dtype=maps.dtype)
    for row, row_weight in ((top, 1 - down), (top + 1, down)):
        for column, column_weight in ((left, 1 - across), (left + 1, across)):
            weight = _over(row_weight * column_weight)
            result = result + weight * _taken(maps, row.long(), column.long(), background, wrap=wrap)
    return result


def _taken(maps: Tensor, rows: Tensor, columns: Tensor, background: Tensor, *, wrap: bool) -> Tensor:
    """Return the values at whole places; the background beyond the edge."""
    height, width = maps.shape[2:]
    if wrap:
        rows, columns = rows % height, columns % width
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    flat = maps.flatten(2)  # N C H*W
    if places.dim() == 2:
        values = flat.index_select(2, places.flatten()).view(*maps.shape[:2], *places.shape)
    else:
        values = flat.gather(2, places.flatten(1)[:, None].expand(-1, maps.shape[1], -1))
        values = values.view(*maps.shape[:2], *places.shape[1:])
    return torch.where(_over(inside), values, background)


def _over(values: Tensor) -> Tensor:
    """Return h w as it is, and N h w as N 1 h w."""
    return values if values.dim() == 2 else values[:, None]
