"""Records of a comparison: variants, their runs, and which images each run predicts correctly."""

import statistics
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.statistics import Interval, Proportion, mean_interval
from convscope.core.text import counted
from convscope.measures.robustness import Limit, StrengthAccuracy, limits_of

FORMAT_VERSION = 1
FILE_NAME, PAGE_NAME = "comparison.json", "compare.html"
MOST_DRAWN = 5
_DRAWN = {
    "distorted": (
        "convolution", "locally-connected", "mlp-parameters", "no-pooling-connected", "convolution-distorted"
    ),
    "curve": (
        "convolution", "start-frozen", "start-fine-tuned", "start-random",
        "mlp-parameters", "by-hand-svm", "pixels-softmax",
    ),
}  # fmt: skip
"""Variants that are drawn first as curves: over strengths of distortions, and over numbers of training images."""
_DIGITS = frozenset("0123456789abcdef")


def digits_of(correct: NDArray[np.bool_]) -> str:
    """Return which images are predicted correctly as hexadecimal digits, four images each.

    Examples:
        >>> digits_of(np.array([True, False, False, True, True]))
        '98'
    """
    return np.packbits(correct).tobytes().hex()[: -(-len(correct) // 4)]


def bits_of(digits: str, total: int) -> NDArray[np.bool_]:
    """Return which of `total` images are predicted correctly, bool N, from the digits of `digits_of`.

    Raises:
        DataError: they are not that many hexadecimal digits.

    Examples:
        >>> bits_of("98", 5).tolist()
        [True, False, False, True, True]
    """
    if len(digits) != -(-total // 4) or not _DIGITS.issuperset(digits):
        raise DataError(
            f"`digits` must be one hexadecimal digit for every four of {counted(total, 'image')}. "
            f"Got {counted(len(digits), 'character')}. Run the comparison again."
        )
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(digits + "0" * (len(digits) % 2)), np.uint8))
    return bits[:total].astype(bool)


@dataclass(frozen=True, kw_only=True)
class DistortionResult:
    """Predictions of one run on images with every strength of one distortion.

    Attributes:
        distortion, unit: its name, and the unit of its strengths.
        strengths: in order.
        correct: number of correct predictions at each strength.
        same: number of predictions at each strength that are those of the clean images.
        image_counts: at how many strengths each image is predicted correctly, one hexadecimal digit an image.
    """

    distortion: str
    unit: str
    strengths: tuple[float, ...]
    correct: tuple[int, ...]
    same: tuple[int, ...]
    image_counts: str

    def __post_init__(self) -> None:
        """Validate that the counts agree."""
        if problem := self._problem():
            raise DataError(f"`distorted` must have counts that agree. Got {problem}. Run the comparison again.")

    def _problem(self) -> str:
        strengths, where = len(self.strengths), f"({self.distortion})"
        if not strengths or not self.images or not len(self.correct) == len(self.same) == strengths:
            return f"{len(self.correct)} and {len(self.same)} counts for {counted(strengths, 'strength')} {where}"
        if not all(0 <= count <= self.images for count in (*self.correct, *self.same)):
            return f"counts outside 0 to {self.images:,} {where}"
        if not _DIGITS.issuperset(self.image_counts):
            return f"characters that are not hexadecimal digits {where}"
        per_image = self.per_image()
        if per_image.max() > strengths:
            return f"an image correct at {counted(int(per_image.max()), 'strength')} of {strengths} {where}"
        if per_image.sum() != sum(self.correct):
            return f"{per_image.sum():,} correct by image and {sum(self.correct):,} by strength {where}"
        return ""

    @staticmethod
    def of(distortion: tuple[str, str], strengths: dict[float, tuple[NDArray[np.bool_], int]]) -> "DistortionResult":
        """Return the result from predictions.

        Args:
            distortion: name and unit.
            strengths: by strength, which images are predicted correctly (bool N) and how many as when clean.
        """
        per_image = np.sum([correct for correct, _ in strengths.values()], axis=0)
        return DistortionResult(
            distortion=distortion[0],
            unit=distortion[1],
            strengths=tuple(strengths),
            correct=tuple(int(correct.sum()) for correct, _ in strengths.values()),
            same=tuple(same for _, same in strengths.values()),
            image_counts="".join(f"{count:x}" for count in per_image),
        )

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.image_counts)

    def per_image(self) -> NDArray[np.int64]:
        """Return at how many strengths each image is predicted correctly: int64 N."""
        return np.array([int(digit, 16) for digit in self.image_counts], np.int64)


@dataclass(frozen=True, kw_only=True)
class VariantRun:
    """One training of a variant, evaluated on the test set.

    Attributes:
        seed: of the training.
        trained_on: number of training images.
        epochs: of training; 0 for a classifier on features.
        seconds: of training.
        total: images of the test set.
        correct_digits: which of them are predicted correctly, as `digits_of`.
        clean_digits: the same for the subset that is also evaluated distorted, without distortion; empty without one.
        distorted: predictions on that subset, by distortion.
    """

    seed: int
    trained_on: int
    epochs: int
    seconds: float
    total: int
    correct_digits: str
    clean_digits: str = ""
    distorted: tuple[DistortionResult, ...] = ()

    def __post_init__(self) -> None:
        """Validate the digits."""
        if self.total < 1:
            raise DataError(f"`total` must be at least 1. Got {self.total}. Run the comparison again.")
        self.correct()
        self.clean()
        names = [result.distortion for result in self.distorted]
        if len(set(names)) < len(names) or len({result.images for result in self.distorted}) > 1:
            raise DataError(
                "`distorted` must have each distortion once, all with the same images. Got others. Run the comparison "
                "again."
            )

    def correct(self) -> NDArray[np.bool_]:
        """Return which images of the test set are predicted correctly: bool N."""
        return bits_of(self.correct_digits, self.total)

    def clean(self) -> NDArray[np.bool_]:
        """Return which images of the distorted subset are predicted correctly without distortion: bool N."""
        return bits_of(self.clean_digits, self.distorted[0].images if self.distorted else 0)

    @property
    def accuracy(self) -> Proportion:
        """On the test set."""
        return Proportion(correct=int(self.correct().sum()), total=self.total)


@dataclass(frozen=True, kw_only=True)
class VariantResult:
    """One variant of the comparison with its runs.

    Attributes:
        variant: its name in `convscope.measures.comparison.variants.VARIANTS`.
        title: in a few words.
        description: in a sentence: what it is, and in what it differs.
        layout: its notation; for a classifier on features, their name.
        parameters, macs: exact; None where they are not counted.
        distorted_training: whether its training images are distorted.
        note: a remark; may be empty.
        skipped: the reason why it was not measured; empty if it was.
        runs: one for each seed, on all training images.
        curve: runs on fractions of the training images, from few to many; those on all are `runs`.
    """

    variant: str
    title: str
    description: str
    layout: str = ""
    parameters: int | None = None
    macs: int | None = None
    distorted_training: bool = False
    note: str = ""
    skipped: str = ""
    runs: tuple[VariantRun, ...] = ()
    curve: tuple[VariantRun, ...] = ()

    def __post_init__(self) -> None:
        """Validate that all runs are evaluated alike."""
        totals = {run.total for run in (*self.runs, *self.curve)}
        distortions = {
            tuple((result.distortion, result.strengths, result.images) for result in run.distorted) for run in self.runs
        }
        if len(totals) > 1 or len(distortions) > 1:
            raise DataError(
                f"`runs` must be evaluated on the same images, with the same distortions. "
                f"Got {counted(len(totals), 'number')} of images and {len(distortions)} lists of distortions "
                f"({self.variant}). Run the comparison again."
            )

    @property
    def measured(self) -> bool:
        """Whether there is a run on all training images."""
        return bool(self.runs)

    @property
    def accuracy(self) -> float:
        """Mean accuracy over the seeds, 0…1."""
        return statistics.fmean(run.accuracy.fraction for run in self.runs)

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the accuracy: of the mean over seeds (Student's t), or of one run (Wilson's)."""
        return mean_interval([run.accuracy.correct for run in self.runs], self.runs[0].total)

    @property
    def seconds(self) -> float:
        """Mean seconds of training."""
        return statistics.fmean(run.seconds for run in self.runs)

    @property
    def epochs(self) -> int:
        """Largest number of epochs."""
        return max(run.epochs for run in self.runs)

    def points(self, distortion: str) -> tuple[StrengthAccuracy, ...]:
        """Return mean accuracy by strength of one distortion in ascending order, strength 0 included."""
        results = [result for run in self.runs for result in run.distorted if result.distortion == distortion]
        if not results:
            return ()
        images = results[0].images
        correct = {0.0: [int(run.clean().sum()) for run in self.runs]}
        for index, strength in enumerate(results[0].strengths):
            correct[strength] = [result.correct[index] for result in results]
        return tuple(
            StrengthAccuracy(
                strength=strength,
                accuracy=statistics.fmean(correct[strength]) / images,
                interval=mean_interval(correct[strength], images),
            )
            for strength in sorted(correct)
        )

    def limits(self) -> tuple[Limit, ...]:
        """Return where accuracy falls below fractions of the clean accuracy, for each distortion and direction."""
        limits: list[Limit] = []
        for result in self.runs[0].distorted:
            points = self.points(result.distortion)
            clean = next(point.accuracy for point in points if point.strength == 0)
            limits += limits_of(result.distortion, points, clean)
        return tuple(limits)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Variants of a network on one split of one dataset, with one training budget.

    Attributes:
        library_version: of convscope.
        data: name of the dataset; split: the one that is evaluated.
        classes: how many.
        height, width, channels: of the images.
        training_images: how many are used, of `all_training_images`.
        test_images: how many are evaluated.
        distorted_images: how many of these are also evaluated distorted.
        layout: of the baseline.
        budget: the unit of the training budget.
        amount: of the budget: epochs or seconds.
        seeds: number of runs of each variant.
        fractions: of the training images, for the learning curve; empty without one.
        each: numbers of images per class of the learning curve; empty for fractions.
        quick: whether it is the quick comparison.
        seconds: of all runs.
        processor, cores: of the machine.
        variants: in the order of the family.
    """

    format_version: int = FORMAT_VERSION
    library_version: str
    data: str
    split: str
    classes: int
    height: int
    width: int
    channels: int
    training_images: int
    all_training_images: int
    test_images: int
    distorted_images: int
    layout: str
    budget: Literal["epochs", "seconds"]
    amount: float
    seeds: int
    fractions: tuple[float, ...] = ()
    each: tuple[int, ...] = ()
    quick: bool = False
    seconds: float = 0.0
    processor: str = ""
    cores: int = 0
    variants: tuple[VariantResult, ...]

    @property
    def measured(self) -> tuple[VariantResult, ...]:
        """The variants that were measured."""
        return tuple(result for result in self.variants if result.measured)

    @property
    def distinct(self) -> tuple[VariantResult, ...]:
        """Those that were measured; of the same network under two names the first."""
        results = self.measured
        return tuple(
            result
            for index, result in enumerate(results)
            if not any(result.runs == other.runs for other in results[:index])
        )

    def variant(self, name: str) -> VariantResult | None:
        """Return the result of a variant; None if it was not measured."""
        return next((result for result in self.measured if result.variant == name), None)

    def drawn(self, what: Literal["distorted", "curve"]) -> tuple[VariantResult, ...]:
        """Return the variants, at most five, that a figure shows: by strength of distortions, or with their curve."""
        results = [result for result in self.distinct if result.curve or what == "distorted"]
        results = [result for result in results if result.runs[0].distorted or what == "curve"]
        first = [result for name in _DRAWN[what] for result in results if result.variant == name]
        return (*first, *(result for result in results if result not in first))[:MOST_DRAWN]

    @property
    def distortions(self) -> tuple[tuple[str, str], ...]:
        """Names and units of the distortions."""
        runs = [result.runs[0] for result in self.measured]
        return tuple(dict.fromkeys((result.distortion, result.unit) for run in runs for result in run.distorted))

    @property
    def curve_divisor(self) -> int:
        """What numbers of images are divided by along a learning curve: the classes where it is by images per class."""
        return self.classes if self.each else 1

    @property
    def budget_text(self) -> str:
        """The training budget that all variants share, in words."""
        if self.budget == "epochs":
            return counted(int(self.amount), "epoch")
        return f"{counted(self.amount, 'second')} of training"
