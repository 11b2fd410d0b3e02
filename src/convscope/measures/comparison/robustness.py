"""How much of its accuracy a kind keeps on distorted images, so that one that is better anyway has no advantage."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.statistics import mean_half_width, wilson_interval

from .by_image import bits_of
from .differences import of_trainings
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


_DEVIATIONS = statistics.NormalDist().inv_cdf(0.975)  # of the 95 % interval
_ALL, _NONE = 1.0, 0.0  # of the strengths


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Accuracy on distorted images as a part of that on the same images undistorted, mean over all strengths.

    Attributes:
        value: the mean over seeds; 1 is undisturbed.
        half: half-width of the 95 % interval: by images and, with several seeds, by trainings.
    """

    value: float
    half: float


def kept(entry: Entry, group: str) -> Kept | None:
    """Return how much of its accuracy `entry` keeps in a group of `GROUPS`; None where that was not measured.

    Two variances are added: that of the images (`influences`) and, with at least two seeds, that of the trainings
    (by Student's t). To the images are added one that is kept at all strengths and one that is kept at none, so that
    a few images that are all kept do not prove that all are (Agresti and Coull 1998 add two of each).
    """
    names = GROUPS[group]
    shares = _shares(entry, names)
    if not shares:
        return None
    images = influences(entry, names, (_ALL, _NONE))
    halves = [_half_unpaired(entry, names) if images is None else _half_of(images)]
    if len(shares) > 1:
        halves.append(mean_half_width([share for _, share in shares]))
    return Kept(value=statistics.fmean(share for _, share in shares), half=_together(halves))


def recognized(entry: Entry, group: str) -> float:
    """Return the part of the images of a group that `entry` recognizes, mean over strengths and seeds; 0…1.

    The network that keeps less of its accuracy may still recognize more.
    """
    trials = _evaluated(entry, GROUPS[group])
    return statistics.fmean(one.right / one.images for trial in trials for one in _of(trial, GROUPS[group]))


def kept_difference(first: Entry, second: Entry, group: str) -> tuple[float, float, float] | None:
    """Return how much more `first` keeps than `second`, and the 95 % interval; None where one was not measured.

    It is paired by image and by seed, as `differences.difference` is: the variance of the images is that of the
    difference of both `influences`, and that of the trainings is of the differences seed by seed. Two images are
    added that both recognize undistorted: one that only `first` keeps, at all strengths, and one that only `second`
    does. A few images on which the two differ, or none, then are no proof (Bonett and Price 2012 do so with shares).
    Where many differ it makes little: of 300 recognized images, 0.9 points, added as squares are.

    Where answers to single images were not kept (by an earlier version), the two intervals are taken for those of
    different images, and the interval is wider than it need be.
    """
    mine, theirs = kept(first, group), kept(second, group)
    if mine is None or theirs is None:
        return None
    value, names = mine.value - theirs.value, GROUPS[group]
    ours, others = influences(first, names, (_ALL, _NONE)), influences(second, names, (_NONE, _ALL))
    if ours is None or others is None or len(ours) != len(others):
        half = _together([mine.half, theirs.half])
    else:
        half = _together([_half_of(ours - others), *of_trainings(_shares(first, names), _shares(second, names))])
    return value, value - half, value + half


def influences(entry: Entry, names: tuple[str, ...], added: tuple[float, ...] = ()) -> NDArray[np.float64] | None:
    """Return what each image adds to the part of its accuracy that `entry` keeps: float N, mean over the seeds.

    That part is a ratio of two means over the same images, r = mean(k) / mean(u): k is the part of the strengths at
    which an image was recognized, u is 1 where it was recognized undistorted, else 0. Other images would move r, to
    first order, by the mean of (k - r u) / mean(u), whose variance is that of a mean (Cochran, Sampling Techniques, 3rd
    ed. 1977, chapter 6 on ratio estimators; the delta method). The sum over the images is 0.

    Args:
        entry: a kind.
        names: of the distortions.
        added: for each image that is added, recognized undistorted, the part of the strengths at which it is.

    Returns:
        The influences, those of the added images last; None where those were not kept.
    """
    rows = []
    for trial in _evaluated(entry, names):
        counts = [one.numbers() for one in trial.by_image if one.distortion in names]
        if not counts:
            return None
        found = np.sum(counts, axis=0) / len(_of(trial, names))
        known = bits_of(trial.undistorted, len(found)).astype(float)
        share = found.mean() / known.mean()
        rows.append((np.append(found, added) - share * np.append(known, np.ones(len(added)))) / known.mean())
    return np.mean(rows, axis=0) if rows else None


def _half_of(images: NDArray[np.float64]) -> float:
    """Return the half-width of the 95 % interval of a mean over images, from what each adds to it."""
    return _DEVIATIONS * float(images.std(ddof=1)) / math.sqrt(len(images))


def _together(halves: Sequence[float]) -> float:
    """Return the half-width of what varies for several reasons that have nothing to do with each other."""
    return math.hypot(*halves)


def _evaluated(entry: Entry, names: tuple[str, ...]) -> list[Trial]:
    """Return the trainings that have a part to keep: evaluated on such images, and some recognized undistorted."""
    return [trial for trial in entry.trials if trial.undisturbed and _of(trial, names)]


def _of(trial: Trial, names: tuple[str, ...]) -> list[Disturbed]:
    return [one for one in trial.disturbed if one.distortion in names]


def _shares(entry: Entry, names: tuple[str, ...]) -> list[tuple[int, float]]:
    """Return the seed of each training and the part of its accuracy that it keeps."""
    return [
        (trial.seed, statistics.fmean(one.right for one in _of(trial, names)) / trial.undisturbed)
        for trial in _evaluated(entry, names)
    ]


def _half_unpaired(entry: Entry, names: tuple[str, ...]) -> float:
    """Return half of the interval that other images would give: as if all strengths failed on the same ones."""
    trial = _evaluated(entry, names)[0]
    widths = [high - low for low, high in (wilson_interval(one.right, one.images) for one in _of(trial, names))]
    return statistics.fmean(widths) / 2 * trial.disturbed[0].images / trial.undisturbed
