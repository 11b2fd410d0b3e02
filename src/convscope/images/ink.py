"""Ink on paper: what gray images of drawings have in common, and whether an image is light where those are dark."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SAME_PAPER = 24  # levels by which borders may differ
_COMMON = 0.9  # of the images have that paper
_ENOUGH = 10  # images
_SEEN = 0.3  # of the strongest ink: what belongs to its box
_MOST_INK = 0.6  # of the pixels; more is no ink


@dataclass(frozen=True, kw_only=True)
class Ink:
    """What the ink of images is like.

    Attributes:
        paper: gray level around it.
        side: longer side of its box, in pixels.
        center: of its mass, row and column, in pixels.
        other: in words, what an image with its paper and ink exchanged is beside them.
    """

    paper: int
    side: int
    center: tuple[float, float]
    other: str

    def is_exchanged_in(self, image: NDArray[np.uint8]) -> bool:
        """Return whether an image, uint8 H W or H W 1, has paper that is nearer to the ink of these, and ink on it."""
        gray = image.reshape(image.shape[:2])
        border = _border(gray)
        return abs(255 - border - self.paper) < abs(border - self.paper) and bool((gray != border).any())


def ink_of(images: NDArray[np.uint8]) -> Ink | None:
    """Return what the ink of images N H W C has in common; None of colors, of too few, or without a common paper.

    Examples:
        >>> images = np.zeros((10, 8, 8, 1), np.uint8)
        >>> images[:, 2:6, 3:5] = 255
        >>> found = ink_of(images)
        >>> found.paper, found.side, found.center, found.is_exchanged_in(255 - images[0])
        (0, 4, (4.0, 4.0), True)
    """
    if images.shape[-1] != 1 or len(images) < _ENOUGH:
        return None
    gray = images[..., 0]
    borders = [_border(one) for one in gray]
    paper = _middle(borders)
    if sum(abs(border - paper) <= _SAME_PAPER for border in borders) < _COMMON * len(borders):
        return None
    boxes = [box for one in gray if (box := _box(np.abs(one.astype(np.int16) - paper))) is not None]
    if len(boxes) < _COMMON * len(gray) or _middle([box.part for box in boxes]) > _MOST_INK:
        return None
    kinds = ("light on dark", "dark on light") if paper < 128 else ("dark on light", "light on dark")
    return Ink(
        paper=int(paper),
        side=int(_middle([box.side for box in boxes])),
        center=(_middle([box.row for box in boxes]), _middle([box.column for box in boxes])),
        other=f"{kinds[1]}, and the training images are {kinds[0]}",
    )


@dataclass(frozen=True, kw_only=True)
class _Box:
    """Of the ink: its longer side, the center of its mass, and which part of the pixels it is."""

    side: int
    row: float
    column: float
    part: float


def _box(ink: NDArray[np.int16]) -> _Box | None:
    """Return the box of what has at least a part of the strongest ink; None where there is none."""
    strongest = int(ink.max())
    if not strongest:
        return None
    rows, columns = np.nonzero(ink >= _SEEN * strongest)
    mass = ink[rows, columns]
    return _Box(
        side=int(max(np.ptp(rows), np.ptp(columns))) + 1,
        row=float((mass * (rows + 0.5)).sum() / mass.sum()),
        column=float((mass * (columns + 0.5)).sum() / mass.sum()),
        part=len(rows) / ink.size,
    )


def _border(gray: NDArray[np.uint8]) -> int:
    """Return the gray level in the middle of those along the edges."""
    return int(_middle([*gray[0], *gray[-1], *gray[1:-1, 0], *gray[1:-1, -1]]))


def _middle(values: Sequence[float]) -> float:
    return float(sorted(values)[len(values) // 2])
