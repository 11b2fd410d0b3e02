"""A comparison for the explorer page: one row a variant, with the columns of its table."""

import functools
from dataclasses import dataclass

from convscope.core.document import static
from convscope.core.records import from_json, strict_json
from convscope.core.text import printable
from convscope.measures.comparison.moved import Moved, moved
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.distortions.family import phrase_of

LONGEST_TEXT = 400
SHIPPED = "comparison-mnist.json"
"""The record that comes with the package, written by ``benchmarks/shipped_comparison.py``."""


@dataclass(frozen=True, kw_only=True)
class ColumnData:
    """A distortion with one strength, and both in words."""

    distortion: str
    strength: float
    words: str


@dataclass(frozen=True, kw_only=True)
class VariantData:
    """One variant.

    Attributes:
        name: its title; description: in a sentence; note: a remark.
        layout: its notation.
        accuracy: 0…1, and its 95 % interval.
        parameters, macs: exact; None where they are not counted.
        seconds: of training.
        distorted: accuracy in each column of the comparison; None where it was not measured.
    """

    name: str
    description: str = ""
    note: str = ""
    layout: str = ""
    accuracy: float
    interval: tuple[float, float]
    parameters: int | None
    macs: int | None
    seconds: float
    distorted: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ComparisonData:
    """Variants that are trained on the same dataset.

    Attributes:
        data: name of the dataset; images: of the test set; training_images: how many.
        seeds: runs of each variant.
        budget: of each training, ``epochs`` or ``seconds``; amount: how much.
        columns: the distortions with their strengths.
        variants: in the order of the comparison.
        moved: the result in one sentence; None where shifts or variants are missing.
        own: whether it is of the user's images; else it comes with the package.
    """

    data: str
    images: int
    training_images: int
    seeds: int
    budget: str
    amount: float
    columns: tuple[ColumnData, ...]
    variants: tuple[VariantData, ...]
    moved: Moved | None = None
    own: bool = True


@functools.cache
def shipped_comparison() -> ComparisonData:
    """Return the comparison that comes with the package: of MNIST, with five seeds."""
    return from_json(ComparisonData, strict_json(static("convscope.explorer", SHIPPED)))


def comparison_data(comparison: Comparison, *, own: bool = True) -> ComparisonData:
    """Return the measured variants of a comparison for the page; of the same network under two names the first."""
    results = comparison.distinct
    keys = dict.fromkeys(
        (one.distortion, strength)
        for result in results
        for one in result.runs[0].distorted
        for strength in one.strengths
    )
    return ComparisonData(
        data=_text(comparison.data),
        images=comparison.test_images,
        training_images=comparison.training_images,
        seeds=comparison.seeds,
        budget=comparison.budget,
        amount=comparison.amount,
        columns=tuple(
            ColumnData(distortion=_text(name), strength=strength, words=_text(phrase_of(name, strength)))
            for name, strength in keys
        ),
        variants=tuple(_variant(result, keys) for result in results),
        moved=moved(comparison),
        own=own,
    )


def _variant(result: VariantResult, keys: dict[tuple[str, float], None]) -> VariantData:
    accuracies: dict[tuple[str, float], float] = {}
    for name, _ in keys:
        accuracies |= {(name, point.strength): point.accuracy for point in result.points(name)}
    low, high = result.interval
    return VariantData(
        name=_text(result.title),
        description=_text(result.description),
        note=_text(result.note),
        layout=_text(result.layout),
        accuracy=_short(result.accuracy),
        interval=(_short(low), _short(high)),
        parameters=result.parameters,
        macs=result.macs,
        seconds=_short(result.seconds),
        distorted=tuple(
            None if (name, strength) not in accuracies else _short(accuracies[name, strength])
            for name, strength in keys
        ),
    )


def _text(text: str) -> str:
    return printable(text)[:LONGEST_TEXT]


def _short(value: float) -> float:
    """Return five digits of `value`; the page shows four."""
    return float(f"{value:.5g}")
