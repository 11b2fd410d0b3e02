"""Distortions that move the image: where each pixel is taken from, by strength."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .pixels import blurred
from .resampling import Motion

MotionOf = Callable[[float, tuple[int, int]], Motion]
"""From a strength, and the height and width of the image, to a motion."""

ELASTIC_REACH = 1 / 7  # of the shorter side: 4 pixels at 28, as Simard, Steinkraus and Platt (2003) have it


def shift(direction_deg: float) -> MotionOf:
    """Return the motion along a direction: 0 is to the right, 90 down."""
    angle = math.radians(direction_deg)
    to_the_right, to_below = round(math.cos(angle), 15), round(math.sin(angle), 15)  # 90 degrees: 0 to the right

    def motion(strength_px: float, _sides: tuple[int, int]) -> Motion:
        return lambda down, across: (down - strength_px * to_below, across - strength_px * to_the_right)

    return motion


def rotation(strength_deg: float, _sides: tuple[int, int]) -> Motion:
    """Return the turn around the middle, clockwise as one looks at it."""
    angle = math.radians(strength_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    return lambda down, across: (cosine * down - sine * across, sine * down + cosine * across)


def scale(strength: float, _sides: tuple[int, int]) -> Motion:
    """Return the enlargement by 1 + strength around the middle."""
    return lambda down, across: (down / (1 + strength), across / (1 + strength))


def shear(strength_deg: float, _sides: tuple[int, int]) -> Motion:
    """Return the slant: what stands upright leans over by this angle."""
    slope = math.tan(math.radians(strength_deg))
    return lambda down, across: (down, across + slope * down)


def perspective(strength: float, sides: tuple[int, int]) -> Motion:
    """Return the tilt: the upper edge moves away until it is smaller by the part `strength` than the middle."""
    half = max(1.0, (sides[0] - 1) / 2)

    def pulled(down: Tensor, across: Tensor) -> tuple[Tensor, Tensor]:
        near = 1 + strength * down / half
        return down / near, across / near

    return pulled


def elastic_field(height: int, width: int, *, generator: torch.Generator) -> Tensor:
    """Return smooth random displacements down and across, 2 h w, whose mean length is 1.

    Every pixel is moved at random; the moves are smoothed by a Gaussian, so that neighbours go together (Simard,
    Steinkraus and Platt 2003).
    """
    moves = torch.rand(1, 2, height, width, generator=generator, dtype=torch.float64) * 2 - 1
    smooth = blurred(moves, ELASTIC_REACH * min(height, width), torch.zeros(2, 1, 1, dtype=torch.float64))[0]
    return smooth / smooth.square().sum(0).sqrt().mean().clamp_min(1e-12)
