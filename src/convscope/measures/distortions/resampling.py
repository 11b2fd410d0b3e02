"""Values of a map between its places, and where a moved image takes them from."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Motion = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From rows and columns of a moved image to those that it takes its values from, in pixels around the middle: down
and across are positive, (0, 0) is the middle of the image."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Where the places of a map lie on the image: place p at ``start + p × stride`` pixels, along each side.

    Attributes:
        rows, columns: places down and across.
        start: of place 0, down and across; the middle of its receptive field, counted from the middle of pixel 0.
        stride: pixels between neighbouring places.
        middle: of the image, down and across.
    """

    rows: int
    columns: int
    start: tuple[float, float]
    stride: tuple[float, float]
    middle: tuple[float, float]

    @staticmethod
    def of_image(height: int, width: int) -> "Lattice":
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


def neighbours(
    rows: Tensor, columns: Tensor, sides: tuple[int, int], *, wrap: bool = False
) -> list[tuple[Tensor, Tensor]]:
    """Return the up to four places that lie around each of those given, and the weight of each (bilinear).

    A place is counted along the rows; height × width stands for all that lies beyond the edge. Neighbours that weigh
    nothing anywhere are left out: a shift by whole pixels has one.

    Args:
        rows: of the places, not rounded, in float64.
        columns: the same, across.
        sides: height and width of the map.
        wrap: beyond the edge the map begins again.
    """
    height, width = sides
    top, left = rows.floor(), columns.floor()
    down, across = rows - top, columns - left
    found = []
    for row, row_weight in ((top, 1 - down), (top + 1, down)):
        for column, column_weight in ((left, 1 - across), (left + 1, across)):
            weight = row_weight * column_weight
            if not bool(weight.any()):
                continue
            if wrap:
                row, column = row % height, column % width  # noqa: PLW2901  # the same place, in the map
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            place = torch.where(inside, row * width + column, height * width)
            found.append((place.long(), weight))
    return found


def resample(maps: Tensor, rows: Tensor, columns: Tensor, background: Tensor, *, wrap: bool = False) -> Tensor:
    """Return values at places that lie between places, weighted by their nearness (bilinear).

    Args:
        maps: N C H W.
        rows: of the value taken for each place: h w for all maps, or N h w for each image its own.
        columns: the same, across.
        background: what stands beyond the edge, C 1 1.
        wrap: beyond the edge the map begins again.
    """
    count, channels, height, width = maps.shape
    behind = background.reshape(1, -1, 1).to(maps.dtype).expand(count, channels, 1)
    flat = torch.cat([maps.flatten(2), behind], dim=2)  # N C H*W+1
    result = torch.zeros(count, channels, *rows.shape[-2:], dtype=maps.dtype)
    for place, weight in neighbours(rows, columns, (height, width), wrap=wrap):
        if place.dim() == 2:
            values = flat.index_select(2, place.flatten())
        else:
            values = flat.gather(2, place.flatten(1)[:, None].expand(-1, channels, -1))
        share = weight.to(maps.dtype)
        result += values.view_as(result) * (share if share.dim() == 2 else share[:, None])
    return result
