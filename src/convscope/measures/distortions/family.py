"""The family of distortions, and how each is applied to images.

To add one that moves the image, write its motion in `motions`; for another, its function in `pixels`; then one
`Distortion` in `DISTORTIONS`. The checks of the family do the rest.
"""

import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from convscope.core.errors import DataError, ParameterError, did_you_mean

from . import motions, pixels
from .distortion import Distortion
from .motions import Lattice, resample


def _elastic(images: Tensor, strength: float, generators: list[torch.Generator], background: Tensor) -> Tensor:
    height, width = images.shape[2:]
    fields = torch.stack([motions.elastic_field(height, width, generator=generator) for generator in generators])
    rows, columns = Lattice.of_image(height, width).pulled(lambda down, across: (down, across))
    fields = strength * fields
    return resample(images, rows + fields[:, 0], columns + fields[:, 1], background)


_SHIFTS = (-0.5, -0.375, -0.25, -0.125, -0.07, -0.035, 0.035, 0.07, 0.125, 0.25, 0.375, 0.5)  # to half the side
_COMPARED_SHIFTS = (-0.3, -0.215, -0.145, -0.07, -0.035, 0.035, 0.07, 0.145, 0.215, 0.3)
_FAR = 1e6
_DIRECTED = re.compile(r"shift@(-?\d{1,4}(?:\.\d{1,6})?)")

DISTORTIONS: dict[str, Distortion] = {
    distortion.name: distortion
    for distortion in (
        Distortion(
            name="shift-x",
            unit="px",
            ways=("moved to the left by", "moved to the right by"),
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(0),
            compared=_COMPARED_SHIFTS,
            group="shifted",
        ),
        Distortion(
            name="shift-y",
            unit="px",
            ways=("moved up by", "moved down by"),
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(90),
            compared=_COMPARED_SHIFTS,
            group="shifted",
        ),
        Distortion(
            name="shift-diagonal",
            unit="px",
            ways=("moved to the upper left by", "moved to the lower right by"),
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(45),
        ),
        Distortion(
            name="circular-shift-x",
            unit="px",
            ways=("moved left around the edge by", "moved right around the edge by"),
            low=-_FAR,
            high=_FAR,
            usual=_SHIFTS,
            motion=motions.shift(0),
            wrap=True,
        ),
        Distortion(
            name="rotation",
            unit="degrees",
            ways=("rotated counter-clockwise by", "rotated clockwise by"),
            low=-180,
            high=180,
            usual=(-45, -30, -20, -10, -5, 5, 10, 20, 30, 45),
            motion=motions.rotation,
            compared=(-60, -45, -30, -20, -10, 10, 20, 30, 45, 60),
            group="rotated",
        ),
        Distortion(
            name="scale",
            unit="ratio - 1",
            ways=("shrunk to", "enlarged to"),
            low=-0.9,
            high=9,
            usual=(-0.5, -0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0),
            motion=motions.scale,
            compared=(-0.5, -0.35, -0.2, -0.1, 0.1, 0.25, 0.5, 1.0),
            group="scaled",
        ),
        Distortion(
            name="shear",
            unit="degrees",
            ways=("slanted to the left by", "slanted to the right by"),
            low=-80,
            high=80,
            usual=(-30, -20, -10, 10, 20, 30),
            motion=motions.shear,
        ),
        Distortion(
            name="perspective",
            unit="fraction",
            ways=("tilted toward the viewer by", "tilted away by"),
            low=-0.9,
            high=0.9,
            usual=(-0.4, -0.2, 0.2, 0.4),
            motion=motions.perspective,
        ),
        Distortion(
            name="elastic",
            unit="px",
            ways=("", "elastically deformed by"),
            low=0,
            high=_FAR,
            usual=(0.02, 0.04, 0.08, 0.125),
            change=_elastic,
            compared=(0.02, 0.04, 0.08, 0.125),
            group="deformed",
        ),
        Distortion(
            name="blur",
            unit="px",
            ways=("", "blurred by"),
            low=0,
            high=1_000,
            usual=(0.02, 0.04, 0.07, 0.125),
            change=lambda images, strength, _, background: pixels.blurred(images, strength, background),
        ),
        Distortion(
            name="noise",
            unit="fraction of the range",
            ways=("", "noise of"),
            low=0,
            high=10,
            usual=(0.05, 0.1, 0.2, 0.4),
            change=lambda images, strength, generators, _: pixels.noisy(images, strength, generators),
            compared=(0.05, 0.1, 0.2, 0.4),
            group="noisy",
        ),
        Distortion(
            name="contrast",
            unit="ratio - 1",
            ways=("contrast lowered to", "contrast raised to"),
            low=-1,
            high=10,
            usual=(-0.8, -0.5, -0.2, 0.2, 0.5, 1.0),
            change=lambda images, strength, *_: pixels.contrasted(images, strength),
        ),
        Distortion(
            name="brightness",
            unit="fraction of the range",
            ways=("darkened by", "brightened by"),
            low=-1,
            high=1,
            usual=(-0.4, -0.2, -0.1, 0.1, 0.2, 0.4),
            change=lambda images, strength, *_: pixels.brightened(images, strength),
        ),
        Distortion(
            name="occlusion",
            unit="fraction of the side",
            ways=("", "covered by"),
            low=0,
            high=1,
            usual=(0.1, 0.2, 0.3, 0.5),
            change=lambda images, strength, generators, _: pixels.occluded(images, strength, generators),
        ),
        Distortion(
            name="jpeg",
            unit="100 - quality",
            ways=("", "compressed as JPEG to"),
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
    """Return the title of a distortion; of an unknown one its name."""
    return distortion_named(name).title if _is_known(name) else name


def way_of(name: str, sign: int) -> str:
    """Return what a strength of this sign does, without the amount; of an unknown distortion its name."""
    return distortion_named(name).way(sign) if _is_known(name) else name


def phrase_of(name: str, strength: float) -> str:
    """Return what a distortion does to an image, in words; of an unknown one its name and strength.

    Examples:
        >>> phrase_of("rotation", -30), phrase_of("shift@30", 2), phrase_of("warp", 0.5)
        ('rotated counter-clockwise by 30 degrees', 'moved at 30 degrees by 2 pixels', 'warp 0.5')
    """
    return distortion_named(name).phrase(strength) if _is_known(name) else f"{name} {strength:g}"


def ways_of(name: str) -> str:
    """Return what a distortion does in both directions, in words; of an unknown one its name.

    Examples:
        >>> ways_of("shift-x"), ways_of("blur"), ways_of("warp")
        ('moved to the left, moved to the right', 'blurred', 'warp')
    """
    if not _is_known(name):
        return name
    return ", ".join(way for way in map(distortion_named(name).way, (-1, 1)) if way)


def amount_of(name: str, strength: float) -> str:
    """Return a strength in words, without its sign; of an unknown distortion the number."""
    return distortion_named(name).amount(strength) if _is_known(name) else f"{strength:g}"


def _is_known(name: str) -> bool:
    return name in DISTORTIONS or _DIRECTED.fullmatch(name) is not None


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
    if match := _DIRECTED.fullmatch(name):
        motion = motions.shift(float(match[1]))
        ways = (f"moved against {match[1]} degrees by", f"moved at {match[1]} degrees by")
        return Distortion(name=name, unit="px", ways=ways, low=-_FAR, high=_FAR, usual=_SHIFTS, motion=motion)
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
