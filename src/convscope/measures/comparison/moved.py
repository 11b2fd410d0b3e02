"""The result of a comparison in one sentence: the accuracy of four variants on images that are moved a little."""

from collections.abc import Mapping
from dataclasses import dataclass

from convscope.core.statistics import Interval, mean_interval
from convscope.core.text import counted, percent
from convscope.measures.distortions.family import GROUPS
from convscope.measures.robustness import StrengthAccuracy

from .records import Comparison, VariantResult
from .variants import BASELINE

SHIFTED = "shifted"
SAID = (BASELINE, "locally-connected", "mlp-parameters", "no-pooling-connected")
"""The variants of the sentence."""
_OF_SIDE = 1 / 16  # at least; a pixel of a large image is no movement


@dataclass(frozen=True, kw_only=True)
class MovedVariant:
    """One variant of the sentence.

    Attributes:
        name: title of the variant.
        clean: accuracy on all test images, not moved, 0…1, as in the table of all variants.
        accuracy: on the moved images, and its 95 % interval.
    """

    name: str
    clean: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The accuracy of some variants on images moved by the same distance.

    Attributes:
        sentence: the result in words.
        pixels: the distance; the mean over all measured directions.
        images: how many; seeds: runs of each variant.
        variants: those of `SAID` that were measured.
    """

    sentence: str
    pixels: float
    images: int
    seeds: int
    variants: tuple[MovedVariant, ...]


def moved(comparison: Comparison) -> Moved | None:
    """Return the result in one sentence; None unless the baseline and another variant of it were measured."""
    pixels = pixels_moved(comparison)
    results = [result for name in SAID if (result := comparison.variant(name)) is not None]
    rows = [row for result in results if (row := _row(result, pixels)) is not None] if pixels else []
    baseline = comparison.variant(BASELINE)
    if len(rows) < 2 or baseline is None or rows[0].name != baseline.title:
        return None
    return Moved(
        sentence=sentence_of(pixels, {row.name: row.accuracy for row in rows}),
        pixels=pixels,
        images=comparison.distorted_images,
        seeds=comparison.seeds,
        variants=tuple(rows),
    )


def sentence_of(pixels: float, accuracies: Mapping[str, float]) -> str:
    """Return the result in one sentence, from the accuracy of each variant on images moved so far."""
    parts = ", ".join(f"{name} {percent(accuracy)}" for name, accuracy in accuracies.items())
    return f"Moved by {distance(pixels)}: {parts}."


def pixels_moved(comparison: Comparison) -> float:
    """Return the distance of the sentence: the shortest measured that is a pixel and a 16th of the side; 0 for none."""
    runs = [result.runs[0] for result in comparison.measured]
    measured = {
        abs(strength)
        for run in runs
        for record in run.distorted
        if record.distortion in GROUPS[SHIFTED]
        for strength in record.strengths
    }
    least = max(1.0, _OF_SIDE * min(comparison.height, comparison.width))
    return min((pixels for pixels in measured if pixels >= least), default=max(measured, default=0.0))


def distance(pixels: float) -> str:
    """Return a distance in words."""
    return "one pixel" if pixels == 1 else counted(pixels, "pixel")


def moved_accuracy(result: VariantResult, pixels: float) -> StrengthAccuracy | None:
    """Return the accuracy on images moved by this distance, mean over all measured directions; None without any.

    Of several runs the interval is that of their mean; of one, Wilson's of as many images as there are.
    """
    counts = [
        [
            count
            for record in run.distorted
            if record.distortion in GROUPS[SHIFTED]
            for strength, count in zip(record.strengths, record.correct, strict=True)
            if abs(strength) == pixels
        ]
        for run in result.runs
    ]
    if not counts or not all(counts):
        return None
    directions, images = len(counts[0]), result.runs[0].distorted[0].images
    sums = [sum(by_direction) for by_direction in counts]
    alone = len(sums) == 1
    interval = mean_interval([round(sums[0] / directions)] if alone else sums, images * (1 if alone else directions))
    return StrengthAccuracy(strength=pixels, accuracy=sum(sums) / (len(sums) * directions * images), interval=interval)


def _row(result: VariantResult, pixels: float) -> MovedVariant | None:
    found = moved_accuracy(result, pixels)
    if found is None:
        return None
    return MovedVariant(
        name=result.title,
        clean=result.accuracy,
        accuracy=found.accuracy,
        interval=found.interval,
    )
