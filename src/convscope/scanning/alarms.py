"""False alarms: how often a class is found on images that are known to hold nothing, and the threshold for a rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convscope.core.errors import DataError
from convscope.core.text import counted, printable

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
        thresholds: that of each class that is looked for, where they were chosen by a rate.
        rate: false alarms per megapixel.
        low, high: of a 95 % interval of the rate.
    """

    images: int
    megapixels: float
    found: int
    threshold: float
    rate: float
    low: float
    high: float
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Blank:
    """An image that holds nothing: its positions, its pixels, and what was found all the same."""

    grid: Grid
    pixels: int
    found: Sequence[Candidate]


def false_alarms(blanks: Sequence[Blank], search: Search, *, rate: float | None = None, step: float = 0.0) -> Alarms:
    """Return the false alarms at the threshold of a search, or at the lowest of each class above it that has the rate.

    The interval is of a bootstrap over square blocks of 8 windows a side, as neighboring alarms have one cause; where
    nothing is found its upper end is 3 for all pixels.

    Args:
        blanks: the images, with candidates at and above the threshold of the search.
        search: what counts as a position.
        rate: false alarms per megapixel of each class that are allowed.
        step: distance of two probabilities that can be stored.

    Raises:
        DataError: no threshold has the rate.
    """
    megapixels = sum(blank.pixels for blank in blanks) / 1e6
    if rate is not None:
        chosen = _thresholds(blanks, search, int(rate * megapixels), step)
        search = replace(search, threshold=min(chosen), thresholds=chosen)
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
        thresholds=search.thresholds,
    )


def _thresholds(blanks: Sequence[Blank], search: Search, allowed: int, step: float) -> tuple[float, ...]:
    """Return the lowest threshold of each class with at most so many false alarms of it.

    Raises:
        DataError: a class has none.
    """
    values = [sorted({one.value for one in found}) for found in _by_class(blanks, search)]
    chosen = [search.threshold] * len(values)
    while True:  # an alarm that goes may uncover another one, of any class
        here = replace(search, thresholds=tuple(chosen))
        left = _by_class([replace(blank, found=suppressed(blank.found, here)) for blank in blanks], search)
        over = [number for number, found in enumerate(left) if len(found) > allowed]
        if not over:
            return tuple(chosen)
        for number in over:
            least = sorted(one.value for one in left[number])[-allowed - 1]
            above = values[number][-1] + (step or 1e-6)
            chosen[number] = next((value for value in values[number] if value > least), above)
            if chosen[number] > 1:
                raise DataError(
                    f"The blank images must have at most {counted(allowed, 'false alarm')} of "
                    f"{printable(search.wanted[number])} at some threshold. Got more with a probability of 1. Use "
                    "larger blank images, train with windows cut out of them, or store float32."
                )


def _by_class(blanks: Sequence[Blank], search: Search) -> list[list[Candidate]]:
    """Return what was found of each class that is wanted."""
    every = [one for blank in blanks for one in blank.found]
    return [[one for one in every if one.number == number] for number in range(len(search.wanted))]
