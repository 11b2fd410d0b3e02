"""Convolution: units copied to every place of the input, and fully connected units as the end of that road."""

from dataclasses import dataclass
from typing import Literal

from convscope.core.errors import choose

from .geometry import LARGEST_PATCH, Window, check_range, same_padding

LARGEST_UNITS = 65_536


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """`units` hidden units, each seeing one patch × patch window of all input maps, copied to every place.

    Attributes:
        units: number of feature maps.
        patch: side of the patch, in pixels of the map below.
        stride: distance between neighbouring places.
        padding: ``same`` (zeros around: stride 1 keeps the side, stride s gives side / s, rounded up) or ``valid``
            (none).
        residual: add the input to the output, before the nonlinearity.

    Raises:
        LayoutError: a number is out of range.
        ParameterError: the padding is neither of the two.

    Examples:
        >>> str(Convolution(units=32, patch=5, stride=2, padding="valid"))
        '32C5/2v'
    """

    units: int
    patch: int
    stride: int = 1
    padding: Literal["same", "valid"] = "same"
    residual: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no network can have."""
        check_range("units", self.units, LARGEST_UNITS)
        check_range("patch", self.patch, LARGEST_PATCH)
        check_range("stride", self.stride, LARGEST_PATCH)
        choose("padding", self.padding, ("same", "valid"))

    def __str__(self) -> str:
        """Return the notation, for example ``32C5/2v``."""
        stride = f"/{self.stride}" if self.stride != 1 else ""
        ending = "v" if self.padding == "valid" else ""
        return f"{'+' if self.residual else ''}{self.units}C{self.patch}{stride}{ending}"

    @property
    def window(self) -> Window:
        """The sliding window along one side."""
        before, after = same_padding(self.patch) if self.padding == "same" else (0, 0)
        return Window(kernel=self.patch, stride=self.stride, before=before, after=after)


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
