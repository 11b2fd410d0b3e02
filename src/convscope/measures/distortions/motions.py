"""Distortions that move the image: where each pixel is taken from, and how maps are resampled there."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .pixels import blurred

Motion = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From rows and columns of a moved image to those that it takes its values from, in pixels from the center; down and
right are positive."""
MotionOf = Callable[[float, tuple[int, int]], Motion]
"""From a strength, and the height and width of the image, to the motion."""

ELASTIC_REACH = 1 / 7  # of the shorter side: 4 pixels at 28, as in Simard, Steinkraus and Platt (2003)


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Positions of a map on the image: position p is at ``start + p × stride`` pixels, along each side.

    Attributes:
        rows, columns: positions down and across.
        start: of position 0, down and across; the center of its receptive field, relative to the center of pixel 0.
        stride: pixels between adjacent positions.
        center: of the image, down and across.
    """

    rows: int
    columns: int
    start: tuple[float, float]
    stride: tuple[float, float]
    center: tuple[float, float]

    @staticmethod
    def of_image(height: int, width: int) -> "Lattice":
        """Return the lattice of the pixels themselves."""
        return Lattice(
            rows=height,
            columns=width,
            start=(0.0, 0.0),
            stride=(1.0, 1.0),
            center=((height - 1) / 2, (width - 1) / 2),
        )

    def pulled(self, motion: Motion) -> tuple[Tensor, Tensor]:
        """Return the positions, float64 and fractional, that each position of the moved map takes its value from."""
        counts = (self.rows, self.columns)
        sides = [
            start + stride * torch.arange(count, dtype=torch.float64) - center
            for count, start, stride, center in zip(counts, self.start, self.stride, self.center, strict=True)
        ]
        down, across = torch.meshgrid(*sides, indexing="ij")
        moved = motion(down, across)
        rows, columns = (
            (value + center - start) / stride
            for value, center, start, stride in zip(moved, self.center, self.start, self.stride, strict=True)
        )
        return rows, columns


def neighbors(
    rows: Tensor, columns: Tensor, sides: tuple[int, int], *, wrap: bool = False
) -> list[tuple[Tensor, Tensor]]:
    """Return the up to four positions around each fractional position, and the weight of each (bilinear).

    Positions are indices into the flattened map; height × width is everything beyond the edge. Neighbors whose weight
    is 0 everywhere are omitted: a shift by whole pixels has one.

    Args:
        rows: fractional, float64.
        columns: the same, across.
        sides: height and width of the map.
        wrap: whether the map is periodic.
    """
    height, width = sides
    top, left = rows.floor(), columns.floor()
    down, across = rows - top, columns - left
    weighted = []
    for row, row_weight in ((top, 1 - down), (top + 1, down)):
        for column, column_weight in ((left, 1 - across), (left + 1, across)):
            weight = row_weight * column_weight
            if not bool(weight.any()):
                continue
            if wrap:
                row, column = row % height, column % width  # noqa: PLW2901  # the same position, in the map
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = torch.where(inside, row * width + column, height * width)
            weighted.append((index.long(), weight))
    return weighted


def resample(maps: Tensor, rows: Tensor, columns: Tensor, background: Tensor, *, wrap: bool = False) -> Tensor:
    """Return maps resampled at fractional positions (bilinear).

    Args:
        maps: N C H W.
        rows: that each value is taken from: h w for all maps, or N h w for each image.
        columns: the same, across.
        background: the values beyond the edge, C 1 1.
        wrap: whether the map is periodic.
    """
    count, channels, height, width = maps.shape
    behind = background.reshape(1, -1, 1).to(maps.dtype).expand(count, channels, 1)
    flat = torch.cat([maps.flatten(2), behind], dim=2)  # N C H*W+1
    result = torch.zeros(count, channels, *rows.shape[-2:], dtype=maps.dtype)
    for index, weight in neighbors(rows, columns, (height, width), wrap=wrap):
        if index.dim() == 2:
            values = flat.index_select(2, index.flatten())
        else:
            values = flat.gather(2, index.flatten(1)[:, None].expand(-1, channels, -1))
        factor = weight.to(maps.dtype)
        result += values.view_as(result) * (factor if factor.dim() == 2 else factor[:, None])
    return result


def shift(direction_deg: float) -> MotionOf:
    """Return the motion along a direction: 0 is to the right, 90 down."""
    angle = math.radians(direction_deg)
    to_the_right, to_below = round(math.cos(angle), 15), round(math.sin(angle), 15)  # 90 degrees: 0 to the right

    def motion(strength_px: float, _sides: tuple[int, int]) -> Motion:
        return lambda down, across: (down - strength_px * to_below, across - strength_px * to_the_right)

    return motion


def rotation(strength_deg: float, _sides: tuple[int, int]) -> Motion:
    """Return the rotation around the center, clockwise."""
    angle = math.radians(strength_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    return lambda down, across: (cosine * down - sine * across, sine * down + cosine * across)


def scale(strength: float, _sides: tuple[int, int]) -> Motion:
    """Return the scaling by 1 + strength around the center."""
    return lambda down, across: (down / (1 + strength), across / (1 + strength))


def shear(strength_deg: float, _sides: tuple[int, int]) -> Motion:
    """Return the shear that tilts vertical lines by this angle."""
    slope = math.tan(math.radians(strength_deg))
    return lambda down, across: (down, across + slope * down)


def perspective(strength: float, sides: tuple[int, int]) -> Motion:
    """Return the tilt that makes the upper edge smaller than the center, by the fraction `strength`."""
    half = max(1.0, (sides[0] - 1) / 2)

    def pulled(down: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
        near = 1 + strength * down / half
        return down / near, across / near

    return pulled


def elastic_field(height: int, width: int, *, generator: torch.Generator) -> Tensor:
    """Return smooth random displacements down and across, 2 h w, of mean length 1.

    Independent uniform displacements are smoothed by a Gaussian (Simard, Steinkraus and Platt 2003).
    """
    moves = torch.rand(1, 2, height, width, generator=generator, dtype=torch.float64) * 2 - 1
    smooth = blurred(moves, ELASTIC_REACH * min(height, width), torch.zeros(2, 1, 1, dtype=torch.float64))[0]
    return smooth / smooth.square().sum(0).sqrt().mean().clamp_min(1e-12)
