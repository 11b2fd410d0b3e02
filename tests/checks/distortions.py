"""Laws of the family of distortions: what each keeps under a mirror, and done twice, forth and back.

A new distortion goes into each table, or is named as one that the law does not hold for.
"""

from collections.abc import Callable

import torch

Change = Callable[[torch.Tensor], torch.Tensor]


def left_to_right(images: torch.Tensor) -> torch.Tensor:
    """Return the images as a mirror shows them."""
    return images.flip(3)


def upside_down(images: torch.Tensor) -> torch.Tensor:
    """Return the images upside down."""
    return images.flip(2)


def turned_over(images: torch.Tensor) -> torch.Tensor:
    """Return the images turned by half a circle."""
    return images.flip(2, 3)


def negative(images: torch.Tensor) -> torch.Tensor:
    """Return the images with light for dark."""
    return 255 - images


# name: what is done to the image, the strength, and the strength that does the same to the image so changed
SYMMETRIES: dict[str, tuple[Change, float, float]] = {
    "shift-x": (left_to_right, 1.5, -1.5),
    "shift-y": (upside_down, 2.5, -2.5),
    "shift-diagonal": (turned_over, 2.0, -2.0),
    "circular-shift-x": (left_to_right, 3.5, -3.5),
    "rotation": (left_to_right, 25.0, -25.0),
    "scale": (turned_over, 0.3, 0.3),
    "shear": (left_to_right, 15.0, -15.0),
    "perspective": (upside_down, 0.3, -0.3),
    "blur": (turned_over, 1.2, 1.2),
    "contrast": (negative, -0.4, -0.4),
    "brightness": (negative, 0.2, -0.2),
    "jpeg": (negative, 20.0, 20.0),
}
BY_CHANCE = {"elastic", "noise", "occlusion"}  # what they do depends on the seed and the number of the image alone

# name: one strength after the other, and the strength that does both at once
COMPOSITIONS: dict[str, tuple[float, float, float]] = {
    "shift-x": (1, 2, 3),
    "shift-y": (-2, 5, 3),
    "shift-diagonal": (2, 1.5, 3.5),
    "circular-shift-x": (11, 5, 16),
    "rotation": (20, 15, 35),
    "scale": (0.25, 0.2, 0.5),
    "shear": (10, 15, 23.974),  # tangents add
    "perspective": (0.1, 0.15, 0.25),
    "blur": (3, 4, 5),  # variances add
    "contrast": (-0.5, 0.5, -0.25),
    "brightness": (0.1, -0.3, -0.2),
    "occlusion": (0.3, 0.3, 0.3),  # the same square again
    "jpeg": (60, 60, 60),  # what JPEG leaves, it leaves again, nearly
}
NO_COMPOSITION = {"elastic", "noise"}

# name: a strength, and the one that undoes it
INVERSES: dict[str, tuple[float, float]] = {
    "shift-x": (2, -2),
    "shift-y": (-3, 3),
    "shift-diagonal": (2.5, -2.5),
    "circular-shift-x": (7, -7),
    "rotation": (20, -20),
    "scale": (0.25, -0.2),
    "shear": (15, -15),
    "perspective": (0.2, -0.2),
    "contrast": (-0.5, 1.0),
    "brightness": (0.1, -0.1),
}
NO_INVERSE = {"elastic", "blur", "noise", "occlusion", "jpeg"}


def smooth_image(side: int = 41) -> torch.Tensor:
    """Return a gray image with two soft spots near its middle, 1 1 side side, on black."""
    middle = side // 2
    down, across = torch.meshgrid(torch.arange(float(side)) - middle, torch.arange(float(side)) - middle, indexing="ij")
    spots = 190 * torch.exp(-(down**2 + (across - 3) ** 2) / 40) + 60 * torch.exp(-((down - 4) ** 2 + across**2) / 60)
    return spots[None, None]
