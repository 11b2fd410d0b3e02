"""False alarms: how often a class is found on images that are known to hold nothing, and the threshold for a rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted

from .detections import Candidate, Search, suppressed
from .grid import Grid

_DRAWS = 2_000  # of the bootstrap
_BLOCK_WINDOWS = 8  # windows along the side of a block


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """How often something is found on images that hold nothing.

    Attributes:
        images: number of them.
        megapixels: of all of them.
        found: false alarms at the threshold.
        threshold: least probability of a position in the table.
        rate: false alarms a megapixel.
        low, high: of a 95 % interval of the rate.
    """

    images: int
    megapixels: float
    found: int
    threshold: float
    rate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Blank:
    """An image that holds nothing: its positions, its pixels, and what was found all the same."""

    grid: Grid
    pixels: int
    found: Sequence[Candidate]


def false_alarms(blanks: Sequence[Blank], search: Search, *, rate: float | None = None, step: float = 0.0) -> Alarms:
    """Return the false alarms at the threshold of a search, or at the lowest threshold above it that has the rate.

    The interval is of a bootstrap over square blocks of 8 windows a side, as neighbouring alarms have one cause; where
    nothing is found its upper end is 3 for all pixels.

    Args:
        blanks: the images, with candidates at and above the threshold of the search.
        search: what counts as a position.
        rate: false alarms a megapixel that are allowed.
        step: distance of two probabilities that can be stored.

    Raises:
        DataError: no threshold has the rate.
    """
    megapixels = sum(blank.pixels for blank in blanks) / 1e6
    if rate is not None:
        search = replace(search, threshold=_threshold(blanks, search, int(rate * megapixels), step))
    counts: list[int] = []
    pixels: list[float] = []
    for blank in blanks:
        grid = replace(blank.grid, tile=max(1, _BLOCK_WINDOWS * max(blank.grid.window) // blank.grid.stride))
        own = np.zeros(grid.tiles[0] * grid.tiles[1], np.int64)
        for one in suppressed(blank.found, search):
            own[one.row // grid.tile * grid.tiles[1] + one.column // grid.tile] += 1
        counts += own.tolist()
        pixels += [box.count / grid.positions * blank.pixels for _, box in grid.every_box()]
    every = np.random.default_rng(0).integers(0, len(counts), (_DRAWS, len(counts)))
    rates = 1e6 * np.array(counts)[every].sum(axis=1) / np.array(pixels)[every].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return Alarms(
        images=len(blanks),
        megapixels=megapixels,
        found=sum(counts),
        threshold=search.threshold,
        rate=sum(counts) / megapixels,
        low=float(low),
        high=float(high) if sum(counts) else 3 / megapixels,
    )


def _threshold(blanks: Sequence[Blank], search: Search, allowed: int, step: float) -> float:
    """Return the lowest threshold with at most so many false alarms."""
    values = sorted({search.threshold, *(one.value for blank in blanks for one in blank.found)})
    first, last = 0, len(values)  # the answer is within
    while first < last:
        middle = (first + last) // 2
        here = replace(search, threshold=values[middle])
        if sum(len(suppressed(blank.found, here)) for blank in blanks) <= allowed:
            last = middle
        else:
            first = middle + 1
    above = values[first] if first < len(values) else values[-1] + (step or 1e-6)
    if above > 1:
        raise DataError(
            f"The blank images must have at most {counted(allowed, 'false alarm')} at some threshold. Got more with a "
            "probability of 1. Use larger blank images, train with windows cut out of them, or store float32."
        )
    return above
