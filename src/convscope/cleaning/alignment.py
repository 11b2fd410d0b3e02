"""Whether two images are copies: one is turned or flipped, moved onto the other, and compared in detail."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TURNS: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (  # of N H W
    ("", lambda images: images),
    ("rotated by a quarter turn", lambda images: images.rot90(1, (1, 2))),
    ("rotated by a quarter turn", lambda images: images.rot90(3, (1, 2))),
    ("upside down", lambda images: images.rot90(2, (1, 2))),
    ("flipped", lambda images: images.flip(2)),
    ("flipped and upside down", lambda images: images.flip(1)),
    ("flipped and rotated by a quarter turn", lambda images: images.mT),
    ("flipped and rotated by a quarter turn", lambda images: images.mT.rot90(2, (1, 2))),
)
"""What may have been done to a copy, in words, and what undoes it."""
INVERSES = (0, 2, 1, 3, 4, 5, 6, 7)
"""Which one of TURNS takes each back."""
CORNERS = torch.tensor([[-1.0, -1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]]).T
"""Of an image, in coordinates -1…1: 3 4."""
_STEPS = 12
_BLOCK = 512  # pairs at once
_MOST_MOVED, _MOST_MOVED_TURNED = 0.25, 0.12  # of the side, by which a corner may move
_LEAST_SAME = {4: 0.85, 2: 0.85, 1: 0.9}  # correlation of all pixels, by reduction; of images in one frame it is lower


def motion_between(first: Tensor, second: Tensor) -> Tensor:
    """Return the affine motions of second images onto first ones, N 3 3, in coordinates -1…1.

    They give the place in the second image of what is at a place in the first.

    Args:
        first: N side side, float32.
        second: the same, already turned.
    """
    motion = torch.eye(3).repeat(len(first), 1, 1)
    for factor in _LEAST_SAME:
        one, two = (torch.nn.functional.avg_pool2d(images[:, None], factor)[:, 0] for images in (first, second))
        motion = _moved_on(one, two, motion)
    return motion


def align(first: Tensor, second: Tensor, *, turned: bool = False) -> NDArray[np.float32]:
    """Return how alike the fine detail of pairs of images is, each after the best affine motion: N, at most 1.

    The motion minimizes the squared difference of the first image and the moved second one, both of mean 0 and
    standard deviation 1 (inverse compositional alignment, Baker & Matthews 2004), from small to large. Likeness is the
    correlation of what blurring takes away: large areas are alike in many images, detail is not. Outlines on plain
    ground, however, fit each other in one of eight ways, so that a turned image may move less.

    Args:
        first: N side side, float32.
        second: the same, already turned.
        turned: whether anything was done to it.
    """
    most = _MOST_MOVED_TURNED if turned else _MOST_MOVED
    found = [_alike(first[at : at + _BLOCK], second[at : at + _BLOCK], most) for at in range(0, len(first), _BLOCK)]
    return np.concatenate([np.zeros(0, np.float32), *found])


def _alike(first: Tensor, second: Tensor, most_moved: float) -> NDArray[np.float32]:
    """Return how alike pairs are; those that differ when they are small are not looked at any larger."""
    alike = torch.zeros(len(first))
    motion, left = torch.eye(3).repeat(len(first), 1, 1), torch.arange(len(first))  # motion in coordinates -1…1
    one, moved, inside = first, second, torch.ones_like(first)
    for factor, least in _LEAST_SAME.items():
        one, two = (torch.nn.functional.avg_pool2d(images[left, None], factor)[:, 0] for images in (first, second))
        motion = _moved_on(one, two, motion)
        moved, inside = warped(two, motion)
        same = (correlation(one, moved, inside) >= least) & (moved_by(motion) <= most_moved)
        one, moved, inside, motion, left = (values[same] for values in (one, moved, inside, motion, left))
        if not len(left):
            return np.asarray(alike.numpy())
    alike[left] = correlation(_detail(one), _detail(moved), _eroded(inside))
    return np.asarray(alike.numpy())


def moved_by(motion: Tensor) -> Tensor:
    """Return by how much of the side the corners move at most, N; not a number where the motion is none."""
    distances: Tensor = ((motion @ CORNERS)[:, :2] - CORNERS[:2]).norm(dim=1)
    return distances.amax(dim=1) / 2


def _moved_on(first: Tensor, second: Tensor, motion: Tensor) -> Tensor:
    """Return the motion of `second` onto `first`, begun with `motion`: N 3 3."""
    side = first.shape[1]
    template = _standardized(first, torch.ones_like(first))
    down, across = torch.gradient(template, spacing=2 / side, dim=(1, 2))
    at = torch.linspace(-1 + 1 / side, 1 - 1 / side, side)
    y, x = torch.meshgrid(at, at, indexing="ij")
    # change of each pixel with the parameters of x' = (1 + a) x + b y + c, y' = d x + (1 + e) y + f
    slopes = torch.stack([across * x, across * y, across, down * x, down * y, down], dim=1).flatten(2)  # N 6 S²
    damping = 1e-3 * torch.eye(6) * side**2
    for _ in range(_STEPS):
        moved, inside = warped(second, motion)
        error = (_standardized(moved, inside) - template) * inside  # N S S
        weighted = slopes * inside.flatten(1)[:, None]
        hessian = weighted @ slopes.mT + damping
        change = torch.linalg.solve(hessian, weighted @ error.flatten(1)[..., None])[..., 0]  # N 6
        step = torch.eye(3).repeat(len(first), 1, 1)
        step[:, :2] += change.unflatten(1, (2, 3))
        motion = motion @ torch.linalg.inv(step)
        motion = torch.where((motion - torch.eye(3)).abs().amax(dim=(1, 2), keepdim=True) < 1, motion, torch.eye(3))
    return motion


def warped(images: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
    """Return the moved images, and where they have pixels: N S S, 0 or 1."""
    grid = torch.nn.functional.affine_grid(motion[:, :2], [len(images), 1, *images.shape[1:]], align_corners=False)
    moved = torch.nn.functional.grid_sample(images[:, None], grid, align_corners=False, padding_mode="border")[:, 0]
    return moved, (grid.abs() <= 1).all(dim=3).float()


def _standardized(images: Tensor, inside: Tensor) -> Tensor:
    """Return images with mean 0 and standard deviation 1 where they have pixels."""
    count = inside.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    centered = (images - (images * inside).sum(dim=(1, 2), keepdim=True) / count) * inside
    return centered / (centered.square().sum(dim=(1, 2), keepdim=True) / count).sqrt().clamp(min=1e-3)


def correlation(first: Tensor, second: Tensor, inside: Tensor) -> Tensor:
    """Return the correlation of each pair where both have pixels, -1…1."""
    count = inside.sum(dim=(1, 2)).clamp(min=1)
    return (_standardized(first, inside) * _standardized(second, inside) * inside).sum(dim=(1, 2)) / count


def _detail(images: Tensor) -> Tensor:
    """Return what blurring takes away."""
    return (
        images - torch.nn.functional.avg_pool2d(images[:, None], 5, stride=1, padding=2, count_include_pad=False)[:, 0]
    )


def _eroded(inside: Tensor) -> Tensor:
    return -torch.nn.functional.max_pool2d(-inside[:, None], 5, stride=1, padding=2)[:, 0]
