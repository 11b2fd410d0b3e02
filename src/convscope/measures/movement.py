"""Distances between maps, as sums over batches of images, and how much of them is movement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from convscope.layers.planned import PlannedLayer
from convscope.networks.plan import NetworkPlan

from .distortions.motions import Lattice, Motion, neighbors
from .invariance_record import LayerChange

_ROUNDING = 1e-9  # of positions that are fractions


def by_position(maps: Tensor) -> Tensor:
    """Return maps N C h w as h*w positions × N images × C: a position is one row of memory."""
    return maps.permute(2, 3, 0, 1).flatten(0, 1).contiguous()


def with_edge(maps: Tensor, empty: Tensor) -> Tensor:
    """Return maps, positions × N × C, with one more position for everything beyond the edge: `empty`, C values."""
    return torch.cat([maps, empty.expand(1, *maps.shape[1:])])


def background_maps(layers: Sequence[PlannedLayer], maps: Sequence[Tensor]) -> list[Tensor]:
    """Return the value of each map at its center, C values a layer, from the maps of an image of background."""
    centers = (layer.rows // 2 * layer.columns + layer.columns // 2 for layer in layers)
    return [values[center, 0] for values, center in zip(maps, centers, strict=True)]


class Variation:
    """Variance of the maps of one layer between images, value by value."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, maps: Tensor) -> None:
        """Add the maps of some images, positions × N × C."""
        values = maps.double()
        total, squares = values.sum(1), values.square().sum(1)
        self._sum = total if self._sum is None else self._sum + total
        self._squares = squares if self._squares is None else self._squares + squares
        self.count += maps.shape[1]

    def between(self, inside: Tensor | None = None) -> float:
        """Return the mean squared distance between two different images, over all positions or those `inside`."""
        if self._sum is None or self._squares is None or self.count < 2:
            return 0.0
        variance = (self._squares - self._sum.square() / self.count).clamp_min(0) / (self.count - 1)
        positions = variance.sum(1)
        return 2 * float((positions if inside is None else positions * inside).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Movement:
    """A motion of the image, applied to the maps of one layer.

    Attributes:
        sources: positions × neighbors: where each position of the moved map takes its value from; one past the last
            position is everything beyond the edge.
        weights: float32, the same shape: of each source.
        inside: bool, positions: where the receptive field is within the image, before and after.
    """

    sources: Tensor
    weights: Tensor
    inside: Tensor

    def follow(self, maps: Tensor) -> Tensor:
        """Return maps with their edge moved along with the image, without the edge."""
        table = maps.flatten(1)  # positions + 1, N*C
        moved = functional.embedding_bag(self.sources, table, mode="sum", per_sample_weights=self.weights)
        return moved.view(-1, *maps.shape[1:])


class ImageMotion:
    """A motion of the images of a network, for each of its layers; what layers have in common is computed once.

    Args:
        planned: of the network.
        motion: of the image.
        wrap: maps are periodic.
    """

    def __init__(self, planned: NetworkPlan, motion: Motion, *, wrap: bool = False) -> None:
        self._sides = (planned.height, planned.width)
        self._motion, self._wrap = motion, wrap
        self._pulled: dict[Lattice, tuple[Tensor, Tensor]] = {}
        self._sources: dict[Lattice, tuple[Tensor, Tensor]] = {}
        image = Lattice.of_image(*self._sides)
        rows, columns = image.pulled(motion)
        came_in = (rows < 0) | (rows > image.rows - 1) | (columns < 0) | (columns > image.columns - 1)
        self._entered = torch.zeros(self._sides[0] + 1, self._sides[1] + 1, dtype=torch.float64)
        self._entered[1:, 1:] = came_in.double().cumsum(0).cumsum(1)  # a summed-area table

    def over(self, layer: PlannedLayer) -> Movement:
        """Return the movement for a layer."""
        fields = (layer.field_rows, layer.field_columns)
        lattice = Lattice(
            rows=layer.rows,
            columns=layer.columns,
            start=(float(fields[0].center), float(fields[1].center)),
            stride=(float(fields[0].stride), float(fields[1].stride)),
            center=((self._sides[0] - 1) / 2, (self._sides[1] - 1) / 2),
        )
        if lattice not in self._pulled:
            rows, columns = lattice.pulled(self._motion)
            around = neighbors(rows, columns, (layer.rows, layer.columns), wrap=self._wrap)
            self._pulled[lattice] = rows, columns
            self._sources[lattice] = (
                torch.stack([index.flatten() for index, _ in around], dim=1),
                torch.stack([weight.flatten() for _, weight in around], dim=1).float(),
            )
        sources, weights = self._sources[lattice]
        inside = self._within(layer, self._pulled[lattice]) & ~self._sees_what_entered(layer)
        return Movement(sources=sources, weights=weights, inside=inside.flatten())

    def _within(self, layer: PlannedLayer, pulled: tuple[Tensor, Tensor]) -> Tensor:
        """Return at which positions the receptive field is within the image, before and after."""
        rows, columns = pulled
        positions = (torch.arange(layer.rows)[:, None].expand_as(rows), torch.arange(layer.columns).expand_as(columns))
        inside = torch.ones_like(rows, dtype=torch.bool)
        fields = (layer.field_rows, layer.field_columns)
        for here, there, field, side in zip(positions, pulled, fields, self._sides, strict=True):
            for position in (here, there.floor(), there.ceil()):
                first = float(field.start) + position * float(field.stride)
                inside &= (first > _ROUNDING - 1) & (first + field.size < side + 1 - _ROUNDING)
        return inside

    def _sees_what_entered(self, layer: PlannedLayer) -> Tensor:
        """Return at which positions the receptive field in the moved image has a pixel from beyond the edge."""
        sums, ends = self._entered, []
        counts = ((layer.field_rows, layer.rows), (layer.field_columns, layer.columns))
        for (field, count), side in zip(counts, self._sides, strict=True):
            first, end = torch.tensor(field.starts(count)), torch.tensor(field.ends(count))
            ends.append((first.clamp(0, side), end.clamp(0, side)))
        (top, bottom), (left, right) = ends
        marks = sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left]
        return marks > 0


class Distance:
    """Squared distances between the clean and the distorted maps of one layer, summed over images."""

    def __init__(self, moved: Movement | None) -> None:
        self._moved = moved
        self._count = 0
        self._changed = self._residual = self._changed_inside = self._residual_inside = 0.0

    def add(self, clean: Tensor, distorted: Tensor) -> None:
        """Add the maps of some images, positions × N × C; the clean ones have their edge."""
        self._count += clean.shape[1]
        changed = _squared(distorted, clean[:-1])
        self._changed += float(changed.sum())
        if self._moved is None:
            return
        residual = _squared(distorted, self._moved.follow(clean))
        self._residual += float(residual.sum())
        self._changed_inside += float((changed * self._moved.inside).sum())
        self._residual_inside += float((residual * self._moved.inside).sum())

    def compared(self, variation: Variation) -> LayerChange:
        """Return the distances as fractions of that between two different images."""
        whole = variation.between()
        if self._moved is None:
            return LayerChange(changed=self._fraction(self._changed, whole))
        inside = variation.between(self._moved.inside) if bool(self._moved.inside.any()) else 0.0
        return LayerChange(
            changed=self._fraction(self._changed, whole),
            residual=self._fraction(self._residual, whole),
            changed_inside=self._fraction(self._changed_inside, inside),
            residual_inside=self._fraction(self._residual_inside, inside),
        )

    def _fraction(self, total: float, between: float) -> float | None:
        fraction = total / self._count / between if between > 0 and self._count else math.nan
        return fraction**0.5 if math.isfinite(fraction) else None


def _squared(first: Tensor, second: Tensor) -> Tensor:
    """Return the squared distance at each position, summed over images and maps, float64."""
    norms: Tensor = torch.linalg.vector_norm(first - second, dim=(1, 2))
    return norms.double().square()
