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
from convscope.measures.comparison.findings import findings
from convscope.measures.comparison.limits import SIDES, limit_text, limits_of
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import GROUPS, kept, kept_difference

DOCS = Path(__file__).parents[1] / "docs" / "results"


def shifts_page() -> Lines:
    """Return the page on shifts: how much less disturbed, owed to which step, and the old claims."""
    lines = ["# Shifts: is a convolutional net less disturbed?", "", *written_by(), ""]
    for name, (found, comparison) in compared().items():
        said = {one.topic: one.text for one in findings(comparison)}
        lines += [f"## {SETS[name]}", "", f"{_verdict_on_shifts(comparison)} {said.get('shifted', '')}", ""]
        lines += [f"Setting: {setting(comparison)}. Part of its accuracy that each keeps, mean over all strengths:"]
        lines += _kept_table(comparison)
        lines += _ledger(found)
        lines += [f"**LeCun's estimate.** {said.get('limits', '')}", "", *_limits_table(comparison)]
        lines += ["Measured with " + measured_on(found), ""]
    return [*lines, *_pooled()]


def _verdict_on_shifts(found: Comparison) -> str:
    """Return whether the network is less disturbed by shifts than fully connected units of the same size."""
    first, second = found.entry("convolution"), found.entry("mlp-parameters")
    gap = kept_difference(first, second, "shifted") if first and second else None
    if gap is None:
        return ""
    if gap[1] > 0:
        return "**Yes.**"
    if gap[2] < 0:
        return f"**No.** {NOT_BORNE_OUT}"
    return "**No difference can be told: these figures do not bear the common belief out.**"


def _kept_table(found: Comparison) -> Lines:
    groups = [group for group in GROUPS if any(kept(entry, group) for entry in found.measured)]
    rows = []
    for entry in found.measured:
        shares = [kept(entry, group) for group in groups]
        cells = ["–" if one is None else share(one.value, one.half) for one in shares]
        rows.append([entry.title, accuracy(entry), *cells])
    return table(["kind", "undistorted", *groups], rows)


def _limits_table(found: Comparison) -> Lines:
    columns = [side for side in SIDES if side[0] in dict(found.distortions)]
    rows = []
    for kind in ("convolution", "convolution-distorted", "mlp-parameters", "mlp-distorted"):
        entry = found.entry(kind)
        if entry is None:
            continue
        mine = {(one.distortion, one.sign, one.part): one for one in limits_of(entry)}
        cells = [" / ".join(limit_text(mine[*side, part]) for part in (0.95, 0.9, 0.5)) for side in columns]
        rows.append([entry.title, *cells])
    return ["Where accuracy falls below 95 % / 90 % / 50 % of the undistorted one:", *table(_heads(columns), rows)]


def _heads(columns: list[tuple[str, int]]) -> Lines:
    return ["kind", *(SIDES[side] for side in columns)]


def _ledger(found: Found) -> Lines:
    """Return the ledger of steps for a shift, and to which step the steadiness is owed."""
    lines = [
        f"**Owed to which step?** For a shift by {found['shift_px']} px: how far the maps of each step are from what "
        "they were, as a part of the distance between two images (*changed*); how far when they are moved along with "
        "the image (*left*); and which part of the change is movement (*moved*).",
    ]
    rows = []
    for kind, ledger in found["ledger"].items():
        for step, values in ledger["steps"].items():
            cells = [mean_of(values.get(name)) for name in ("changed", "left", "moved")]
            rows.append([kind, step.replace(": ", " "), *cells])
    return [*lines, *table(["network", "step", "changed", "left", "moved"], rows), _owed(found), ""]


def _owed(found: Found) -> str:
    """Return the step at which the change falls most, and what is left at the classifier."""
    steps = found["ledger"]["convolution"]["steps"]
    changed = [(step, values["changed"]) for step, values in steps.items()]
    falls = sorted(map(_fall, itertools.pairwise(changed)), key=lambda one: -one[0])
    most, half, (name, values) = falls[0]
    end = {kind: list(one["steps"].values())[-1]["changed"] for kind, one in found["ledger"].items()}
    ends = f"At the classifier {mean_of(end['convolution'])} is changed, with fully connected units "
    ends += f"{mean_of(end['mlp-parameters'])}."
    before = next(one for step, one in zip([*steps][1:], changed, strict=False) if step == name)
    if not surely(before[1], values):
        return f"From no step to the next does the change fall by more than chance. {NOT_BORNE_OUT} {ends}"
    word = "pooling" if name.split(": ")[1][:2] in POOLINGS else "not pooling"
    alike = [step for fall, other, (step, _) in falls[1:] if most - fall < math.hypot(half, other)]
    also = (
        f"; that it falls less at {' and '.join(step.replace(': ', ', ') for step in alike)} cannot be told"
        if alike
        else ""
    )
    return (
        f"The change falls most at step {name.replace(': ', ', ')} ({word}): from {mean_of(before[1])} to "
        f"{mean_of(values)}{also}. {ends}"
    )


def _fall(pair: tuple[tuple[str, Found], tuple[str, Found]]) -> tuple[float, float, tuple[str, Found]]:
    """Return by how much the change falls from one step to the next, its 95 % half-width, and the next."""
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
            _cost_row(entry)
            for entry in comparison.measured
            if entry.kind.startswith(("convolution", "no-", "pooling-", "stride")) and not entry.distorted
        ]
        if len(rows) < 2:
            continue
        said = {one.topic: one.text for one in findings(comparison)}
        head = ["kind", "layout", "accuracy", "MACs", "kept when shifted"]
        lines += [f"## {SETS[name]}", "", said.get("pooling", ""), "", f"Setting: {setting(comparison)}."]
        lines += [*table(head, rows), _buys(comparison), "", "Measured with " + measured_on(found), ""]
    return lines


def _cost_row(entry: Entry) -> Lines:
    """Return what a kind costs and buys."""
    shifted = kept(entry, "shifted")
    return [
        entry.title,
        f"`{entry.layout}`",
        accuracy(entry),
        "–" if entry.macs is None else f"{entry.macs:,}",
        "–" if shifted is None else share(shifted.value, shifted.half),
    ]


def _buys(found: Comparison) -> str:
    """Return whether pooling buys steadiness against shifts, and whether it is needed for accuracy."""
    base, parts = found.entry("convolution"), []
    for kind in ("no-pooling-mean", "no-pooling-connected", "stride"):
        other = found.entry(kind)
        gap = kept_difference(base, other, "shifted") if base and other else None
        if gap is None or other is None:
            continue
        value, low, high = (100 * one for one in gap)
        word = "more" if value > 0 else "less"
        told = f"{abs(value):.1f} points {word}" if low > 0 or high < 0 else "no difference that can be told"
        parts.append(f"against {other.title}, {told} ({low:.1f} to {high:.1f})")
    return f"Part of the accuracy that pooling keeps on shifted images: {'; '.join(parts)}." if parts else ""


def index_page() -> Lines:
    """Return the page that leads to the others, with the answer of each in short."""
    lines = ["# What was measured", "", "What is said of convolutional networks, and what the figures say.", ""]
    for name, (_, comparison) in compared().items():
        said = {one.topic: one.text for one in findings(comparison)}
        lines += [f"**{SETS[name]}.** {said.get('best', '')} {said.get('sharing', '')}", ""]
    lines += [
        "- [Shifts: is a convolutional net less disturbed?](shifts.md) By how much, owed to which step, LeCun's "
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
