"""Units that see patches, with shared or local weights, and fully connected units."""

from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import LayoutError, choose

from .geometry import LARGEST_PATCH, Window, check_range, same_padding

LARGEST_UNITS = 65_536


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """`units` hidden units, each seeing one patch × patch window of all input maps, at every position.

    By default the weights of a unit are shared by all positions.

    Attributes:
        units: number of feature maps.
        patch: side of the patch, in pixels of the map below.
        stride: distance between neighbouring positions.
        padding: ``same`` (zeros around: stride 1 keeps the side, stride s gives side / s, rounded up) or ``valid``
            (none).
        residual: add the input to the output, before the nonlinearity.
        regions: weights are shared within each of regions × regions regions of the map: 1 is a convolution;
            None gives each position weights of its own (locally connected).

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the padding is neither of the two.

    Examples:
        >>> str(Convolution(units=32, patch=5, stride=2, padding="valid"))
        '32C5/2v'
        >>> str(Convolution(units=32, patch=5, regions=None)), str(Convolution(units=32, patch=5, regions=4))
        ('32U5', '32U5:4')
    """

    units: int
    patch: int
    stride: int = 1
    padding: Literal["same", "valid"] = "same"
    residual: bool = False
    regions: int | None = 1

    def __post_init__(self) -> None:
        """Refuse numbers that no network can have."""
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
class Connected:
    """`units` hidden units that see everything below (fully connected).

    Raises:
        LayoutError: the number is out of range.
    """

    units: int

    def __post_init__(self) -> None:
        """Refuse numbers that no network can have."""
        check_range("units", self.units, LARGEST_UNITS)

    def __str__(self) -> str:
        """Return the notation, for example ``128N``."""
        return f"{self.units}N"
