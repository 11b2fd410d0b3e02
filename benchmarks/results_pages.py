"""Write docs/results/ from benchmarks/results/: what is said of convolutional networks, and what was measured.

    python benchmarks/results_pages.py

Every figure comes from a result file, and every verdict is made from figures: other results, another page. What was not
measured is left out.
"""

import argparse
import itertools
import math
from pathlib import Path

from results_learned import learned_page
from results_words import (
    NOT_BORNE_OUT,
    SETS,
    Found,
    Lines,
    accuracy,
    compared,
    mean_of,
    measured_on,
    result,
    setting,
    share,
    surely,
    table,
    written_by,
)

from convscope.layers.pooling import POOLINGS
from convscope.measures.comparison.conclusions import conclusions, contrasts, limit_text
from convscope.measures.comparison.differences import relative_accuracy, robustness_difference
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.distortions.family import DISTORTIONS, GROUPS
from convscope.measures.robustness import FRACTIONS

DOCS = Path(__file__).parents[1] / "docs" / "results"


def shifts_page() -> Lines:
    """Return the page on shifts: robustness, the layer that causes it, and the old claims."""
    lines = ["# Shifts: is a convolutional network more robust?", "", *written_by(), ""]
    for name, (found, comparison) in compared().items():
        texts = conclusions(comparison)
        lines += [f"## {SETS[name]}", "", f"{_verdict_on_shifts(comparison)} {_texts(comparison, 'shifted')}", ""]
        lines += [f"Setting: {setting(comparison)}. Accuracy on distorted images relative to the clean accuracy:"]
        lines += _robustness_table(comparison)
        lines += _sensitivity(found)
        lines += [f"**LeCun's estimate.** {texts.get('limits', '')}", "", *_limits_table(comparison)]
        lines += ["Measured with " + measured_on(found), ""]
    return [*lines, *_pooled()]


def _verdict_on_shifts(found: Comparison) -> str:
    """Return whether the network is more robust to shifts than a fully connected layer of the same size."""
    first, second = found.variant("convolution"), found.variant("mlp-parameters")
    difference = robustness_difference(first, second, "shifted") if first and second else None
    if difference is None:
        return ""
    if not difference.significant:
        return "**Not significantly: these results do not confirm the common belief.**"
    return "**Yes.**" if difference.value > 0 else f"**No.** {NOT_BORNE_OUT}"


def _texts(found: Comparison, topic: str) -> str:
    """Return the differences of a topic in sentences."""
    return " ".join(contrast.text for contrast in contrasts(found) if contrast.topic == topic)


def _robustness_table(found: Comparison) -> Lines:
    groups = [group for group in GROUPS if any(relative_accuracy(one, group) for one in found.measured)]
    rows = []
    for one in found.measured:
        relative = [relative_accuracy(one, group) for group in groups]
        cells = ["–" if value is None else share(value.value, value.half_width) for value in relative]
        rows.append([one.title, accuracy(one), *cells])
    return table(["variant", "clean", *groups], rows)


def _limits_table(found: Comparison) -> Lines:
    columns = [
        (one.name, sign, one.directions[sign > 0])
        for one in DISTORTIONS.values()
        for sign in (-1, 1)
        if one.name in dict(found.distortions) and one.directions[sign > 0]
    ]
    rows = []
    for name in ("convolution", "convolution-distorted", "mlp-parameters", "mlp-distorted"):
        variant = found.variant(name)
        if variant is None:
            continue
        limits = {(one.distortion, one.sign, one.fraction): one for one in variant.limits()}
        cells = [
            " / ".join(limit_text(limits[distortion, sign, fraction]) for fraction in FRACTIONS)
            for distortion, sign, _ in columns
        ]
        rows.append([variant.title, *cells])
    head = ["variant", *(text for *_, text in columns)]
    return ["Where accuracy falls below 95 % / 90 % / 50 % of the clean accuracy:", *table(head, rows)]


def _sensitivity(found: Found) -> Lines:
    """Return the sensitivity of each layer to a shift, and the layer that reduces it most."""
    lines = [
        f"**Due to which layer?** For a shift by {found['shift_px']} px: the distance of the maps of each layer to the "
        "clean maps, as a fraction of that between two images (*changed*); to the clean maps moved along with the "
        "image (*residual*); and the fraction of the change that is movement (*moved*).",
    ]
    rows = []
    for name, sensitivity in found["sensitivity"].items():
        for layer, values in sensitivity["steps"].items():
            cells = [mean_of(values.get(key)) for key in ("changed", "residual", "moved")]
            rows.append([name, layer.replace(": ", " "), *cells])
    return [*lines, *table(["network", "layer", "changed", "residual", "moved"], rows), _cause(found), ""]


def _cause(found: Found) -> str:
    """Return the layer at which the change falls most, and the change at the classifier."""
    layers = found["sensitivity"]["convolution"]["steps"]
    changed = [(layer, values["changed"]) for layer, values in layers.items()]
    falls = sorted(map(_fall, itertools.pairwise(changed)), key=lambda fall: -fall[0])
    most, half, (name, values) = falls[0]
    end = {name: list(one["steps"].values())[-1]["changed"] for name, one in found["sensitivity"].items()}
    ends = f"At the classifier the change is {mean_of(end['convolution'])}, with a fully connected layer "
    ends += f"{mean_of(end['mlp-parameters'])}."
    before = next(one for layer, one in zip([*layers][1:], changed, strict=False) if layer == name)
    if not surely(before[1], values):
        return f"The change does not fall significantly from any layer to the next. {NOT_BORNE_OUT} {ends}"
    word = "pooling" if name.split(": ")[1][:2] in POOLINGS else "not pooling"
    alike = [layer for fall, other, (layer, _) in falls[1:] if most - fall < math.hypot(half, other)]
    also = (
        f"; not significantly more than at {' and '.join(layer.replace(': ', ', ') for layer in alike)}"
        if alike
        else ""
    )
    return (
        f"The change falls most at layer {name.replace(': ', ', ')} ({word}): from {mean_of(before[1])} to "
        f"{mean_of(values)}{also}. {ends}"
    )


def _fall(pair: tuple[tuple[str, Found], tuple[str, Found]]) -> tuple[float, float, tuple[str, Found]]:
    """Return by how much the change falls from one layer to the next, its 95 % half-width, and the next."""
    (_, before), after = pair
    half = math.hypot(*(one.get("mean_95_half_width", math.inf) for one in (before, after[1])))
    return before["mean"] - after[1]["mean"], half, after


def _pooled() -> Lines:
    """Return what the claim of 3 and 5 of eight shifts is ablation."""
    found = result("pooled-shifts")
    if found is None:
        return []
    lines = [
        "## Three of eight, five of eight?",
        "",
        "A tutorial says that of the eight one-pixel shifts of an image three leave the output of 2 × 2 max-pooling "
        "exactly the same, and five that of 3 × 3. Counted on real maps of a trained first stage, values that are 0 "
        "before and after left out (*living*) or not. How far a value moves: the mean of |difference| as a part of the "
        "mean of |value|.",
    ]
    rows = [
        _pooled_row(f"{code}{window}", found[f"{code}{window}"])
        for window in (2, 3)
        for code in POOLINGS
        if f"{code}{window}" in found
    ]
    lines += table(["pooling", "all values, of eight", "living values, of eight", "how far a value moves"], rows)
    lines += [f"{_pooled_verdict(found, 2, 3)} {_pooled_verdict(found, 3, 5)}", "", measured_on(found)]
    return lines


def _pooled_row(name: str, one: Found) -> Lines:
    moved = f"{one['change']:.0%}" if "change" in one else "–"
    return [f"`{name}`", _eighths(one["all"]), _eighths(one["alive"]), moved]


def _eighths(part: float) -> str:
    return f"{8 * part:.2f}"


def _pooled_verdict(found: Found, window: int, claim: int) -> str:
    every, living = (8 * found[f"MP{window}"][name] for name in ("all", "alive"))
    near = abs(living - claim) < 0.5
    verdict = "about as claimed." if near else NOT_BORNE_OUT
    return (
        f"Max over {window} × {window}: {living:.2f} of living values ({every:.2f} of all), claimed {claim}: {verdict}"
    )


def pooling_page() -> Lines:
    """Return the page on what pooling costs and buys."""
    lines = ["# Pooling: what it costs and buys, by kind", "", *written_by(), ""]
    for name, (found, comparison) in compared().items():
        rows = [
            _cost_row(variant)
            for variant in comparison.measured
            if variant.variant.startswith(("convolution", "no-", "pooling-", "stride"))
            and not variant.distorted_training
        ]
        if len(rows) < 2:
            continue
        text = f"{_texts(comparison, 'pooling')} {conclusions(comparison).get('pooling', '')}".strip()
        head = ["variant", "layout", "accuracy", "MACs", "robustness to shifts"]
        lines += [f"## {SETS[name]}", "", text, "", f"Setting: {setting(comparison)}."]
        lines += [*table(head, rows), _buys(comparison), "", "Measured with " + measured_on(found), ""]
    return lines


def _cost_row(variant: VariantResult) -> Lines:
    """Return the cost, accuracy and robustness of a variant."""
    shifted = relative_accuracy(variant, "shifted")
    return [
        variant.title,
        f"`{variant.layout}`",
        accuracy(variant),
        "–" if variant.macs is None else f"{variant.macs:,}",
        "–" if shifted is None else share(shifted.value, shifted.half_width),
    ]


def _buys(found: Comparison) -> str:
    """Return whether pooling makes the network more robust to shifts."""
    baseline, texts = found.variant("convolution"), []
    for name in ("no-pooling-mean", "no-pooling-connected", "stride"):
        other = found.variant(name)
        difference = robustness_difference(baseline, other, "shifted") if baseline and other else None
        if difference is None or other is None:
            continue
        low, high = (100 * end for end in difference.interval)
        points = f"{100 * difference.value:+.1f} points" if difference.significant else "not significantly different"
        texts.append(f"against {other.title}, {points} ({low:.1f} to {high:.1f})")
    return f"Robustness to shifts with pooling: {'; '.join(texts)}." if texts else ""


def index_page() -> Lines:
    """Return the page that leads to the others, with the answer of each in short."""
    lines = ["# What was measured", "", "What is said of convolutional networks, and what the figures say.", ""]
    for name, (_, comparison) in compared().items():
        best = conclusions(comparison).get("best", "")
        lines += [f"**{SETS[name]}.** {best} {_texts(comparison, 'sharing')}", ""]
    lines += [
        "- [Shifts: is a convolutional network more robust?](shifts.md) By how much, due to which layer, LeCun's "
        "estimate, and the claim of three and five of eight shifts.",
        "- [Pooling: what it costs and buys, by kind](pooling.md)",
        "- [Softmax or SVM, random or learned, strokes or parts](learned.md)",
        "- [How fast](../speed.md)",
        "",
        "Measure it on your own images: [`convscope compare`](../compare.md).",
    ]
    return lines


PAGES = {"index": index_page, "shifts": shifts_page, "pooling": pooling_page, "learned": learned_page}


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=DOCS, help="folder of the pages")
    docs = parser.parse_args().to
    docs.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (docs / f"{name}.md").write_text("\n".join(page()).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
