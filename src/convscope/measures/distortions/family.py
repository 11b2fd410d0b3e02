"""The family of distortions: name, unit, range, strengths, words, and how each is applied to images.

To add one that moves the image, write its motion in `motions`; for another, its function in `pixels`; then one
`Distortion` in `DISTORTIONS`. The checks of the family do the rest.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convscope.core.errors import DataError, ParameterError, did_you_mean

from . import motions, pixels
from .motions import Lattice, MotionOf, resample

Change = Callable[[Tensor, float, list[torch.Generator], Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """One way to change an image.

    Attributes:
        name: for the user.
        unit: of its strength.
        low, high: smallest and largest strength.
        usual: default strengths of a measurement; those in pixels as fractions of the shorter side.
        motion: where pixels are taken from, for a distortion that moves the whole image.
        wrap: whether pixels that leave on one side enter on the other.
        change: for other distortions, from images N C H W to distorted ones.
        compared: strengths in a comparison of variants, like `usual`; empty if it is not part of it.
        group: distortions of a comparison that are reported together, as an adjective of the images.
        title: what a positive strength does; the name if empty.
        directions: what a negative and a positive strength do, with the unit.
    """

    name: str
    unit: str
    low: float
    high: float
    usual: tuple[float, ...]
    motion: MotionOf | None = None
    wrap: bool = False
    change: Change | None = None
    compared: tuple[float, ...] = ()
    group: str = ""
    title: str = ""
    directions: tuple[str, str] = ("", "")

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


def _elastic(images: Tensor, strength: float, generators: list[torch.Generator], background: Tensor) -> Tensor:
    height, width = images.shape[2:]
    fields = torch.stack([motions.elastic_field(height, width, generator=generator) for generator in generators])
    rows, columns = Lattice.of_image(height, width).pulled(lambda down, across: (down, across))
    fields = strength * fields
    return resample(images, rows + fields[:, 0], columns + fields[:, 1], background)


_SHIFTS = (-0.5, -0.375, -0.25, -0.125, -0.07, -0.035, 0.035, 0.07, 0.125, 0.25, 0.375, 0.5)  # to half the side
_COMPARED_SHIFTS = (-0.3, -0.215, -0.145, -0.07, -0.035, 0.035, 0.07, 0.145, 0.215, 0.3)
_FAR = 1e6

DISTORTIONS: dict[str, Distortion] = {
    distortion.name: distortion
    for distortion in (
        Distortion(
            name="shift-x",
            unit="px",
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(0),
            compared=_COMPARED_SHIFTS,
            group="shifted",
            title="Shifted right",
            directions=("shifted left (px)", "shifted right (px)"),
        ),
        Distortion(
            name="shift-y",
            unit="px",
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(90),
            compared=_COMPARED_SHIFTS,
            group="shifted",
            title="Shifted down",
            directions=("shifted up (px)", "shifted down (px)"),
        ),
        Distortion(name="shift-diagonal", unit="px", low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motions.shift(45)),
        Distortion(
            name="circular-shift-x", unit="px", low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motions.shift(0), wrap=True
        ),
        Distortion(
            name="rotation",
            unit="degrees",
            low=-180,
            high=180,
            usual=(-45, -30, -20, -10, -5, 5, 10, 20, 30, 45),
            motion=motions.rotation,
            compared=(-60, -45, -30, -20, -10, 10, 20, 30, 45, 60),
            group="rotated",
            title="Rotated clockwise",
            directions=("rotated counter-clockwise (degrees)", "rotated clockwise (degrees)"),
        ),
        Distortion(
            name="scale",
            unit="ratio - 1",
            low=-0.9,
            high=9,
            usual=(-0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0),
            motion=motions.scale,
            compared=(-0.5, -0.35, -0.2, -0.1, 0.1, 0.25, 0.5, 1.0),
            group="scaled",
            title="Scaled up",
            directions=("scaled down (factor)", "scaled up (factor)"),
        ),
        Distortion(
            name="shear", unit="degrees", low=-80, high=80, usual=(-30, -20, -10, 10, 20, 30), motion=motions.shear
        ),
        Distortion(
            name="perspective",
            unit="fraction",
            low=-0.9,
            high=0.9,
            usual=(-0.4, -0.2, 0.2, 0.4),
            motion=motions.perspective,
        ),
        Distortion(
            name="elastic",
            unit="px",
            low=0,
            high=_FAR,
            usual=(0.02, 0.04, 0.08, 0.125),
            change=_elastic,
            compared=(0.02, 0.04, 0.08, 0.125),
            group="deformed",
            title="Deformed (elastic)",
            directions=("", "deformed (px)"),
        ),
        Distortion(
            name="blur",
            unit="px",
            low=0,
            high=1_000,
            usual=(0.02, 0.04, 0.07, 0.125),
            change=lambda images, strength, _, background: pixels.blurred(images, strength, background),
        ),
        Distortion(
            name="noise",
            unit="fraction of the range",
            low=0,
            high=10,
            usual=(0.05, 0.1, 0.2, 0.4),
            change=lambda images, strength, generators, _: pixels.noisy(images, strength, generators),
            compared=(0.05, 0.1, 0.2, 0.4),
            group="noisy",
            title="Noisy",
            directions=("", "noisy (fraction of the range)"),
        ),
        Distortion(
            name="contrast",
            unit="ratio - 1",
            low=-1,
            high=10,
            usual=(-0.8, -0.5, -0.2, 0.2, 0.5, 1.0),
            change=lambda images, strength, *_: pixels.contrasted(images, strength),
        ),
        Distortion(
            name="brightness",
            unit="fraction of the range",
            low=-1,
            high=1,
            usual=(-0.4, -0.2, -0.1, 0.1, 0.2, 0.4),
            change=lambda images, strength, *_: pixels.brightened(images, strength),
        ),
        Distortion(
            name="occlusion",
            unit="fraction of the side",
            low=0,
            high=1,
            usual=(0.1, 0.2, 0.3, 0.5),
            change=lambda images, strength, generators, _: pixels.occluded(images, strength, generators),
        ),
        Distortion(
            name="jpeg",
            unit="100 - quality",
            low=0,
            high=99,
            usual=(25, 50, 75, 90),
            change=lambda images, strength, *_: pixels.compressed(images, strength),
        ),
    )
}


GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(distortion.name for distortion in DISTORTIONS.values() if distortion.group == group)
    for group in dict.fromkeys(distortion.group for distortion in DISTORTIONS.values() if distortion.group)
}
"""Names of the distortions of a comparison, by the group that they are reported in."""


def title_of(name: str) -> str:
    """Return the title of a distortion, or its name."""
    return (DISTORTIONS[name].title if name in DISTORTIONS else "") or name


def distortion_named(name: str) -> Distortion:
    """Return the distortion; ``shift@30`` is the shift in the direction of 30 degrees (0 to the right, 90 down).

    Raises:
        ParameterError: there is none of that name.

    Examples:
        >>> distortion_named("rotation").unit, distortion_named("shift@30").name
        ('degrees', 'shift@30')
    """
    if name in DISTORTIONS:
        return DISTORTIONS[name]
    if match := re.fullmatch(r"shift@(-?\d{1,4}(?:\.\d{1,6})?)", name):
        motion = motions.shift(float(match[1]))
        return Distortion(name=name, unit="px", low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motion)
    if name.startswith("shift@"):
        raise ParameterError(
            "A shift in a direction must be shift@DEGREES, with a number from -9999 to 9999 such as shift@30. Got "
            f"{name!r}."
        )
    names = ", ".join(DISTORTIONS)
    raise ParameterError(
        f"A distortion must be one of {names}, shift@DEGREES. Got {name!r}.{did_you_mean(name, DISTORTIONS)}"
    )


def distort(
    images: Tensor,
    distortion: Distortion,
    strength: float,
    *,
    background: Sequence[float] = (0.0,),
    seed: int = 0,
    first: int = 0,
) -> Tensor:
    """Return the distorted images; the same tensor at strength 0.

    Randomness depends on the seed and the index of each image, not on the batch.

    Args:
        images: float32 N C H W, from 0 to 255.
        distortion: how they are changed.
        strength: in the distortion's unit.
        background: values that fill empty edges, one a channel, or one for all.
        seed: of random distortions.
        first: index of the first image in its dataset.

    Raises:
        ParameterError: the strength is out of range.
        DataError: the images hold values that are not finite numbers.

    Examples:
        >>> images = torch.arange(9.0).view(1, 1, 3, 3)
        >>> distort(images, DISTORTIONS["shift-x"], 1)[0, 0].tolist()
        [[0.0, 0.0, 1.0], [0.0, 3.0, 4.0], [0.0, 6.0, 7.0]]
        >>> distort(images, DISTORTIONS["blur"], 0) is images
        True
    """
    distortion.check(strength)
    if not bool(torch.isfinite(images).all()):
        raise DataError("`images` must hold finite numbers. Got NaN or infinity. Remove these images.")
    if strength == 0 or not len(images):
        return images
    behind = torch.tensor(tuple(background), dtype=images.dtype)[:, None, None]  # C 1 1
    if distortion.motion is not None:
        height, width = images.shape[2:]
        rows, columns = Lattice.of_image(height, width).pulled(distortion.motion(strength, (height, width)))
        return resample(images, rows, columns, behind, wrap=distortion.wrap)
    if distortion.change is None:
        raise AssertionError  # every distortion has a motion or a change
    generators = [generator_of(seed, first + index) for index in range(len(images))]
    return distortion.change(images, strength, generators, behind)


def fraction_outside(images: Tensor, moved: Tensor, background: Sequence[float] = (0.0,)) -> float:
    """Return the fraction of the difference from the background that has moved out of the image, 0…1."""
    behind = torch.tensor(tuple(background), dtype=images.dtype)[:, None, None]
    before, after = ((values - behind).abs().sum().item() for values in (images, moved))
    return max(0.0, 1 - after / before) if before else 0.0


def with_margin(images: Tensor, margin_px: int, background: Sequence[float] = (0.0,)) -> Tensor:
    """Return the images shrunk to leave a margin of background on all sides; their size is the same.

    Raises:
        ParameterError: the margin leaves no image.
    """
    height, width = images.shape[2:]
    if not 0 <= 2 * margin_px < min(height, width):
        raise ParameterError(
            f"`margin` must be from 0 to {(min(height, width) - 1) // 2} px, less than half the side. Got {margin_px}."
        )
    if margin_px == 0:
        return images
    size = (height - 2 * margin_px, width - 2 * margin_px)
    small = torch.nn.functional.interpolate(images, size=size, mode="bilinear", antialias=True)
    result = (
        torch.tensor(tuple(background), dtype=images.dtype)[:, None, None]
        .expand(len(images), images.shape[1], height, width)
        .clone()
    )
    result[:, :, margin_px : height - margin_px, margin_px : width - margin_px] = small
    return result


def generator_of(seed: int, index: int) -> torch.Generator:
    """Return the random generator of one image."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, index]).generate_state(1)[0]))
