"""Locally connected units: own weights at each position, or in each region of the map."""

import functools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .geometry import Window


def regions_along(places: int, regions: int) -> list[int]:
    """Return the region of each position along a side; regions differ by at most one position in size.

    Examples:
        >>> regions_along(7, 3)
        [0, 0, 0, 1, 1, 2, 2]
    """
    return [position * regions // places for position in range(places)]


class LocallyConnected2d(nn.Module):
    """Units with weights of their own for each region of the map, as one batched product.

    What a shared convolution computes with one matrix for all places, this computes with one for each region. The bias
    belongs to the unit and is the same everywhere.

    Args:
        channels: maps below.
        units: maps given.
        window: the patch along both sides; zeros before and after are added here.
        regions: down and across.
        places: of the output, down and across.
        bias: whether the units have one.
    """

    def __init__(
        self,
        channels: int,
        units: int,
        window: Window,
        regions: tuple[int, int],
        places: tuple[int, int],
        *,
        bias: bool,
    ) -> None:
        super().__init__()
        self.window, self.regions, self.places = window, regions, places
        self.weight = nn.Parameter(torch.empty(*regions, units, channels, window.kernel, window.kernel))
        self.bias = nn.Parameter(torch.empty(units)) if bias else None

    def forward(self, maps: Tensor) -> Tensor:
        """Return N units h w from maps N C H W."""
        return locally_connected(maps, self.weight, self.bias, window=self.window, places=self.places)


def locally_connected(
    maps: Tensor, weight: Tensor, bias: Tensor | None, *, window: Window, places: tuple[int, int]
) -> Tensor:
    """Return N units h w from maps N C H W, as one product a region.

    Args:
        maps: N C H W, without the zeros around them.
        weight: regions down × regions across × units × C × k × k.
        bias: one a unit.
        window: the patch along both sides.
        places: of the output, down and across.
    """
    (rows, columns), (down, across) = places, (weight.shape[0], weight.shape[1])
    padded = functional.pad(maps, (window.before, window.after) * 2)
    patches = functional.unfold(padded, window.kernel, stride=window.stride)
    patches = patches.view(*patches.shape[:2], rows, columns)  # N C*k*k h w
    even = rows % down == 0 and columns % across == 0
    (down_spread, down_gather), (across_spread, across_gather) = _even(rows, down), _even(columns, across)
    if not even:  # regions of one size, with places that stand twice
        patches = patches[:, :, down_spread][:, :, :, across_spread]
    count, inputs, height, width = patches.shape
    patches = patches.view(count, inputs, down, height // down, across, width // across)
    patches = patches.permute(2, 4, 0, 3, 5, 1).reshape(down * across, -1, inputs)  # a matrix for each region
    weights = weight.flatten(3).flatten(0, 1).transpose(1, 2)  # down*across C*k*k units
    values = (patches @ weights).view(down, across, count, height // down, width // across, -1)
    values = values.permute(2, 5, 0, 3, 1, 4).reshape(count, -1, height, width)
    if not even:
        values = values[:, :, down_gather][:, :, :, across_gather]
    return values if bias is None else values + bias[:, None, None]


@functools.lru_cache(maxsize=64)
def _even(places: int, regions: int) -> tuple[Tensor, Tensor]:
    """Return the positions, region by region, so that all are as large as the largest, and where each position went."""
    region = regions_along(places, regions)
    size = math.ceil(places / regions)
    members = [[position for position, owner in enumerate(region) if owner == part] for part in range(regions)]
    spread = [position for part in members for position in part + part[-1:] * (size - len(part))]
    with torch.inference_mode(mode=False):  # they are stored, and a pass with gradients may use them next
        return torch.tensor(spread), torch.tensor([spread.index(position) for position in range(places)])
