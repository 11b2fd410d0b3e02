"""How far maps are from other maps: sums over images, gathered batch after batch, and what they come to."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from convscope.layers.planned import PlannedLayer
from convscope.networks.plan import Plan

from .distortions.resampling import Lattice, Motion, neighbours
from .invariance_record import LayerChange


def by_place(maps: Tensor) -> Tensor:
    """Return maps N C h w as h*w places × N images × C: what is done to a place is done to one row of memory."""
    return maps.permute(2, 3, 0, 1).flatten(0, 1).contiguous()


def with_edge(maps: Tensor, empty: Tensor) -> Tensor:
    """Return maps, places × N × C, with one more place for all that lies beyond the edge: `empty`, C values."""
    return torch.cat([maps, empty.expand(1, *maps.shape[1:])])


class Variation:
    """How much the maps of one layer differ between images, value by value."""

    def __init__(self) -> None:
        self.count = 0
        self._sum: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, maps: Tensor) -> None:
        """Take in the maps of some images, places × N × C."""
        values = maps.double()
        total, squares = values.sum(1), values.square().sum(1)
        self._sum = total if self._sum is None else self._sum + total
        self._squares = squares if self._squares is None else self._squares + squares
        self.count += maps.shape[1]

    def between(self, inside: Tensor | None = None) -> float:
        """Return the mean squared distance of two different images, over all places or those `inside`."""
        if self._sum is None or self._squares is None or self.count < 2:
            return 0.0
        variance = (self._squares - self._sum.square() / self.count).clamp_min(0) / (self.count - 1)
        places = variance.sum(1)
        return 2 * float((places if inside is None else places * inside).sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Moved:
    """What a motion of the image means for the maps of one layer.

    Attributes:
        sources: places × neighbours: where each place of the moved map takes its value from; one past the last place
            stands for what lies beyond the edge.
        weights: float32, the same: of each.
        inside: float64, places: 1 at those that see only image, before and after.
    """

    sources: Tensor
    weights: Tensor
    inside: Tensor

    @staticmethod
    def of(layer: PlannedLayer, planned: Plan, motion: Motion, *, wrap: bool = False) -> "Moved":
        """Return it for a layer of a network; with `wrap`, beyond the edge the map begins again."""
        fields = (layer.field_rows, layer.field_columns)
        lattice = Lattice(
            rows=layer.rows,
            columns=layer.columns,
            start=(float(fields[0].center), float(fields[1].center)),
            stride=(float(fields[0].stride), float(fields[1].stride)),
            middle=((planned.height - 1) / 2, (planned.width - 1) / 2),
        )
        rows, columns = lattice.pulled(motion)
        places = (torch.arange(layer.rows)[:, None].expand_as(rows), torch.arange(layer.columns).expand_as(columns))
        inside = torch.ones_like(rows)
        sides = (planned.height, planned.width)
        for here, there, field, side in zip(places, (rows, columns), fields, sides, strict=True):
            for place in (here, there.floor(), there.ceil()):
                first = field.start + place * field.stride
                inside = inside * ((first >= 0) & (first + field.size <= side))
        image = Lattice.of_image(*sides)
        around = neighbours(rows, columns, (layer.rows, layer.columns), wrap=wrap)
        return Moved(
            sources=torch.stack([place.flatten() for place, _ in around], dim=1),
            weights=torch.stack([weight.flatten() for _, weight in around], dim=1).float(),
            inside=(inside * _seen(image, layer, motion)).flatten(),
        )

    def follow(self, maps: Tensor) -> Tensor:
        """Return the maps, with their edge, moved along; without it."""
        table = maps.flatten(1)  # places + 1, N*C
        moved = functional.embedding_bag(self.sources, table, mode="sum", per_sample_weights=self.weights)
        return moved.view(-1, *maps.shape[1:])


def _seen(image: Lattice, layer: PlannedLayer, motion: Motion) -> Tensor:
    """Return 1 at places whose field in the moved image holds no pixel that came in at the edge."""
    rows, columns = image.pulled(motion)
    came_in = (rows < 0) | (rows > image.rows - 1) | (columns < 0) | (columns > image.columns - 1)
    return 1 - _any_in_field(came_in.double(), layer)


def _any_in_field(marked: Tensor, layer: PlannedLayer) -> Tensor:
    """Return 1 at places of the layer whose field holds a marked pixel; an image's worth of sums answers for all."""
    height, width = marked.shape
    sums = torch.zeros(height + 1, width + 1, dtype=torch.float64)
    sums[1:, 1:] = marked.cumsum(0).cumsum(1)
    ends = []
    for field, places, side in ((layer.field_rows, layer.rows, height), (layer.field_columns, layer.columns, width)):
        first = field.start + torch.arange(places) * field.stride
        ends.append((first.clamp(0, side), (first + field.size).clamp(0, side)))
    (top, bottom), (left, right) = ends
    count = sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left]
    return (count > 0).double()


class Distance:
    """Squared distances of the maps of one layer, before and after a distortion, summed over images."""

    def __init__(self, moved: Moved | None) -> None:
        self._moved = moved
        self._count = 0
        self._changed = self._left = self._changed_inside = self._left_inside = 0.0

    def add(self, before: Tensor, after: Tensor) -> None:
        """Take in the maps of some images, places × N × C; those before come with their edge."""
        self._count += before.shape[1]
        changed = _squared(after, before[:-1])
        self._changed += float(changed.sum())
        if self._moved is None:
            return
        left = _squared(after, self._moved.follow(before))
        self._left += float(left.sum())
        self._changed_inside += float((changed * self._moved.inside).sum())
        self._left_inside += float((left * self._moved.inside).sum())

    def compared(self, variation: Variation) -> LayerChange:
        """Return the distances as parts of that between two different images."""
        whole = variation.between()
        if self._moved is None:
            return LayerChange(changed=self._part(self._changed, whole))
        inside = variation.between(self._moved.inside) if bool(self._moved.inside.any()) else 0.0
        return LayerChange(
            changed=self._part(self._changed, whole),
            left=self._part(self._left, whole),
            changed_inside=self._part(self._changed_inside, inside),
            left_inside=self._part(self._left_inside, inside),
        )

    def _part(self, total: float, between: float) -> float | None:
        share = total / self._count / between if between > 0 and self._count else math.nan
        return share**0.5 if math.isfinite(share) else None


def _squared(first: Tensor, second: Tensor) -> Tensor:
    """Return the squared distance at each place, summed over images and maps, float64."""
    norms: Tensor = torch.linalg.vector_norm(first - second, dim=(1, 2))
    return norms.double().square()
