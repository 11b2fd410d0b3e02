"""How much of its accuracy a kind keeps on distorted pictures, so that one that is better anyway has no advantage."""

import statistics
from dataclasses import dataclass

from convscope.core.statistics import mean_half_width, wilson_interval

from .records import Disturbed, Entry, Trial

GROUPS: dict[str, tuple[str, ...]] = {
    "shifted": ("shift-x", "shift-y"),
    "turned": ("rotation",),
    "scaled": ("scale",),
    "bent": ("elastic",),
    "noisy": ("noise",),
}
"""Words for distortions that are looked at together."""

TITLES = {
    "shift-x": "Shifted to the right",
    "shift-y": "Shifted down",
    "rotation": "Turned to the right",
    "scale": "Made larger",
    "elastic": "Bent",
    "noise": "Noisy",
}
"""What a positive strength of each distortion does."""
UNITS = {"ratio - 1": "times, less 1"}
"""Units in other words, where that is clearer."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Accuracy on distorted pictures as a part of that on the same pictures undistorted, mean over all strengths.

    Attributes:
        value: the mean over seeds; 1 is undisturbed.
        half: half-width of the 95 % interval: by pictures and, with several seeds, by trainings.
    """

    value: float
    half: float


def kept(entry: Entry, group: str) -> Kept | None:
    """Return how much of its accuracy `entry` keeps in a group of `GROUPS`; None where that was not measured."""
    names = GROUPS[group]
    found = {place: share for place, trial in enumerate(entry.trials) if (share := _share(trial, names)) is not None}
    if not found:
        return None
    shares = list(found.values())
    halves = [_half_of_pictures(entry.trials[next(iter(found))], names)]
    if len(shares) > 1:
        halves.append(mean_half_width(shares))
    return Kept(value=statistics.fmean(shares), half=sum(half**2 for half in halves) ** 0.5)


def _of(trial: Trial, names: tuple[str, ...]) -> list[Disturbed]:
    return [one for one in trial.disturbed if one.distortion in names]


def _share(trial: Trial, names: tuple[str, ...]) -> float | None:
    found = _of(trial, names)
    if not found or not trial.undisturbed:
        return None
    return statistics.fmean(one.right for one in found) / trial.undisturbed


def _half_of_pictures(trial: Trial, names: tuple[str, ...]) -> float:
    """Return half of the interval that other pictures would give: as if all strengths failed on the same ones."""
    widths = [high - low for low, high in (wilson_interval(one.right, one.pictures) for one in _of(trial, names))]
    return statistics.fmean(widths) / 2 * trial.disturbed[0].pictures / trial.undisturbed


def kept_difference(first: Entry, second: Entry, group: str) -> tuple[float, float, float] | None:
    """Return how much more `first` keeps than `second`, and the 95 % interval; None where one was not measured."""
    mine, theirs = kept(first, group), kept(second, group)
    if mine is None or theirs is None:
        return None
    value, half = mine.value - theirs.value, (mine.half**2 + theirs.half**2) ** 0.5
    return value, value - half, value + half
