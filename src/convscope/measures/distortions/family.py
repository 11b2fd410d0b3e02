"""The family of distortions: what each is called, its unit, its range, and how it is applied to images.

To add one that moves the image, write its motion in `motions`; for another, its function in `pixels`; then a line
here. The checks of the family do the rest.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convscope.core.errors import DataError, ParameterError, did_you_mean

from . import motions, pixels
from .motions import MotionOf
from .resampling import Lattice, resample

Change = Callable[[Tensor, float, list[torch.Generator], Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """One way to change an image.

    Attributes:
        name: for the user.
        unit: of its strength.
        low, high: the strengths that it can have.
        usual: strengths that are measured unless others are asked for; those in pixels as parts of the shorter side.
        motion: where pixels are taken from, of a distortion that moves the whole image alike.
        wrap: what leaves on one side comes in on the other.
        change: of a distortion that does not: what it makes of images N C H W.
    """

    name: str
    unit: str
    low: float
    high: float
    usual: tuple[float, ...]
    motion: MotionOf | None = None
    wrap: bool = False
    change: Change | None = None

    def strengths(self, side: int) -> tuple[float, ...]:
        """Return the usual strengths for images with this shorter side; those in pixels are whole or halves."""
        if self.unit != "px":
            return self.usual
        return tuple(sorted({round(2 * part * side) / 2 for part in self.usual} - {0.0}))

    def check(self, strength: float) -> None:
        """Raise ParameterError unless the strength is a number within the range."""
        if not self.low <= strength <= self.high:
            raise ParameterError(
                f"The strength of {self.name} must be from {self.low:g} to {self.high:g} ({self.unit}). "
                f"Got {strength:g}."
            )


def _elastic(images: Tensor, strength: float, generators: list[torch.Generator], background: Tensor) -> Tensor:
    height, width = images.shape[2:]
    fields = torch.stack([motions.elastic_field(height, width, generator=generator) for generator in generators])
    rows, columns = Lattice.of_image(height, width).pulled(lambda down, across: (down, across))
    fields = strength * fields
    return resample(images, rows + fields[:, 0], columns + fields[:, 1], background)


_SHIFTS = (-0.5, -0.375, -0.25, -0.125, -0.07, -0.035, 0.035, 0.07, 0.125, 0.25, 0.375, 0.5)  # to half the side
_FAR = 1e6

DISTORTIONS: dict[str, Distortion] = {
    one.name: one
    for one in (
        Distortion(name="shift-x", unit="px", low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motions.shift(0)),
        Distortion(name="shift-y", unit="px", low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motions.shift(90)),
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
        ),
        Distortion(
            name="scale",
            unit="ratio - 1",
            low=-0.9,
            high=9,
            usual=(-0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0),
            motion=motions.scale,
        ),
        Distortion(
            name="shear", unit="degrees", low=-80, high=80, usual=(-30, -20, -10, 10, 20, 30), motion=motions.shear
        ),
        Distortion(
            name="perspective",
            unit="part",
            low=-0.9,
            high=0.9,
            usual=(-0.4, -0.2, 0.2, 0.4),
            motion=motions.perspective,
        ),
        Distortion(name="elastic", unit="px", low=0, high=_FAR, usual=(0.02, 0.04, 0.08, 0.125), change=_elastic),
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
            unit="part of the range",
            low=0,
            high=10,
            usual=(0.05, 0.1, 0.2, 0.4),
            change=lambda images, strength, generators, _: pixels.noisy(images, strength, generators),
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
            unit="part of the range",
            low=-1,
            high=1,
            usual=(-0.4, -0.2, -0.1, 0.1, 0.2, 0.4),
            change=lambda images, strength, *_: pixels.brightened(images, strength),
        ),
        Distortion(
            name="occlusion",
            unit="part of the side",
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
    if found := re.fullmatch(r"shift@(-?\d{1,4}(?:\.\d{1,6})?)", name):
        motion = motions.shift(float(found[1]))
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
    """Return the images, changed; the very same tensor at strength 0.

    What is left to chance depends on the seed and the number of the image, not on the batch.

    Args:
        images: float32 N C H W, from 0 to 255.
        distortion: how they are changed.
        strength: in the distortion's unit.
        background: what comes in at the edge, one value a channel, or one for all.
        seed: of what is random.
        first: number of the first image in its set.

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
        raise DataError("`images` must hold finite numbers. Got NaN or infinity. Take these images out.")
    if strength == 0 or not len(images):
        return images
    behind = torch.tensor(tuple(background), dtype=images.dtype)[:, None, None]  # C 1 1
    if distortion.motion is not None:
        height, width = images.shape[2:]
        rows, columns = Lattice.of_image(height, width).pulled(distortion.motion(strength, (height, width)))
        return resample(images, rows, columns, behind, wrap=distortion.wrap)
    if distortion.change is None:
        raise AssertionError  # a distortion moves or changes
    generators = [generator_of(seed, first + place) for place in range(len(images))]
    return distortion.change(images, strength, generators, behind)


def share_that_left(images: Tensor, moved: Tensor, background: Sequence[float] = (0.0,)) -> float:
    """Return which part of what differs from the background is no longer in the image, 0…1."""
    behind = torch.tensor(tuple(background), dtype=images.dtype)[:, None, None]
    before, after = ((values - behind).abs().sum().item() for values in (images, moved))
    return max(0.0, 1 - after / before) if before else 0.0


def with_margin(images: Tensor, margin_px: int, background: Sequence[float] = (0.0,)) -> Tensor:
    """Return the images made smaller, with a margin of background on all sides, in the same size.

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


def generator_of(seed: int, number: int) -> torch.Generator:
    """Return the source of what is random for one image."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))
