"""What the page shows of a comparison of kinds of networks: one row a kind, cut down to what a table needs."""

from dataclasses import dataclass

from convscope.core.text import printable
from convscope.measures.comparison.records import Comparison, Entry

LONGEST_TEXT = 400


@dataclass(frozen=True, kw_only=True)
class ColumnData:
    """A distortion with one strength, in its unit."""

    distortion: str
    unit: str
    strength: float


@dataclass(frozen=True, kw_only=True)
class VariantData:
    """One kind of network or classifier.

    Attributes:
        name: in a few words; description: what it is; note: what else should be known of it.
        layout: its notation.
        accuracy: 0…1, and its 95 % interval.
        parameters, macs: exact; None where they are not counted.
        seconds: of learning.
        distorted: accuracy under each distortion of the comparison; None where it was not measured.
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
    """Kinds of networks and classifiers that learned the same set.

    Attributes:
        data: name of the set; images: how many were evaluated, training_images: how many were learned from.
        seeds: trainings of each kind.
        budget: what every kind had the same of, ``epochs`` or ``seconds``; amount: how much.
        columns: the distortions with their strengths.
        variants: in the order of the comparison.
    """

    data: str
    images: int
    training_images: int
    seeds: int
    budget: str
    amount: float
    columns: tuple[ColumnData, ...]
    variants: tuple[VariantData, ...]


def comparison_data(found: Comparison) -> ComparisonData:
    """Return what the page shows of `found`: the kinds that were measured."""
    keys: dict[tuple[str, str, float], None] = {}
    for entry in found.measured:
        for one in entry.trials[0].disturbed:
            keys[(one.distortion, one.unit, one.strength)] = None
    return ComparisonData(
        data=_text(found.data),
        images=found.test_images,
        training_images=found.training_images,
        seeds=found.seeds,
        budget=found.budget,
        amount=found.amount,
        columns=tuple(
            ColumnData(distortion=_text(name), unit=_text(unit), strength=strength) for name, unit, strength in keys
        ),
        variants=tuple(_kind(entry, keys) for entry in found.measured),
    )


def _kind(entry: Entry, keys: dict[tuple[str, str, float], None]) -> VariantData:
    accuracies: dict[tuple[str, float], float] = {}
    for name, _, _ in keys:
        accuracies |= {(name, point.value): point.accuracy for point in entry.points(name)}
    low, high = entry.interval
    return VariantData(
        name=_text(entry.title),
        description=_text(entry.sentence),
        note=_text(entry.note),
        layout=_text(entry.layout),
        accuracy=_short(entry.accuracy),
        interval=(_short(low), _short(high)),
        parameters=entry.parameters,
        macs=entry.macs,
        seconds=_short(entry.seconds),
        distorted=tuple(
            None if (name, strength) not in accuracies else _short(accuracies[name, strength])
            for name, _, strength in keys
        ),
    )


def _text(text: str) -> str:
    return printable(text)[:LONGEST_TEXT]


def _short(value: float) -> float:
    """Return five digits of `value`; the page shows four."""
    return float(f"{value:.5g}")
