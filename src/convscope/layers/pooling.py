"""Pooling: one value for each window, so that the map gets smaller and less tied to position.

To add a kind, write its module in `windows` (or take one of torch) and add one line to `KINDS`; layout, building and
checks take it from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from convscope.core.errors import LayoutError, choose

from .geometry import LARGEST_PATCH, Window, check_range
from .windows import BlurredSubset, GlobalMax, GlobalMean, Largest, RootMeanSquare, Stochastic, Subset


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way to subsample.

    Attributes:
        code: letters of the layout notation.
        name: the word for the user.
        windowed: makes the module for a window and a stride.
        whole: makes the module that takes the whole map.
        keeps_order: applying an increasing function before or after gives the same values.
        sees: what a value depends on: the whole window, only its first place, or what is around that place, less than
            a window away.
    """

    code: str
    name: str
    windowed: Callable[[int, int], nn.Module]
    whole: Callable[[], nn.Module]
    keeps_order: bool
    sees: Literal["window", "first", "around"] = "window"


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(code="MP", name="max", windowed=Largest, whole=GlobalMax, keeps_order=True),
        Kind(code="AP", name="mean", windowed=nn.AvgPool2d, whole=GlobalMean, keeps_order=False),
        Kind(code="SS", name="subset", windowed=Subset, whole=Subset, keeps_order=True, sees="first"),
        Kind(code="LP", name="root mean square", windowed=RootMeanSquare, whole=RootMeanSquare, keeps_order=False),
        Kind(code="ST", name="stochastic", windowed=Stochastic, whole=Stochastic, keeps_order=False),
        Kind(
            code="BP",
            name="blurred subset",
            windowed=BlurredSubset,
            whole=BlurredSubset,
            keeps_order=False,
            sees="around",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """One value for each window × window places, every `stride` places; the whole map if `window` is None.

    Windows that do not fit at the right and lower edge are left out.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the code is none of `KINDS`.

    Examples:
        >>> str(Pooling(code="MP", window=3, stride=2)), str(Pooling(code="AP", window=None, stride=1))
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
        """The way of pooling, from the family's list."""
        return KINDS[self.code]

    def window_over(self, size: int) -> Window:
        """Return the sliding window along a side of `size`."""
        if self.window is None:
            return Window(kernel=size, stride=size)
        return Window(kernel=self.window, stride=self.stride)

    def sight_over(self, size: int) -> Window:
        """Return the part of `window_over` that a value depends on; receptive fields grow by it."""
        window = self.window_over(size)
        if self.kind.sees == "first":
            return Window(kernel=1, stride=window.stride)
        if self.kind.sees == "around" and self.window is not None:
            reach = self.window - 1
            return Window(kernel=1 + 2 * reach, stride=window.stride, before=reach, after=reach)
        return window

    def build(self) -> nn.Module:
        """Return the module: N C H W → N C h w."""
        if self.window is None:
            return self.kind.whole()
        return self.kind.windowed(self.window, self.stride)
