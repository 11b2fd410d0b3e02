"""Write docs/results/ from benchmarks/results/: claims about convolutional networks, and measurements.

    python benchmarks/results_pages.py

Every number comes from a result file, and every verdict follows from the numbers. What was not measured is left out.
"""

import argparse
import itertools
import math
from pathlib import Path

from results_learned import learned_page
from results_words import (
    NOT_CONFIRMED,
    SETS,
    Found,
    Lines,
    accuracy,
    compared,
    mean_of,
    measured_on,
    percentage,
    result,
    setting,
    surely,
    table,
    written_by,
)

from convscope.layers.pooling import POOLINGS
from convscope.measures.comparison.conclusions import CLEAN, conclusions, contrasts, limit_text, telling
from convscope.measures.comparison.differences import relative_accuracy, robustness_difference
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.distortions.family import DISTORTIONS, GROUPS

DOCS = Path(__file__).parents[1] / "docs" / "results"


def shifts_page() -> Lines:
    """Return the page on shifts: robustness by variant, change by layer, and the old claims."""
    results = compared()
    lines = ["# Shifts: is a convolutional network more robust?", "", *written_by(), ""]
    lines += [
        "Networks are small and trainings short, to permit several seeds: compare variants, not accuracies. Robustness "
        "is accuracy on distorted images as a fraction of the clean accuracy, averaged over strengths.",
        "",
        *_settings(results),
    ]
    limits = {name: conclusions(comparison).get("limits", "") for name, (_, comparison) in results.items()}
    estimate = next((text.partition(" Here ")[0] for text in limits.values() if text), "")
    lines += [estimate, ""] if estimate else []
    for name, (_, comparison) in results.items():
        lines += [
            f"## {SETS[name]}",
            "",
            f"{_verdict_on_shifts(comparison)} {_texts(comparison, 'distortions', 'shifted')}",
        ]
        lines += [
            *_robustness_table(comparison),
            f"**LeCun's estimate.** {limits[name].removeprefix(f'{estimate} ')}",
            "",
        ]
    return [
        *lines,
        *_limits({name: comparison for name, (_, comparison) in results.items()}),
        *_sensitivity(),
        *_pooled(),
    ]


def _settings(results: dict[str, tuple[Found, Comparison]]) -> Lines:
    """Return what was trained on what, datasets with the same setting together."""
    lines: dict[str, Lines] = {}
    for name, (found, comparison) in results.items():
        source = measured_on(found).replace(f" {name} ", " DATASET ")
        lines.setdefault(f"{setting(comparison)}. {source}", []).append(SETS[name])
    return [*(f"- {', '.join(names)}: {line}" for line, names in lines.items()), ""]


def _verdict_on_shifts(found: Comparison) -> str:
    """Return whether the network is more robust to shifts than fully connected units of the same size."""
    first, second = found.variant("convolution"), found.variant("mlp-parameters")
    difference = robustness_difference(first, second, "shifted") if first and second else None
    if difference is None:
        return ""
    if not difference.significant:
        return f"**Not significantly.** {NOT_CONFIRMED}"
    return "**Yes.**" if difference.value > 0 else f"**No.** {NOT_CONFIRMED}"


def _texts(found: Comparison, topic: str, images: str = "") -> str:
    """Return the differences of a topic in sentences: those on some images, or those that are significant."""
    chosen = [one for one in contrasts(found) if one.topic == topic and images in ("", one.images)]
    return " ".join(contrast.text for contrast in (chosen if images else telling(chosen)))


SHOWN = ("convolution", "convolution-distorted", "mlp-parameters", "mlp-distorted")
"""The variants on the page on shifts; the page on pooling has the others."""


def _robustness_table(found: Comparison) -> Lines:
    variants = [variant for name in SHOWN if (variant := found.variant(name)) is not None]
    groups = [group for group in GROUPS if any(relative_accuracy(variant, group) for variant in variants)]
    rows = []
    for variant in variants:
        relative = [relative_accuracy(variant, group) for group in groups]
        cells = ["–" if value is None else percentage(value.value, value.half_width) for value in relative]
        rows.append([variant.title, accuracy(variant), *cells])
    return table(["variant", "clean accuracy", *groups], rows)


LIMIT = 0.9  # of the clean accuracy


def _limits(comparisons: dict[str, Comparison]) -> Lines:
    """Return where accuracy falls below 90 % of the clean accuracy."""
    measured = {name for comparison in comparisons.values() for name, *_ in comparison.distortions}
    sides = {
        (distortion.name, sign): distortion.way(sign)
        for distortion in DISTORTIONS.values()
        for sign in (-1, 1)
        if distortion.name in measured and distortion.way(sign)
    }
    rows = []
    for name, comparison in comparisons.items():
        for kind in ("convolution", "mlp-parameters"):
            if (variant := comparison.variant(kind)) is None:
                continue
            limits = {(limit.distortion, limit.sign): limit for limit in variant.limits() if limit.fraction == LIMIT}
            cells = [limit_text(limits[side]) if side in limits else "–" for side in sides]
            rows.append([SETS[name], variant.title, *cells])
    head = ["dataset", "variant", *sides.values()]
    return ["## Strength at which accuracy falls below 90 % of the clean accuracy", *table(head, rows)] if rows else []


def _sensitivity() -> Lines:
    """Return how the maps of each layer change with a shift, and where the change falls most."""
    results = {name: found for name, (found, _) in compared().items()}
    if not results:
        return []
    shift_px = next(iter(results.values()))["shift_px"]
    lines = [
        "## Which layer makes the network robust?",
        "",
        f"For a shift by {shift_px} px: *changed* is the distance of the maps of a layer from those of the clean "
        "image, as a fraction of the distance between two images; *moved* is the fraction of the change that is "
        "movement of the map.",
    ]
    rows = []
    for name in next(iter(results.values()))["sensitivity"]["convolution"]["steps"]:
        layers = [found["sensitivity"]["convolution"]["steps"][name] for found in results.values()]
        cells = [mean_of(values.get(key)) for values in layers for key in ("changed", "moved")]
        rows.append([name.replace(": ", " "), *cells])
    head = ["layer", *(f"{SETS[name]}: {key}" for name in results for key in ("changed", "moved"))]
    return [*lines, *table(head, rows), *(f"- {SETS[name]}: {_where(found)}" for name, found in results.items()), ""]


def _where(found: Found) -> str:
    """Return the layer at which the change falls most, and what is left at the classifier."""
    steps = found["sensitivity"]["convolution"]["steps"]
    changed = [(name, values["changed"]) for name, values in steps.items()]
    falls = sorted(map(_fall, itertools.pairwise(changed)), key=lambda fall: -fall[0])
    most, half, (name, values) = falls[0]
    end = {kind: list(layers["steps"].values())[-1]["changed"] for kind, layers in found["sensitivity"].items()}
    ends = f"The classifier changes by {mean_of(end['convolution'])}, that of fully connected units by "
    ends += f"{mean_of(end['mlp-parameters'])}."
    before = next(step for after, step in zip([*steps][1:], changed, strict=False) if after == name)
    if not surely(before[1], values):
        return f"the change falls significantly at no layer. {NOT_CONFIRMED} {ends}"
    word = "pooling" if name.split(": ")[1][:2] in POOLINGS else "not pooling"
    alike = [step for fall, other, (step, _) in falls[1:] if most - fall < math.hypot(half, other)]
    also = f"; not significantly more than at {' and '.join(map(_comma, alike))}" if alike else ""
    fall = f"from {mean_of(before[1])} to {mean_of(values)}{also}"
    return f"the change falls most at layer {_comma(name)} ({word}), {fall}. {ends}"


def _comma(layer: str) -> str:
    return layer.replace(": ", ", ")


def _fall(pair: tuple[tuple[str, Found], tuple[str, Found]]) -> tuple[float, float, tuple[str, Found]]:
    """Return by how much the change falls from one layer to the next, its 95 % half-width, and the next."""
    (_, before), after = pair
    half = math.hypot(*(spread.get("mean_95_half_width", math.inf) for spread in (before, after[1])))
    return before["mean"] - after[1]["mean"], half, after


def _pooled() -> Lines:
    """Return the test of the claim about 3 and 5 of eight shifts."""
    found = result("pooled-shifts")
    if found is None:
        return []
    lines = [
        "## Three of eight, five of eight?",
        "",
        "A common claim: of the eight one-pixel shifts of an image, three leave the output of 2 × 2 max pooling "
        "exactly unchanged, and five that of 3 × 3. Counted on maps of a trained first stage, for all values and "
        "without values that are 0 before and after (*nonzero*). *Movement* is the mean |difference| as a percentage "
        "of the mean |value|.",
    ]
    rows = [
        _pooled_row(f"{code}{window}", found[f"{code}{window}"])
        for window in (2, 3)
        for code in POOLINGS
        if f"{code}{window}" in found
    ]
    lines += table(["pooling", "all, of eight", "nonzero, of eight", "movement"], rows)
    lines += [f"{_pooled_verdict(found, 2, 3)} {_pooled_verdict(found, 3, 5)}", "", measured_on(found)]
    return lines


def _pooled_row(name: str, result: Found) -> Lines:
    moved = f"{result['change']:.0%}" if "change" in result else "–"
    return [f"`{name}`", _eighths(result["all"]), _eighths(result["alive"]), moved]


def _eighths(part: float) -> str:
    return f"{8 * part:.2f}"


def _pooled_verdict(found: Found, window: int, claim: int) -> str:
    every, nonzero = (8 * found[f"MP{window}"][name] for name in ("all", "alive"))
    verdict = "about as claimed." if abs(nonzero - claim) < 0.5 else NOT_CONFIRMED
    return (
        f"Max pooling over {window} × {window}: {nonzero:.2f} for nonzero values ({every:.2f} for all), claimed "
        f"{claim}: {verdict}"
    )


def pooling_page() -> Lines:
    """Return the page on the cost and gain of pooling."""
    comparisons = {name: comparison for name, (_, comparison) in compared().items()}
    lines = ["# Pooling: cost and gain, by variant", "", *written_by(), ""]
    lines += ["The networks are those of [shifts](shifts.md). *Robust* is the robustness to shifts."]
    names = dict.fromkeys(
        result.variant
        for comparison in comparisons.values()
        for result in comparison.measured
        if result.variant.startswith(("no-", "pooling-", "stride")) and not result.distorted_training
    )
    rows = []
    for variant in names:
        results = [comparison.variant(variant) for comparison in comparisons.values()]
        first = next(result for result in results if result is not None)
        macs = "–" if first.macs is None else f"{first.macs:,}"
        rows.append([first.title, macs, *(cell for result in results for cell in _accuracy_and_robustness(result))])
    head = ["variant", "MACs (28 × 28)", *(f"{SETS[name]}{what}" for name in comparisons for what in ("", ", robust"))]
    lines += table(head, rows) if rows else [""]
    for name, comparison in comparisons.items():
        texts = [_texts(comparison, "pooling"), conclusions(comparison).get("pooling", ""), _gain(comparison)]
        lines += [f"**{SETS[name]}.** {' '.join(filter(None, texts))}", ""]
    return lines


def _accuracy_and_robustness(result: VariantResult | None) -> Lines:
    if result is None or not result.runs:
        return ["–", "–"]
    shifted = relative_accuracy(result, "shifted")
    return [accuracy(result), "–" if shifted is None else percentage(shifted.value, shifted.half_width)]


def _gain(found: Comparison) -> str:
    """Return without which poolings robustness to shifts does not differ significantly."""
    baseline, parts = found.variant("convolution"), []
    for name in ("no-pooling-mean", "no-pooling-connected", "stride"):
        other = found.variant(name)
        difference = robustness_difference(baseline, other, "shifted") if baseline and other else None
        if difference is None or other is None or difference.significant:
            continue
        low, high = (100 * end for end in difference.interval)
        parts.append(f"{other.title} ({low:.1f} to {high:.1f} points)")
    return f"Not significantly different in robustness to shifts: {'; '.join(parts)}." if parts else ""


def index_page() -> Lines:
    """Return the page that links the others, with a short answer of each."""
    lines = ["# Measurements", ""]
    for name, (_, comparison) in compared().items():
        best = conclusions(comparison).get("best", "")
        sharing = [one for one in contrasts(comparison) if one.topic == "sharing" and one.images == CLEAN]
        lines += [f"**{SETS[name]}.** {' '.join([best, *(one.text for one in telling(sharing))])}", ""]
    lines += [
        "- [Shifts: is a convolutional network more robust?](shifts.md) Robustness by variant and layer, LeCun's "
        "estimate, and the claim of three and five of eight shifts",
        "- [Pooling: cost and gain, by variant](pooling.md)",
        "- [Softmax or SVM, random or learned, selectivity by depth](learned.md)",
        "- [Layers, features and classifiers](../layers/results.md)",
        "- [Speed](../speed.md)",
        "",
        "Measure it on your own images: [`convscope compare`](../compare.md).",
    ]
    return lines


PAGES = {"index": index_page, "shifts": shifts_page, "pooling": pooling_page, "learned": learned_page}


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=DOCS, help="output folder")
    docs = parser.parse_args().to
    docs.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (docs / f"{name}.md").write_text("\n".join(page()).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
