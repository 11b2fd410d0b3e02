"""What a comparison came to, as records that go to JSON and come back."""

import statistics
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.statistics import mean_half_width, wilson_interval
from convscope.core.text import counted

from .by_image import ByImage, bits_of

FORMAT_VERSION = 1
FILE_NAME = "comparison.json"
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Disturbed:
    """Answers on images with one strength of one distortion.

    Attributes:
        distortion, unit, strength: what was done to the images.
        images: how many.
        right: how many were recognized.
        same: how many got the class that they have undistorted.
    """

    distortion: str
    unit: str
    strength: float
    images: int
    right: int
    same: int

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if not (0 <= self.right <= self.images and 0 <= self.same <= self.images and self.images):
            raise DataError(
                f"`right` and `same` must be from 0 to `images`, of which there is at least one. Got {self.right:,} "
                f"and {self.same:,} (of {self.images:,}, {self.distortion}). Compare anew."
            )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training, and how good what was learned is on images that it has not seen.

    Attributes:
        seed: of the training.
        trained_on: number of training images.
        epochs: passes over them; 0 where it learned in another way.
        seconds: of learning.
        total: images that it was evaluated on.
        right: which of them it recognized, as hexadecimal digits of four images each, in the order of the set.
        undisturbed: how many of the images that are distorted were recognized as they are.
        disturbed: answers on distorted images; empty where they were not asked for.
        undistorted: which of the images that are distorted were recognized as they are, as the digits of `right`.
        by_image: for each distortion, at how many strengths each image was recognized. Both are empty where there
            are no distorted images, or where an earlier version, which did not keep them, evaluated.
    """

    seed: int
    trained_on: int
    epochs: int
    seconds: float
    total: int
    right: str
    undisturbed: int = 0
    disturbed: tuple[Disturbed, ...] = ()
    undistorted: str = ""
    by_image: tuple[ByImage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no training can come to."""
        if self.total < 1 or len(self.right) != -(-self.total // 4):
            raise DataError(
                f"`right` must have a digit for every four of {counted(self.total, 'image')}. "
                f"Got {counted(len(self.right), 'digit')}. "
                "Compare anew."
            )
        try:
            self.answers()
        except ValueError:
            raise DataError("`right` must be hexadecimal digits. Got something else. Compare anew.") from None
        images = {one.images for one in self.disturbed}
        if len(images) > 1 or not 0 <= self.undisturbed <= max(images, default=self.total):
            raise DataError(
                f"`disturbed` must be of the same images, `undisturbed` of them right. Got {self.undisturbed:,} of "
                f"{' or '.join(f'{one:,}' for one in sorted(images)) or f'{self.total:,}'}. Compare anew."
            )
        if (self.undistorted or self.by_image) and (wrong := self._disagreement()):
            raise DataError(
                "`undistorted` and `by_image` must agree with the numbers of recognized images (`undisturbed`, "
                f"`disturbed`). Got {wrong}. Compare anew."
            )

    def _disagreement(self) -> str:
        """Return what digits of single images and numbers of recognized images disagree in; empty if in nothing."""
        names = tuple(dict.fromkeys(one.distortion for one in self.disturbed))
        if not names or names != tuple(one.distortion for one in self.by_image):
            digits = ", ".join(one.distortion for one in self.by_image)
            return f"digits for {digits or 'no distortion'} and numbers for {', '.join(names) or 'none'}"
        images = self.disturbed[0].images
        if len(self.undistorted) != -(-images // 4):
            return f"{counted(len(self.undistorted), 'digit')} for {counted(images, 'image')} (undistorted)"
        try:
            right = int(bits_of(self.undistorted, images).sum())
        except ValueError:
            return "something else than hexadecimal digits (undistorted)"
        if right != self.undisturbed:
            return f"{counted(right, 'recognized image')} in place of {self.undisturbed:,} (undistorted)"
        for one in self.by_image:
            rows = [row.right for row in self.disturbed if row.distortion == one.distortion]
            if wrong := one.disagreement(images, rows):
                return f"{wrong} ({one.distortion})"
        return ""

    def answers(self) -> NDArray[np.bool_]:
        """Return which images were recognized: bool N."""
        return bits_of(self.right, self.total)

    @property
    def correct(self) -> int:
        """Number of images that were recognized."""
        return int(self.answers().sum())

    @property
    def accuracy(self) -> float:
        """Part of the images that was recognized, 0…1."""
        return self.correct / self.total


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of network or classifier in the comparison.

    Attributes:
        kind: its name in `convscope.measures.comparison.kinds.KINDS`.
        title: in a few words.
        sentence: what it is, and what it differs in.
        layout: its notation; of features with a classifier, what they are.
        parameters, macs: exact; None where they are not counted.
        distorted: whether its training images were distorted.
        note: what else should be known of it; empty if nothing.
        why_not: why it was not measured; empty if it was.
        trials: one a seed, on all training images.
        curve: trainings on a part of them, from few to many; those on all are `trials`.
    """

    kind: str
    title: str
    sentence: str
    layout: str = ""
    parameters: int | None = None
    macs: int | None = None
    distorted: bool = False
    note: str = ""
    why_not: str = ""
    trials: tuple[Trial, ...] = ()
    curve: tuple[Trial, ...] = ()

    def __post_init__(self) -> None:
        """Refuse trainings that were not evaluated alike."""
        totals = {trial.total for trial in (*self.trials, *self.curve)}
        strengths = {
            tuple((one.distortion, one.strength, one.images) for one in trial.disturbed) for trial in self.trials
        }
        if len(totals) > 1 or len(strengths) > 1:
            raise DataError(
                f"`trials` must be evaluated on the same images, with the same distortions. "
                f"Got {counted(len(totals), 'number')} "
                f"of images and {len(strengths)} lists of distortions ({self.kind}). Compare anew."
            )

    @property
    def measured(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.trials)

    @property
    def accuracy(self) -> float:
        """Mean over the seeds of the part of the images that was recognized, 0…1."""
        return statistics.fmean(trial.accuracy for trial in self.trials)

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the accuracy: of the mean over seeds (Student's t), or of one training (Wilson's)."""
        return interval_of([trial.correct for trial in self.trials], self.trials[0].total)

    @property
    def seconds(self) -> float:
        """Mean seconds of learning."""
        return statistics.fmean(trial.seconds for trial in self.trials)

    @property
    def epochs(self) -> int:
        """Most passes over the training images."""
        return max(trial.epochs for trial in self.trials)

    def points(self, distortion: str) -> tuple["Strength", ...]:
        """Return accuracy by strength of one distortion, mean over the seeds, strength 0 among them, in order."""
        first = [one for one in self.trials[0].disturbed if one.distortion == distortion]
        if not first:
            return ()
        images = first[0].images
        rows = [Strength(value=0.0, images=images, right=tuple(one.undisturbed for one in self.trials), same=1.0)]
        for place, one in enumerate(self.trials[0].disturbed):
            if one.distortion == distortion:
                mine = [trial.disturbed[place] for trial in self.trials]
                rows.append(
                    Strength(
                        value=one.strength,
                        images=images,
                        right=tuple(found.right for found in mine),
                        same=statistics.fmean(found.same / found.images for found in mine),
                    )
                )
        return tuple(sorted(rows, key=lambda row: row.value))


@dataclass(frozen=True, kw_only=True)
class Strength:
    """One strength of one distortion: how many images, how many are right at each seed, and the constant part."""

    value: float
    images: int
    right: tuple[int, ...]
    same: float

    @property
    def accuracy(self) -> float:
        """Mean over the seeds, 0…1."""
        return statistics.fmean(self.right) / self.images

    @property
    def interval(self) -> Interval:
        """Its 95 % interval."""
        return interval_of(list(self.right), self.images)


def interval_of(right: list[int], total: int) -> Interval:
    """Return the 95 % interval of the mean share over several trainings (Student's t), of one training Wilson's.

    Examples:
        >>> low, high = interval_of([90, 92, 94], 100)
        >>> f"{low:.3f} {high:.3f}"
        '0.870 0.970'
    """
    if len(right) == 1:
        return wilson_interval(right[0], total)
    shares = [one / total for one in right]
    middle, half = statistics.fmean(shares), mean_half_width(shares)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Kinds of networks and classifiers on one split of one set, with one budget.

    Attributes:
        library_version: of the convscope that measured it.
        data: name of the set; part: which of its images were evaluated.
        classes: how many.
        height, width, channels: of the images.
        training_images: how many were learned from, of `all_training_images`.
        test_images: how many were evaluated.
        disturbed_images: how many of these were distorted, too.
        layout: of the convolutional network that all others are made after.
        budget: what every network had the same of.
        amount: how much of it: passes over the training images, or seconds.
        seeds: of the trainings.
        fractions: parts of the training images that the learning curve is measured at; empty if it is not.
        quick: whether it was the quick comparison.
        seconds: that all of it took, over all times that it was gone on with.
        processor, cores: of the machine.
        entries: the kinds, in the order of the family.
    """

    format_version: int = FORMAT_VERSION
    library_version: str
    data: str
    part: str
    classes: int
    height: int
    width: int
    channels: int
    training_images: int
    all_training_images: int
    test_images: int
    disturbed_images: int
    layout: str
    budget: Literal["epochs", "seconds"]
    amount: float
    seeds: int
    fractions: tuple[float, ...] = ()
    quick: bool = False
    seconds: float = 0.0
    processor: str = ""
    cores: int = 0
    entries: tuple[Entry, ...]

    @property
    def measured(self) -> tuple[Entry, ...]:
        """The entries that were measured."""
        return tuple(entry for entry in self.entries if entry.measured)

    def entry(self, kind: str) -> Entry | None:
        """Return the entry of a kind where it was measured, else None."""
        return next((entry for entry in self.measured if entry.kind == kind), None)

    @property
    def distortions(self) -> tuple[tuple[str, str], ...]:
        """Names and units of the distortions."""
        trials = [entry.trials[0] for entry in self.measured]
        return tuple(dict.fromkeys((one.distortion, one.unit) for trial in trials for one in trial.disturbed))
