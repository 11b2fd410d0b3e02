"""What a comparison came to, as records that go to JSON and come back."""

import statistics
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.statistics import mean_half_width, wilson_interval
from convscope.core.text import counted

from .by_picture import ByPicture, bits_of

FORMAT_VERSION = 1
FILE_NAME = "comparison.json"
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Disturbed:
    """Answers on pictures with one strength of one distortion.

    Attributes:
        distortion, unit, strength: what was done to the pictures.
        pictures: how many.
        right: how many were recognized.
        same: how many got the class that they have undistorted.
    """

    distortion: str
    unit: str
    strength: float
    pictures: int
    right: int
    same: int

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if not (0 <= self.right <= self.pictures and 0 <= self.same <= self.pictures and self.pictures):
            raise DataError(
                f"`right` and `same` must be from 0 to `pictures`, of which there is at least one. Got {self.right:,} "
                f"and {self.same:,} (of {self.pictures:,}, {self.distortion}). Compare anew."
            )


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training, and how good what was learned is on pictures that it has not seen.

    Attributes:
        seed: of the training.
        trained_on: number of training pictures.
        epochs: passes over them; 0 where it learned in another way.
        seconds: of learning.
        total: pictures that it was judged on.
        right: which of them it recognized, as hexadecimal digits of four pictures each, in the order of the set.
        undisturbed: how many of the pictures that are distorted were recognized as they are.
        disturbed: answers on distorted pictures; empty where they were not asked for.
        undistorted: which of the pictures that are distorted were recognized as they are, as the digits of `right`.
        by_picture: for each distortion, at how many strengths each picture was recognized. Both are empty where there
            are no distorted pictures, or where an earlier version, which did not keep them, judged.
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
    by_picture: tuple[ByPicture, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no training can come to."""
        if self.total < 1 or len(self.right) != -(-self.total // 4):
            raise DataError(
                f"`right` must have a digit for every four of {counted(self.total, 'picture')}. "
                f"Got {counted(len(self.right), 'digit')}. "
                "Compare anew."
            )
        try:
            self.answers()
        except ValueError:
            raise DataError("`right` must be hexadecimal digits. Got something else. Compare anew.") from None
        pictures = {one.pictures for one in self.disturbed}
        if len(pictures) > 1 or not 0 <= self.undisturbed <= max(pictures, default=self.total):
            raise DataError(
                f"`disturbed` must be of the same pictures, `undisturbed` of them right. Got {self.undisturbed:,} of "
                f"{' or '.join(f'{one:,}' for one in sorted(pictures)) or f'{self.total:,}'}. Compare anew."
            )
        if (self.undistorted or self.by_picture) and (wrong := self._disagreement()):
            raise DataError(
                "`undistorted` and `by_picture` must agree with the numbers of recognized pictures (`undisturbed`, "
                f"`disturbed`). Got {wrong}. Compare anew."
            )

    def _disagreement(self) -> str:
        """Return what digits of single pictures and numbers of recognized pictures disagree in; empty if in nothing."""
        names = tuple(dict.fromkeys(one.distortion for one in self.disturbed))
        if not names or names != tuple(one.distortion for one in self.by_picture):
            digits = ", ".join(one.distortion for one in self.by_picture)
            return f"digits for {digits or 'no distortion'} and numbers for {', '.join(names) or 'none'}"
        pictures = self.disturbed[0].pictures
        if len(self.undistorted) != -(-pictures // 4):
            return f"{counted(len(self.undistorted), 'digit')} for {counted(pictures, 'picture')} (undistorted)"
        try:
            right = int(bits_of(self.undistorted, pictures).sum())
        except ValueError:
            return "something else than hexadecimal digits (undistorted)"
        if right != self.undisturbed:
            return f"{counted(right, 'recognized picture')} in place of {self.undisturbed:,} (undistorted)"
        for one in self.by_picture:
            rows = [row.right for row in self.disturbed if row.distortion == one.distortion]
            if wrong := one.disagreement(pictures, rows):
                return f"{wrong} ({one.distortion})"
        return ""

    def answers(self) -> NDArray[np.bool_]:
        """Return which pictures were recognized: bool N."""
        return bits_of(self.right, self.total)

    @property
    def correct(self) -> int:
        """Number of pictures that were recognized."""
        return int(self.answers().sum())

    @property
    def accuracy(self) -> float:
        """Part of the pictures that was recognized, 0…1."""
        return self.correct / self.total


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One kind of network or classifier in the comparison.

    Attributes:
        kind: its name in `convscope.measures.comparison.kinds.KINDS`.
        title: in a few words.
        sentence: what it is, and what it differs in.
        layout: its notation; of features with a classifier, what they are.
        parameters, multiply_adds: exact; None where they are not counted.
        distorted: whether its training pictures were distorted.
        note: what else should be known of it; empty if nothing.
        why_not: why it was not measured; empty if it was.
        trials: one a seed, on all training pictures.
        curve: trainings on a part of them, from few to many; those on all are `trials`.
    """

    kind: str
    title: str
    sentence: str
    layout: str = ""
    parameters: int | None = None
    multiply_adds: int | None = None
    distorted: bool = False
    note: str = ""
    why_not: str = ""
    trials: tuple[Trial, ...] = ()
    curve: tuple[Trial, ...] = ()

    def __post_init__(self) -> None:
        """Refuse trainings that were not judged alike."""
        totals = {trial.total for trial in (*self.trials, *self.curve)}
        strengths = {
            tuple((one.distortion, one.strength, one.pictures) for one in trial.disturbed) for trial in self.trials
        }
        if len(totals) > 1 or len(strengths) > 1:
            raise DataError(
                f"`trials` must be judged on the same pictures, with the same distortions. "
                f"Got {counted(len(totals), 'number')} "
                f"of pictures and {len(strengths)} lists of distortions ({self.kind}). Compare anew."
            )

    @property
    def measured(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.trials)

    @property
    def accuracy(self) -> float:
        """Mean over the seeds of the part of the pictures that was recognized, 0…1."""
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
        """Most passes over the training pictures."""
        return max(trial.epochs for trial in self.trials)

    def points(self, distortion: str) -> tuple["Strength", ...]:
        """Return accuracy by strength of one distortion, mean over the seeds, strength 0 among them, in order."""
        first = [one for one in self.trials[0].disturbed if one.distortion == distortion]
        if not first:
            return ()
        pictures = first[0].pictures
        rows = [Strength(value=0.0, pictures=pictures, right=tuple(one.undisturbed for one in self.trials), same=1.0)]
        for place, one in enumerate(self.trials[0].disturbed):
            if one.distortion == distortion:
                mine = [trial.disturbed[place] for trial in self.trials]
                rows.append(
                    Strength(
                        value=one.strength,
                        pictures=pictures,
                        right=tuple(found.right for found in mine),
                        same=statistics.fmean(found.same / found.pictures for found in mine),
                    )
                )
        return tuple(sorted(rows, key=lambda row: row.value))


@dataclass(frozen=True, kw_only=True)
class Strength:
    """One strength of one distortion: how many pictures, how many are right at each seed, and the constant part."""

    value: float
    pictures: int
    right: tuple[int, ...]
    same: float

    @property
    def accuracy(self) -> float:
        """Mean over the seeds, 0…1."""
        return statistics.fmean(self.right) / self.pictures

    @property
    def interval(self) -> Interval:
        """Its 95 % interval."""
        return interval_of(list(self.right), self.pictures)


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
        data: name of the set; part: which of its pictures were judged.
        classes: how many.
        height, width, channels: of the pictures.
        training_pictures: how many were learned from, of `all_training_pictures`.
        test_pictures: how many were judged.
        disturbed_pictures: how many of these were distorted, too.
        layout: of the convolutional network that all others are made after.
        budget: what every network had the same of.
        amount: how much of it: passes over the training pictures, or seconds.
        seeds: of the trainings.
        fractions: parts of the training pictures that the learning curve is measured at; empty if it is not.
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
    training_pictures: int
    all_training_pictures: int
    test_pictures: int
    disturbed_pictures: int
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
