"""Differences between two variants on the same images, in accuracy and in robustness, with confidence intervals.

The robustness of a variant is its relative accuracy: on distorted images, as a fraction of that on the same images
clean, so that a better variant has no advantage.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.statistics import Interval, mean_half_width
from convscope.measures.distortions.family import GROUPS

from .records import DistortionResult, VariantResult, VariantRun

_Z = statistics.NormalDist().inv_cdf(0.975)  # standard errors of the 95 % interval
_ALL, _NONE = 1.0, 0.0  # of the strengths


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A value of one variant minus that of another, with its confidence interval.

    Attributes:
        value: the difference; accuracies are fractions, 0…1.
        low, high: of the interval, over images and, with several seeds, over runs. It is the 95 % interval, or wider
            where one of several differences is selected.
        seeds: runs of the variant that has more.
    """

    value: float
    low: float
    high: float
    seeds: int

    @property
    def significant(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    @property
    def interval(self) -> Interval:
        """Its two ends."""
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class RelativeAccuracy:
    """Accuracy on distorted images as a fraction of that on the same images clean.

    Attributes:
        value: the mean over all strengths and seeds; 1 is no loss.
        half_width: of the 95 % interval, over images and, with several seeds, over runs.
        accuracy: on the distorted images, mean over strengths and seeds; 0…1.
    """

    value: float
    half_width: float
    accuracy: float


def accuracy_difference(first: VariantResult, second: VariantResult, *, comparisons: int = 1) -> Difference:
    """Return the accuracy of `first` minus that of `second`, paired by image and by seed.

    Two variances are added: over images (of the mean over seeds of correct minus correct) and, with at least two seeds,
    over runs (of the differences by seed, Student's t). Two pseudo-observations are added, an image that only `first`
    predicts correctly and one that only `second` does, so that a few images are no proof (Bonett and Price 2012).

    Args:
        first: a variant.
        second: another, evaluated on the same images.
        comparisons: how many such differences are examined together; each gets its fraction of the 5 % (Bonferroni).

    Raises:
        DataError: they are not evaluated on the same images.
    """
    ours, theirs = ([run.correct().astype(float) for run in result.runs] for result in (first, second))
    if not ours or not theirs or len(ours[0]) != len(theirs[0]):
        raise DataError(
            f"Two variants must be evaluated on the same images. Got {len(ours and ours[0]):,} and "
            f"{len(theirs and theirs[0]):,} ({first.variant} and {second.variant}). Run the comparison again."
        )
    confidence = 1 - 0.05 / comparisons
    by_image = np.mean(ours, axis=0) - np.mean(theirs, axis=0)
    widened = np.append(by_image, (1.0, -1.0))
    z = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    runs = [[(run.seed, run.accuracy.fraction) for run in result.runs] for result in (first, second)]
    half = math.hypot(z * _standard_error(widened), *_over_runs(runs[0], runs[1], confidence))
    value = float(by_image.mean())
    return Difference(
        value=value, low=max(-1.0, value - half), high=min(1.0, value + half), seeds=max(len(ours), len(theirs))
    )


def relative_accuracy(result: VariantResult, group: str) -> RelativeAccuracy | None:
    """Return the robustness of a variant to a group of `GROUPS`; None if it was not measured.

    Two variances are added: over images (`influences`) and, with at least two seeds, over runs (Student's t). Two
    pseudo-observations are added, an image that is correct at all strengths and one at none, so that a few images that
    all stay correct do not prove that all do (Agresti and Coull 1998 add two of each).
    """
    runs = _evaluated(result, group)
    if not runs:
        return None
    values = [value for _, value in _by_seed(result, group)]
    halves = [_Z * _standard_error(influences(result, group, (_ALL, _NONE)))]
    halves += [mean_half_width(values)] if len(values) > 1 else []
    accuracies = [
        count / record.images for run in runs for record in _distorted(run, group) for count in record.correct
    ]
    return RelativeAccuracy(
        value=statistics.fmean(values), half_width=math.hypot(*halves), accuracy=statistics.fmean(accuracies)
    )


def robustness_difference(first: VariantResult, second: VariantResult, group: str) -> Difference | None:
    """Return the relative accuracy of `first` minus that of `second`; None if one was not measured.

    It is paired by image and by seed, as `accuracy_difference`: the variance over images is that of the difference of
    both `influences`, and that over runs is of the differences by seed. Two pseudo-observations, correct when clean,
    are added: one that stays correct at all strengths only with `first`, and one only with `second`.

    Raises:
        DataError: they are not evaluated on the same images.
    """
    ours, theirs = relative_accuracy(first, group), relative_accuracy(second, group)
    if ours is None or theirs is None:
        return None
    images = influences(first, group, (_ALL, _NONE)), influences(second, group, (_NONE, _ALL))
    if len(images[0]) != len(images[1]):
        raise DataError(
            f"Two variants must be evaluated on the same distorted images. Got {len(images[0]) - 2:,} and "
            f"{len(images[1]) - 2:,} ({first.variant} and {second.variant}). Run the comparison again."
        )
    runs = _over_runs(_by_seed(first, group), _by_seed(second, group))
    half = math.hypot(_Z * _standard_error(images[0] - images[1]), *runs)
    value = ours.value - theirs.value
    return Difference(value=value, low=value - half, high=value + half, seeds=max(len(first.runs), len(second.runs)))


def influences(result: VariantResult, group: str, added: tuple[float, ...] = ()) -> NDArray[np.float64]:
    """Return the influence of each image on the relative accuracy of a variant: float N, mean over the seeds.

    Relative accuracy is a ratio of two means over the same images, r = mean(k) / mean(u): k is the fraction of the
    strengths at which an image is correct, u is 1 if it is correct when clean, else 0. Other images would change r, to
    first order, by the mean of (k - r u) / mean(u), whose variance is that of a mean (Cochran, Sampling Techniques, 3rd
    ed. 1977, chapter 6 on ratio estimators; the delta method). The sum over the images is 0.

    Args:
        result: of a variant that was measured with the group.
        group: of `GROUPS`.
        added: for each pseudo-observation, correct when clean, the fraction of the strengths at which it is correct.

    Returns:
        The influences, those of the pseudo-observations last.
    """
    rows = []
    for run in _evaluated(result, group):
        records = _distorted(run, group)
        strengths = sum(len(record.strengths) for record in records)
        fractions = np.sum([record.per_image() for record in records], axis=0) / strengths
        clean = run.clean().astype(float)
        ratio = fractions.mean() / clean.mean()
        rows.append((np.append(fractions, added) - ratio * np.append(clean, np.ones(len(added)))) / clean.mean())
    mean: NDArray[np.float64] = np.mean(rows, axis=0)
    return mean


def _standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean of `values`."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _over_runs(
    first: Sequence[tuple[int, float]], second: Sequence[tuple[int, float]], confidence: float = 0.95
) -> list[float]:
    """Return half-widths from the variance over runs; a single run has none.

    Args:
        first: seed and value of each run of a variant.
        second: those of another; with the same seeds, their differences are taken.
        confidence: of the interval.
    """
    ours, theirs = ([value for _, value in pairs] for pairs in (first, second))
    samples = [ours, theirs]
    if [seed for seed, _ in first] == [seed for seed, _ in second]:
        samples = [[our - their for our, their in zip(ours, theirs, strict=True)]]
    return [mean_half_width(sample, confidence) for sample in samples if len(sample) > 1]


def _evaluated(result: VariantResult, group: str) -> list[VariantRun]:
    """Return the runs with a relative accuracy: evaluated with the group, and some images correct when clean."""
    return [run for run in result.runs if _distorted(run, group) and run.clean().any()]


def _distorted(run: VariantRun, group: str) -> list[DistortionResult]:
    return [record for record in run.distorted if record.distortion in GROUPS[group]]


def _by_seed(result: VariantResult, group: str) -> list[tuple[int, float]]:
    """Return the seed and the relative accuracy of each run."""
    pairs = []
    for run in _evaluated(result, group):
        counts = [count for record in _distorted(run, group) for count in record.correct]
        pairs.append((run.seed, statistics.fmean(counts) / int(run.clean().sum())))
    return pairs
