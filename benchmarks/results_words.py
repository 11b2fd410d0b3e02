"""Results as words and tables, for the pages that are written from them."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from convscope.core.records import from_json
from convscope.core.text import counted
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.comparison.variants import VARIANTS

RESULTS = Path(__file__).parent / "results"
SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
Found = dict[str, Any]
Lines = list[str]
NOT_CONFIRMED = "**The common claim is not confirmed.**"


def result(name: str) -> Found | None:
    """Return a result, or None where it was not measured."""
    path = RESULTS / f"{name}.json"
    found: Found | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def compared() -> dict[str, tuple[Found, Comparison]]:
    """Return the comparison of every measured dataset, variants named as today, with the result that contains it."""
    results = {name: result(f"why-it-works-{name}") for name in SETS}
    return {
        name: (found, _named(from_json(Comparison, found["comparison"]))) for name, found in results.items() if found
    }


def _named(comparison: Comparison) -> Comparison:
    variants = [dataclasses.replace(one, title=VARIANTS[one.variant].title) for one in comparison.variants]
    return dataclasses.replace(comparison, variants=tuple(variants))


def measured_on(found: Found) -> str:
    """Return on what a result was measured, and the command that repeats the measurement."""
    return f"Measured on {counted(found['cores'], 'core')} of {found['processor']}: `{found['command']}`."


def table(head: Lines, rows: list[Lines]) -> Lines:
    """Return the lines of a table."""
    return ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows), ""]


def setting(found: Comparison) -> str:
    """Return what was trained on what."""
    return (
        f"`{found.layout}`, {counted(found.training_images, 'training image')}, "
        f"{found.budget_text}, {counted(found.seeds, 'seed')}, "
        f"{counted(found.test_images, 'test image')}, {found.distorted_images:,} of them distorted"
    )


def percentage(value: float, half_width: float) -> str:
    """Return a fraction in percent, without the sign, with the half-width of its 95 % interval."""
    return f"{100 * value:.1f} ± {100 * half_width:.1f}"


def mean_of(found: Found | None, *, percent: bool = True) -> str:
    """Return a mean over seeds with the half-width of its 95 % interval, a fraction in percent without the sign."""
    if found is None:
        return "–"
    half_width = found.get("mean_95_half_width")
    if half_width is None:
        mean = f"{100 * found['mean']:.1f}" if percent else f"{found['mean']:.2f}"
        return f"{mean} (one run)"
    return percentage(found["mean"], half_width) if percent else f"{found['mean']:.2f} ± {half_width:.2f}"


def surely(more: Found, less: Found) -> bool:
    """Return whether one mean over seeds is significantly above another: the intervals do not overlap."""
    halves = more.get("mean_95_half_width", math.inf) + less.get("mean_95_half_width", math.inf)
    return bool(more["mean"] - less["mean"] > halves)


def accuracy(result: VariantResult) -> str:
    """Return the accuracy of a variant in percent, with its interval."""
    low, high = result.interval
    return f"{100 * result.accuracy:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def written_by() -> Lines:
    """Return the first paragraph of a page: where its numbers come from."""
    return [
        "Written by `benchmarks/results_pages.py` from `benchmarks/results/`. Values are percentages with 95 % "
        "confidence intervals unless the head says otherwise."
    ]
