"""Random augmentation of training images, in whole batches, on tensors."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convscope.core.devices import brought
from convscope.core.draws import Draws
from convscope.core.errors import ParameterError
from convscope.core.numeric import is_integer, is_number
from convscope.core.splitmix64 import scattered


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Greatest strength of each augmentation; zeros change nothing.

    Attributes:
        shift: whole pixels along each axis; the edge is repeated.
        flip: half of the images are flipped horizontally; see `alternating`.
        rotate: degrees in either direction.
        scale: ratio, for example 0.1 for 0.9…1.1.
        erase: side of an erased square (set to the mean image value) as a fraction of the image's shorter side.
    """

    shift: int = 0
    flip: bool = False
    rotate: float = 0.0
    scale: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        """Validate the strengths."""
        ranges = {"shift": (self.shift, 0, 1024), "rotate": (self.rotate, 0, 180), "scale": (self.scale, 0, 0.9)}
        for name, (value, low, high) in (ranges | {"erase": (self.erase, 0, 1)}).items():
            whole = name == "shift"
            if not (is_integer(value) if whole else is_number(value)) or not low <= value <= high:
                kind = "a whole number" if whole else "a number"
                raise ParameterError(f"`{name}` must be {kind} from {low} to {high}. Got {value!r}.")

    def __str__(self) -> str:
        """Return the augmentations in words."""
        words = [f"shift up to {self.shift} px"] * (self.shift > 0) + ["flip left-right"] * self.flip
        words += [f"rotate up to {self.rotate:g}°"] * (self.rotate > 0)
        words += [f"scale by up to {self.scale:.0%}"] * (self.scale > 0)
        words += [f"erase a square of {self.erase:.0%} of the side"] * (self.erase > 0)
        return ", ".join(words) or "none"


def alternating(indices: Tensor, epoch: int, seed: int) -> Tensor:
    """Return which of the images at `indices` are flipped in this epoch: those that were not in the previous one.

    Every image is then seen both ways within two epochs, where chance alone would show half of the images the same
    way twice (Jordan 2024). `seed` chooses the half that is flipped first.

    Args:
        indices: int64, N.
        epoch: from 0.
        seed: of the run.

    Examples:
        >>> half = alternating(torch.arange(1_000), epoch=0, seed=0)
        >>> 400 < int(half.sum()) < 600, torch.equal(alternating(torch.arange(1_000), epoch=1, seed=0), ~half)
        (True, True)
    """
    half = scattered((indices.numpy() + (seed + 1) * 1_000_003).astype(np.uint64)) & np.uint64(1)
    return torch.from_numpy(half != epoch % 2)


def take(
    images: Tensor,
    indices: Tensor,
    change: Augmentation,
    draws: Draws,
    flipped: Tensor | None,
) -> Tensor:
    """Return the images at `indices`, shifted and flipped: uint8 N H W C.

    Args:
        images: uint8, all images, M H W C; may be memory-mapped.
        indices: int64, N.
        change: only its shift is used.
        draws: random numbers.
        flipped: images to flip, bool, N; None flips none.
    """
    if not change.shift and flipped is None:
        return images[brought(indices, images.device)]
    count, (height, width), device = len(indices), images.shape[1:3], images.device
    rows, columns = (torch.arange(side, device=device).expand(count, -1) for side in (height, width))
    if change.shift:
        down, right = (brought(draws.integers(count, -change.shift, change.shift + 1), device) for _ in range(2))
        rows, columns = (rows + down).clamp(0, height - 1), (columns + right).clamp(0, width - 1)
    if flipped is not None:
        columns = torch.where(brought(flipped, device)[:, None], width - 1 - columns, columns)
    first = brought(indices, device)[:, None] * height
    pixel_indices = (first + rows)[:, :, None] * width + columns[:, None, :]  # N H W, into M*H*W
    flat = images.view(-1, images.shape[3])
    return flat.index_select(0, pixel_indices.view(-1)).view(count, height, width, -1)


def distort(maps: Tensor, change: Augmentation, draws: Draws) -> Tensor:
    """Return standardized images N C H W rotated, scaled and with a square erased (set to 0, the mean)."""
    if change.rotate or change.scale:
        maps = _turn(maps, change, draws)
    if change.erase:
        maps = _erase(maps, change.erase, draws)
    return maps


def _turn(maps: Tensor, change: Augmentation, draws: Draws) -> Tensor:
    count, _, height, width = maps.shape
    angle = (draws.uniform(count) * 2 - 1) * math.radians(change.rotate)
    size = 1 / (1 + (draws.uniform(count) * 2 - 1) * change.scale)
    cosine, sine, zero = size * angle.cos(), size * angle.sin(), torch.zeros(count)
    rows = [
        torch.stack([cosine, -sine * height / width, zero], 1),
        torch.stack([sine * width / height, cosine, zero], 1),
    ]
    grid = functional.affine_grid(
        brought(torch.stack(rows, 1), maps.device), [count, 1, height, width], align_corners=False
    )
    return functional.grid_sample(maps, grid, padding_mode="border", align_corners=False)


def _erase(maps: Tensor, fraction: float, draws: Draws) -> Tensor:
    count, _, height, width = maps.shape
    side = max(1, round(fraction * min(height, width)))
    top, left = (brought(draws.integers(count, 0, length - side + 1), maps.device) for length in (height, width))
    rows, columns = (torch.arange(length, device=maps.device) for length in (height, width))
    inside = ((rows >= top) & (rows < top + side))[:, :, None] & ((columns >= left) & (columns < left + side))[:, None]
    return maps.masked_fill(inside[:, None], 0.0)
