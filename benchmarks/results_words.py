"""Figures of results in words and tables, for the pages that are made of them."""

import json
import math
from pathlib import Path
from typing import Any

from convscope.core.records import from_json
from convscope.core.text import counted
from convscope.measures.comparison.records import Comparison, VariantResult

RESULTS = Path(__file__).parent / "results"
SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
Found = dict[str, Any]
Lines = list[str]
NOT_BORNE_OUT = "**The common belief is not borne out here.**"


def result(name: str) -> Found | None:
    """Return a result, or None where it was not measured."""
    path = RESULTS / f"{name}.json"
    found: Found | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def compared() -> dict[str, tuple[Found, Comparison]]:
    """Return the comparison of every set that was measured, with the result that it stands in."""
    found = {}
    for name in SETS:
        if one := result(f"why-it-works-{name}"):
            found[name] = one, from_json(Comparison, one["comparison"])
    return found


def measured_on(found: Found) -> str:
    """Return where a result comes from, and the command that gives it again."""
    return f"`{found['command']}` at `{found['commit']}`, {counted(found['cores'], 'core')} of {found['processor']}."


def table(head: Lines, rows: list[Lines]) -> Lines:
    """Return the lines of a table."""
    return ["", *("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]), ""]


def setting(found: Comparison) -> str:
    """Return what was trained on what."""
    return (
        f"`{found.layout}`, {counted(found.training_images, 'training image')}, "
        f"{found.budget_text} each, {counted(found.seeds, 'seed')}, "
        f"{counted(found.test_images, 'test image')}, {found.distorted_images:,} of them distorted"
    )


def share(value: float, half: float) -> str:
    """Return a part of one in per cent, with the half-width of its 95 % interval."""
    return f"{100 * value:.1f} ± {100 * half:.1f} %"


def mean_of(found: Found | None, *, percent: bool = True) -> str:
    """Return a mean over seeds with the half-width of its 95 % interval."""
    if found is None:
        return "–"
    half = found.get("mean_95_half_width")
    if half is None:
        mean = f"{100 * found['mean']:.1f} %" if percent else f"{found['mean']:.2f}"
        return f"{mean} (one training)"
    return share(found["mean"], half) if percent else f"{found['mean']:.2f} ± {half:.2f}"


def surely(more: Found, less: Found) -> bool:
    """Return whether one mean over seeds is above another by more than both intervals; one training is never sure."""
    halves = more.get("mean_95_half_width", math.inf) + less.get("mean_95_half_width", math.inf)
    return bool(more["mean"] - less["mean"] > halves)


def accuracy(result: VariantResult) -> str:
    """Return the accuracy of a variant with its interval."""
    low, high = result.interval
    return f"{100 * result.accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def written_by() -> Lines:
    """Return where the figures come from, for the head of a page."""
    return [
        "Written by `benchmarks/results_pages.py` from `benchmarks/results/`: every figure and every verdict. "
        "Intervals are of 95 %; networks are small and trainings short, so that there is time for several: they tell "
        "kinds apart and are far from the accuracy that a set allows."
    ]
