"""The stages of a layout: convolution (weights shared or local), pooling and fully connected units, as records."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from convscope.core.errors import LayoutError, choose
from convscope.layers.geometry import LARGEST_PATCH, LARGEST_UNITS, MapShape, Window, check_range, same_padding
from convscope.layers.kinds import Convolution, Linear, LocallyConnected, Pooling
from convscope.layers.layer import Layer
from convscope.layers.pooling import POOLINGS, PoolingKind


@dataclass(frozen=True, kw_only=True)
class ConvolutionStage:
    """`units` hidden units, each seeing one patch × patch window of all input maps, at every position.

    By default the weights of a unit are shared by all positions.

    Attributes:
        units: number of feature maps.
        patch: side of the patch, in pixels of the map below.
        stride: distance between neighboring positions.
        padding: ``same`` (zeros around: stride 1 keeps the side, stride s gives side / s, rounded up) or ``valid``
            (none).
        residual: add the input to the output, before the nonlinearity.
        regions: weights are shared within each of regions × regions regions of the map: 1 is a convolution;
            None gives each position weights of its own (locally connected).

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the padding is neither of the two.

    Examples:
        >>> str(ConvolutionStage(units=32, patch=5, stride=2, padding="valid"))
        '32C5/2v'
        >>> str(ConvolutionStage(units=32, patch=5, regions=None)), str(ConvolutionStage(units=32, patch=5, regions=4))
        ('32U5', '32U5:4')
    """

    NAME: ClassVar[str] = "convolution"

    units: int
    patch: int
    stride: int = 1
    padding: Literal["same", "valid"] = "same"
    residual: bool = False
    regions: int | None = 1

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_range("units", self.units, LARGEST_UNITS)
        check_range("patch", self.patch, LARGEST_PATCH)
        check_range("stride", self.stride, LARGEST_PATCH)
        choose("padding", self.padding, ("same", "valid"))
        if self.regions is not None:
            check_range("regions", self.regions, LARGEST_PATCH)

    def __str__(self) -> str:
        """Return the notation, for example ``32C5/2v``."""
        stride = f"/{self.stride}" if self.stride != 1 else ""
        ending = "v" if self.padding == "valid" else ""
        plus, letter = "+" if self.residual else "", "C" if self.regions == 1 else "U"
        regions = "" if self.regions in (1, None) else f":{self.regions}"
        return f"{plus}{self.units}{letter}{self.patch}{regions}{stride}{ending}"

    @property
    def window(self) -> Window:
        """The sliding window along one side."""
        before, after = same_padding(self.patch) if self.padding == "same" else (0, 0)
        return Window(kernel=self.patch, stride=self.stride, before=before, after=after)

    @property
    def inputs(self) -> int:
        """How many times its layer reads what is below: twice where that is added, too."""
        return 1 + self.residual

    def layer(self, below: MapShape) -> Layer:
        """Return the layer that it is on maps of the shape `below`.

        Raises:
            LayoutError: there are fewer positions than regions.
        """
        window = self.window
        if self.regions == 1:
            return Convolution(units=self.units, rows=window, columns=window)
        regions = self.regions_over(window.positions(below.rows), window.positions(below.columns))
        return LocallyConnected(units=self.units, window=window, regions=regions)

    def regions_over(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the regions with weights of their own, down and across, of rows × columns positions.

        Raises:
            LayoutError: there are fewer positions than regions.
        """
        regions = (rows, columns) if self.regions is None else (self.regions, self.regions)
        if regions[0] > rows or regions[1] > columns:
            raise LayoutError(
                f"{self} must have at least {self.regions} positions down and across, one a region. "
                f"Got {columns}x{rows}. Use fewer regions, or {self.units}U{self.patch} for weights of their own at "
                "each position."
            )
        return regions


@dataclass(frozen=True, kw_only=True)
class ConnectedStage:
    """`units` hidden units that see everything below (fully connected).

    Raises:
        LayoutError: the number is out of range.
    """

    NAME: ClassVar[str] = "linear"
    inputs: ClassVar[int] = 1

    units: int

    def __post_init__(self) -> None:
        """Validate the numbers."""
        check_range("units", self.units, LARGEST_UNITS)

    def __str__(self) -> str:
        """Return the notation, for example ``128N``."""
        return f"{self.units}N"

    def layer(self, below: MapShape) -> Layer:
        """Return the layer that it is on maps of the shape `below`."""
        del below
        return Linear(units=self.units)


@dataclass(frozen=True, kw_only=True)
class PoolingStage:
    """One value for each window × window positions, every `stride` positions; for the whole map if `window` is None.

    Windows that do not fit at the right and lower edge are left out.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the code is not in `POOLINGS`.

    Examples:
        >>> str(PoolingStage(code="MP", window=3, stride=2)), str(PoolingStage(code="AP", window=None, stride=1))
        ('MP3/2', 'APg')
    """

    NAME: ClassVar[str] = "pooling"
    inputs: ClassVar[int] = 1

    code: str
    window: int | None
    stride: int

    def __post_init__(self) -> None:
        """Validate the code and the ranges."""
        choose("code", self.code, POOLINGS)
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
    def phrase(self) -> str:
        """What it computes, in words, for example “the largest value of each window”."""
        return f"{self.kind.phrase} of {'each window' if self.window else 'the whole map'}"

    @property
    def kind(self) -> PoolingKind:
        """The way of pooling, from the family's list."""
        return POOLINGS[self.code]

    def layer(self, below: MapShape) -> Layer:
        """Return the layer that it is on maps of the shape `below`."""
        del below
        window = None if self.window is None else Window(kernel=self.window, stride=self.stride)
        return Pooling(code=self.code, rows=window, columns=window)

    def build(self) -> nn.Module:
        """Return the module: N C H W → N C h w."""
        if self.window is None:
            return self.kind.whole()
        return self.kind.windowed(self.window, self.stride)
