"""Images that are copies of another: recompressed, resized, cropped a little, flipped, rotated."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.transfer.feature_store import Vectors

from .alignment import TURNS, align
from .neighbors import nearest, unit_rows

_SIDE_PX, _SMALL_PX = 64, 16  # of what is aligned, and of what is compared first
_OF_FEATURES, _OF_PIXELS = 4, 2  # neighbors that are looked at closely
_LEAST_ALIKE = 0.6  # correlation of pixels of small copies of what is looked at
_BLOCK = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Pairs of images that may be copies.

    Attributes:
        pairs: indices, n 2, the first one smaller.
        turns: what was done to the second one, n: indices of TURNS.
        scores: how alike their fine detail is after alignment, n, at most 1.
    """

    pairs: NDArray[np.int64]
    turns: NDArray[np.int64]
    scores: NDArray[np.float32]


def near_duplicates(grays: Tensor, features: Vectors, least: float = 0.0) -> Copies:
    """Return pairs of images that may be copies, with how alike they are: those of a score from `least` on.

    Each image is compared with its nearest neighbors in features, and with those whose small copies, turned in one of
    eight ways, correlate most with its own.

    Args:
        grays: of the images, see `squares`.
        features: n × values.
        least: score of a pair.
    """
    shrunk = [_shrunk(turn(grays)) for _, turn in TURNS]
    pairs = _candidates(features, shrunk)
    first, second = shrunk[0][pairs[:, 0]], pairs[:, 1]
    alike = np.stack([np.einsum("nd,nd->n", first, turned[second]) for turned in shrunk])  # turns n
    near = alike.max(axis=0) >= _LEAST_ALIKE
    pairs, turns = pairs[near], alike.argmax(axis=0)[near]
    scores = np.zeros(len(pairs), np.float32)
    for number, (_, turn) in enumerate(TURNS):
        at = np.flatnonzero(turns == number)
        scores[at] = align(grays[pairs[at, 0]], turn(grays[pairs[at, 1]]), turned=number > 0)
    same = scores >= least
    return Copies(pairs=pairs[same], turns=turns[same], scores=scores[same])


def squares(images: NDArray[np.uint8]) -> Tensor:
    """Return small gray squares, float32 N side side."""
    side = min(_SIDE_PX, *images.shape[1:3])
    blocks = []
    for start in range(0, len(images), _BLOCK):
        block = np.array(images[start : start + _BLOCK])  # a copy, for a mapped file is read-only
        gray = torch.from_numpy(block).float().mean(dim=3)
        blocks.append(torch.nn.functional.adaptive_avg_pool2d(gray, side))
    return torch.cat(blocks)


def _shrunk(grays: Tensor) -> Vectors:
    small = torch.nn.functional.adaptive_avg_pool2d(grays, min(_SMALL_PX, grays.shape[1]))
    return unit_rows(small.flatten(1).numpy())


def _candidates(features: Vectors, shrunk: list[Vectors]) -> NDArray[np.int64]:
    """Return the pairs that are looked at closely: indices, n 2, the smaller one first, each once."""
    rows = unit_rows(features, center=features.mean(axis=0))
    count = len(rows)
    lists = [nearest(rows, rows, min(_OF_FEATURES, count - 1))[1]]
    lists += [nearest(shrunk[0], turned, min(_OF_PIXELS, count - 1))[1] for turned in shrunk]
    others = np.concatenate(lists, axis=1)  # N neighbors
    pairs = np.stack(np.broadcast_arrays(np.arange(count)[:, None], others), axis=2).reshape(-1, 2)
    return np.unique(np.sort(pairs, axis=1), axis=0)
