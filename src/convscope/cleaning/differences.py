"""What was done to a copy of an image, in words, from the pixels of both files."""

import filecmp
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from convscope.core.errors import UnreadableImageError
from convscope.images.loading.facts import is_gray
from convscope.images.sources.source import Source

from .alignment import CORNERS, TURNS, correlation, motion_between, moved_by, warped

_READ_PX, _SIDE_PX = 512, 128  # of the images that are compared, and of the squares that are moved onto each other
_AT_ONCE = 64  # pairs
_LEAST_SAME = 0.8  # correlation of the squares after the motion
_STILL = 0.01  # of the side: a corner that moves less is where it was
_SCALED, _ROTATED = 1.03, 1.0  # factor and degrees that a copy was changed by at least
_SHIFT, _GAIN = 6.0, 1.08  # of brightness, of 255, and of contrast; compression changes them less
_BLOCK_PX, _EDITED = 16, 25.0  # side of a block, and mean difference in it, of 255, that compression does not reach
_LOCAL = 5  # times the mean of the image that such a block must reach, too
_FEW = 0.01  # of the pixels; compression changes more
_BLURRED = 0.7  # of the detail; compression takes less


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """One image, turned as the other one is.

    Attributes:
        size: height and width of the image in its file, px.
        pixels: uint8 C H W, at most 512 px.
        square: gray, float32 128 × 128.
        gray: whether it has no color.
    """

    size: tuple[int, int]
    pixels: Tensor
    square: Tensor
    gray: bool


def differences(source: Source, pairs: NDArray[np.int64], turns: NDArray[np.int64]) -> Iterator[str]:
    """Give in words what was done to the first image of each pair, or else to the other one.

    Args:
        source: reads the images; at reduced scale, but for those that may be equal.
        pairs: indices in the source, n 2.
        turns: which one of TURNS brings the second image of each pair to the first, n.
    """
    for start in range(0, len(pairs), _AT_ONCE):
        block = list(zip(*(values[start : start + _AT_ONCE].tolist() for values in (pairs, turns)), strict=True))
        seen = [(_seen(source, first, 0), _seen(source, second, turn)) for (first, second), turn in block]
        firsts, seconds = (torch.stack([pair[which].square for pair in seen]) for which in (0, 1))
        for ((first, second), turn), (one, two), motion in zip(
            block, seen, motion_between(firsts, seconds), strict=True
        ):
            turned = [TURNS[turn][0]] if turn else []
            if _same_bytes(source, first, second):
                yield "the same bytes"
            elif (
                one.size == two.size
                and torch.equal(one.pixels, two.pixels)
                and _same_pixels(source, first, second, turn)
            ):
                yield ", ".join(["the same pixels", *turned])
            else:
                yield ", ".join([*turned, *_changes(one, two, motion)])


def _seen(source: Source, index: int, turn: int) -> _Seen:
    """Return an image; a black one where it cannot be read any more."""
    try:
        decoded = source.decode(index, (_READ_PX, _READ_PX))
    except UnreadableImageError:
        black = torch.zeros(_SIDE_PX, _SIDE_PX)
        return _Seen(size=(0, 0), pixels=black[None].byte(), square=black, gray=True)
    pixels = decoded.pixels[..., :3]
    image = Image.fromarray(np.ascontiguousarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])).convert("RGB")
    image.thumbnail((_READ_PX, _READ_PX), Image.Resampling.BOX)
    small = image.convert("L").resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
    undo = TURNS[turn][1]
    height, width = undo(torch.empty(1, *decoded.full_size, device="meta")).shape[1:]
    return _Seen(
        size=(height, width),
        pixels=undo(torch.from_numpy(np.array(image)).permute(2, 0, 1)),
        square=undo(torch.from_numpy(np.array(small, np.float32))[None])[0],
        gray=is_gray(pixels),
    )


def _same_bytes(source: Source, first: int, second: int) -> bool:
    one, two = source.path(first), source.path(second)
    try:
        return one is not None and two is not None and filecmp.cmp(one, two, shallow=False)
    except OSError:
        return False


def _same_pixels(source: Source, first: int, second: int, turn: int) -> bool:
    """Return whether all pixels are equal, at full scale."""
    try:
        one, two = (torch.from_numpy(np.array(source.decode(index).pixels)) for index in (first, second))
    except UnreadableImageError:
        return False
    return torch.equal(one.permute(2, 0, 1), TURNS[turn][1](two.permute(2, 0, 1)))


def _changes(one: _Seen, two: _Seen, motion: Tensor) -> Iterator[str]:
    """Give what was changed: the frame, the size, brightness, color, or else the pixels."""
    framed = float(moved_by(motion[None])) <= _STILL
    moved, inside = warped(two.square[None], torch.eye(3)[None] if framed else motion[None])
    if not float(correlation(one.square[None], moved, inside)) >= _LEAST_SAME:  # nor where it is not a number
        yield "almost the same image"
        return
    told = [
        *(_resized(one, two) if framed else _cropped(one, two, motion)),
        *_toned(one.square[inside[0] > 0], moved[inside > 0]),
    ]
    if one.gray != two.gray:
        told.append("without color" if one.gray else "the other one without color")
    yield from told or [_compressed(one.pixels.float(), two.pixels.float())]


def _resized(one: _Seen, two: _Seen) -> Iterator[str]:
    if one.size != two.size:
        (height, width), (tall, wide) = one.size, two.size
        yield f"resized: {width}x{height} pixels, the other one {wide}x{tall}"


def _cropped(one: _Seen, two: _Seen, motion: Tensor) -> Iterator[str]:
    """Give what a motion of the second image onto the first one says of their frames."""
    area = float(torch.linalg.det(motion[:2, :2]).abs())
    if _lies_within(motion):  # all of the first one is in the second one
        yield f"cropped to {100 * area:.0f} % of the other one"
    elif _lies_within(torch.linalg.inv(motion)):
        yield f"the other one cropped to {100 / area:.0f} % of it"
    else:
        yield "cropped differently"
    sides = [torch.tensor(seen.size[::-1], dtype=torch.float32) for seen in (one, two)]
    by_pixels = sides[1][:, None] * motion[:2, :2] / sides[0]
    (a, b), (c, d) = by_pixels.tolist()
    degrees = np.degrees(np.arctan2(c - b, a + d))
    if abs(degrees) >= _ROTATED:
        yield f"rotated by {abs(degrees):.0f}°"
    if not 1 / _SCALED < abs(a * d - b * c) ** 0.5 < _SCALED:
        yield "resized"


def _lies_within(motion: Tensor) -> bool:
    """Return whether all places of an image are moved to places within the other one."""
    return bool(((motion @ CORNERS)[:2].abs() <= 1 + 2 * _STILL).all())


def _toned(one: Tensor, two: Tensor) -> Iterator[str]:
    shift, gain = float(one.mean() - two.mean()), float(one.std() / two.std().clamp(min=1e-3))
    if abs(shift) > _SHIFT:
        yield "brighter" if shift > 0 else "darker"
    if not 1 / _GAIN < gain < _GAIN:
        yield "of more contrast" if gain > 1 else "of less contrast"


def _compressed(one: Tensor, two: Tensor) -> str:
    """Return what differs between the pixels of images of one size and frame, C H W."""
    away = (one - two).abs().mean(dim=0)
    mean = float(away.mean())
    by = f"its pixels differ by {f'{mean:.1f}' if mean >= 0.05 else 'less than 0.1'} of 255 on average"
    worst = float(torch.nn.functional.avg_pool2d(away[None], min(_BLOCK_PX, *away.shape)).max())
    ratio = _sharpness(one) / max(_sharpness(two), 1e-3)
    if float((away > 0).float().mean()) < _FEW:
        return f"changed in a part: {by}"
    if not _BLURRED < ratio < 1 / _BLURRED:
        return f"{'blurred' if ratio < 1 else 'the other one blurred'}: {by}"
    return f"{'changed in a part' if worst > max(_EDITED, _LOCAL * mean) else 'recompressed'}: {by}"


def _sharpness(pixels: Tensor) -> float:
    """Return the mean difference of neighbors."""
    return sum(float(pixels.diff(dim=dim).abs().mean()) for dim in (1, 2) if pixels.shape[dim] > 1)
