"""Subsampling: one value for each window, so that the map gets smaller and less tied to position.

To add a kind, write its module (or take one of torch) and add one line to `KINDS`; layout, building, checks and docs
take it from there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from convscope.core.errors import LayoutError, choose

from .geometry import LARGEST_PATCH, Window, check_range, output_size


class Subset(nn.Module):
    """Keeps the first value (top left) of each window and forgets the rest."""

    def __init__(self, window: int, stride: int) -> None:
        super().__init__()
        self.window, self.stride = window, stride

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C h w from maps N C H W: one value of each window."""
        rows = output_size(maps.shape[2], self.window, self.stride)
        columns = output_size(maps.shape[3], self.window, self.stride)
        return maps[:, :, : rows * self.stride : self.stride, : columns * self.stride : self.stride]


class GlobalMax(nn.Module):
    """Takes the largest value of each map."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C 1 1 from maps N C H W."""
        return torch.amax(maps, dim=(2, 3), keepdim=True)


class GlobalMean(nn.Module):
    """Takes the mean of each map."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C 1 1 from maps N C H W."""
        return maps.mean(dim=(2, 3), keepdim=True)


class GlobalSubset(nn.Module):
    """Keeps the first value (top left) of each map."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return N C 1 1 from maps N C H W."""
        return maps[:, :, :1, :1]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to subsample.

    Attributes:
        code: letters of the layout notation.
        name: the word for the user.
        windowed: makes the module for a window and a stride.
        whole: makes the module that takes the whole map.
        keeps_order: applying an increasing function before or after gives the same values.
        sees_first: a value depends on the first place of its window only, not on the whole window.
    """

    code: str
    name: str
    windowed: Callable[[int, int], nn.Module]
    whole: Callable[[], nn.Module]
    keeps_order: bool
    sees_first: bool = False


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(code="MP", name="max", windowed=nn.MaxPool2d, whole=GlobalMax, keeps_order=True),
        Kind(code="AP", name="mean", windowed=nn.AvgPool2d, whole=GlobalMean, keeps_order=False),
        Kind(code="SS", name="subset", windowed=Subset, whole=GlobalSubset, keeps_order=True, sees_first=True),
    )
}


@dataclass(frozen=True, kw_only=True)
class Subsampling:
    """One value for each window × window places, every `stride` places; the whole map if `window` is None.

    Windows that do not fit at the right and lower edge are left out.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the code is none of `KINDS`.

    Examples:
        >>> str(Subsampling(code="MP", window=3, stride=2)), str(Subsampling(code="AP", window=None, stride=1))
        ('MP3/2', 'APg')
    """

    code: str
    window: int | None
    stride: int

    def __post_init__(self) -> None:
        """Refuse what no network can have."""
        choose("code", self.code, KINDS)
        if self.window is not None:
            check_range("window", self.window, LARGEST_PATCH)
            check_range("stride", self.stride, LARGEST_PATCH)
        elif self.stride != 1:
            raise LayoutError(f"`stride` must be 1 where the window is the whole map. Got {self.stride}.")

    def __str__(self) -> str:
        """Return the notation, for example ``MP2``, ``MP3/2`` or, for the whole map, ``APg``."""
        if self.window is None:
            return f"{self.code}g"
        return f"{self.code}{self.window}" + (f"/{self.stride}" if self.stride != self.window else "")

    @property
    def kind(self) -> Kind:
        """The way of subsampling, from the family's list."""
        return KINDS[self.code]

    def window_over(self, size: int) -> Window:
        """Return the sliding window along a side of `size`."""
        if self.window is None:
            return Window(kernel=size, stride=size)
        return Window(kernel=self.window, stride=self.stride)

    def sight_over(self, size: int) -> Window:
        """Return the part of `window_over` that a value depends on; receptive fields grow by it."""
        window = self.window_over(size)
        return Window(kernel=1, stride=window.stride) if self.kind.sees_first else window

    def build(self) -> nn.Module:
        """Return the module: N C H W → N C h w."""
        if self.window is None:
            return self.kind.whole()
        return self.kind.windowed(self.window, self.stride)
