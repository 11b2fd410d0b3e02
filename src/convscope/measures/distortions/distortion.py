"""One distortion: name, unit, range, strengths, words, and how it is applied to images."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.core.text import counted

from .motions import Lattice, MotionOf

Change = Callable[[Tensor, float, list[torch.Generator], Tensor], Tensor]

_AMOUNTS: dict[str, Callable[[float], str]] = {
    "px": lambda strength: counted(abs(strength), "pixel"),
    "degrees": lambda strength: counted(abs(strength), "degree"),
    "ratio - 1": lambda strength: f"{round(100 * (1 + strength))} %",
    "fraction": lambda strength: f"{round(100 * abs(strength))} %",
    "fraction of the range": lambda strength: f"{round(100 * abs(strength))} % of the range",
    "fraction of the side": lambda strength: f"a square of {round(100 * strength)} % of the side",
    "100 - quality": lambda strength: f"quality {round(100 - strength)}",
}
"""A strength in words, by its unit; without one here it is a number with its unit."""


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """One way to change an image.

    Attributes:
        name: for the user.
        unit: of its strength.
        ways: what a negative and a positive strength do, in words that the amount completes; empty for none.
        low, high: smallest and largest strength.
        usual: default strengths of a measurement; those in pixels as fractions of the shorter side.
        motion: where pixels are taken from, for a distortion that moves the whole image.
        wrap: whether pixels that leave on one side enter on the other.
        change: for other distortions, from images N C H W to distorted ones.
        compared: strengths in a comparison of variants, like `usual`; empty if it is not part of it.
        group: distortions of a comparison that are reported together, as an adjective of the images.
    """

    name: str
    unit: str
    ways: tuple[str, str]
    low: float
    high: float
    usual: tuple[float, ...]
    motion: MotionOf | None = None
    wrap: bool = False
    change: Change | None = None
    compared: tuple[float, ...] = ()
    group: str = ""

    @property
    def title(self) -> str:
        """What a positive strength does."""
        way = self.way(1)
        return way[:1].upper() + way[1:]

    def way(self, sign: int) -> str:
        """Return what a strength of this sign does, without the amount; empty if there is none."""
        return self.ways[sign > 0].rpartition(" ")[0]

    def amount(self, strength: float) -> str:
        """Return a strength in words, without its sign."""
        text = _AMOUNTS.get(self.unit)
        return text(strength) if text else f"{abs(strength):g} {self.unit}"

    def phrase(self, strength: float) -> str:
        """Return what is done to an image, in words.

        Examples:
            >>> from convscope.measures.distortions.family import DISTORTIONS
            >>> DISTORTIONS["shift-x"].phrase(-2), DISTORTIONS["noise"].phrase(0.1), DISTORTIONS["scale"].phrase(0.25)
            ('moved to the left by 2 pixels', 'noise of 10 % of the range', 'enlarged to 125 %')
        """
        return f"{self.ways[strength >= 0]} {self.amount(strength)}"

    def strengths(self, side: int, relative: tuple[float, ...] = ()) -> tuple[float, ...]:
        """Return strengths for images with this shorter side; those in pixels are rounded to halves.

        Args:
            side: in pixels.
            relative: as in `usual`, which is the default.
        """
        strengths = relative or self.usual
        if self.unit != "px":
            return strengths
        return tuple(sorted({round(2 * fraction * side) / 2 for fraction in strengths} - {0.0}))

    def check(self, strength: float) -> None:
        """Raise ParameterError unless the strength is within the range."""
        if not self.low <= strength <= self.high:
            raise ParameterError(
                f"The strength of {self.name} must be from {self.low:g} to {self.high:g} ({self.unit}). "
                f"Got {strength:g}."
            )

    def check_on(self, strength: float, sides: tuple[int, int]) -> None:
        """Check a strength for images of this height and width.

        Raises:
            ParameterError: it is out of range, it moves the whole image out, or it is in pixels and longer than the
                longer side.

        Examples:
            >>> from convscope.measures.distortions.family import DISTORTIONS
            >>> DISTORTIONS["shift-x"].check_on(7.5, (8, 8))
            >>> DISTORTIONS["shift-x"].check_on(8, (8, 8))
            Traceback (most recent call last):
            convscope.core.errors.ParameterError: The strength of shift-x must leave a part of the image of 8x8 pixels \
            inside. Got 8 (px). Give one nearer to 0.
        """
        self.check(strength)
        height, width = sides
        if self.motion is not None and not self.wrap:
            rows, columns = Lattice.of_image(height, width).pulled(self.motion(strength, sides))
            if not bool(((rows > -1) & (rows < height) & (columns > -1) & (columns < width)).any()):
                raise ParameterError(
                    f"The strength of {self.name} must leave a part of the image of {width}x{height} pixels inside. "
                    f"Got {strength:g} ({self.unit}). Give one nearer to 0."
                )
        elif self.unit == "px" and abs(strength) > max(sides):
            raise ParameterError(
                f"The strength of {self.name} must be at most the longer side of the image, {max(sides)} px. "
                f"Got {strength:g}."
            )
