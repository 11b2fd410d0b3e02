"""Write docs/results/ from benchmarks/results/: what is said of convolutional networks, and what was measured.

    python benchmarks/results_pages.py

Every figure comes from a result file, and every verdict is made from figures: other results, another page. What was not
measured is left out.
"""

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from convscope.core.records import from_json
from convscope.core.text import counted
from convscope.measures.comparison.findings import findings
from convscope.measures.comparison.limits import SIDES, limit_text, limits_of
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import GROUPS, kept, kept_difference
from convscope.stages.subsampling import KINDS as SUBSAMPLINGS

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs" / "results"
SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
Found = dict[str, Any]
Lines = list[str]
_NOT_BORNE_OUT = "**The common belief is not borne out here.**"


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
    return f"`{found['command']}` at `{found['commit']}`, {found['cores']} core(s) of {found['processor']}."


def table(head: Lines, rows: list[Lines]) -> Lines:
    """Return the lines of a table."""
    return ["", *("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]), ""]


def setting(found: Comparison) -> str:
    """Return what was trained on what."""
    return (
        f"`{found.layout}`, {counted(found.training_pictures, 'training picture')}, "
        f"{counted(int(found.amount), 'pass', 'passes')}, {counted(found.seeds, 'seed')}, "
        f"{counted(found.test_pictures, 'test picture')}, {found.disturbed_pictures:,} of them distorted"
    )


def share(value: float, half: float) -> str:
    """Return a part of one in per cent, with the half-width of its 95 % interval."""
    return f"{100 * value:.1f} ± {100 * half:.1f} %"


def mean_of(found: Found | None, *, percent: bool = True) -> str:
    """Return a mean over seeds with the half-width of its 95 % interval."""
    if found is None:
        return "–"
    half = found.get("mean_95_half_width", 0.0)
    return share(found["mean"], half) if percent else f"{found['mean']:.2f} ± {half:.2f}"


def accuracy(entry: Entry) -> str:
    """Return the accuracy of a kind with its interval."""
    low, high = entry.interval
    return f"{100 * entry.accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def shifts_page() -> Lines:
    """Return the page on shifts: how much less disturbed, owed to which step, and the old claims."""
    lines = ["# Shifts: is a convolutional net less disturbed?", "", *_written_by(), ""]
    for name, (found, comparison) in compared().items():
        said = {one.topic: one.text for one in findings(comparison)}
        lines += [f"## {SETS[name]}", "", f"{_verdict_on_shifts(comparison)} {said.get('shifted', '')}", ""]
        lines += [f"Setting: {setting(comparison)}. Part of its accuracy that each keeps, mean over all strengths:"]
        lines += _kept_table(comparison)
        lines += _ledger(found)
        lines += [f"**LeCun's estimate.** {said.get('limits', '')}", "", *_limits_table(comparison)]
        lines += ["Measured with " + measured_on(found), ""]
    return [*lines, *_pooled()]


def _written_by() -> Lines:
    return [
        "Written by `benchmarks/results_pages.py` from `benchmarks/results/`: every figure and every verdict. "
        "Intervals are of 95 %; networks are small and trainings short, so that there is time for several: they tell "
        "kinds apart and are far from the accuracy that a set allows."
    ]


def _verdict_on_shifts(found: Comparison) -> str:
    """Return whether the network is less disturbed by shifts than fully connected units of the same size."""
    first, second = found.entry("convolution"), found.entry("mlp-parameters")
    gap = kept_difference(first, second, "shifted") if first and second else None
    if gap is None:
        return ""
    if gap[1] > 0:
        return "**Yes.**"
    return f"**No.** {_NOT_BORNE_OUT}" if gap[2] < 0 else f"**No difference can be told.** {_NOT_BORNE_OUT}"


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
        "they were, as a part of the distance between two pictures (*changed*); how far when they are moved along with "
        "the picture (*left*); and which part of the change is movement (*moved*).",
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
    falls = [(before[1]["mean"] - after[1]["mean"], after) for before, after in itertools.pairwise(changed)]
    most, (name, values) = max(falls, key=lambda one: one[0])
    end = {kind: list(one["steps"].values())[-1]["changed"] for kind, one in found["ledger"].items()}
    ends = f"At the classifier {mean_of(end['convolution'])} is changed, with fully connected units "
    ends += f"{mean_of(end['mlp-parameters'])}."
    before = next(one for step, one in zip([*steps][1:], changed, strict=False) if step == name)
    sure = most > before[1].get("mean_95_half_width", 0) + values.get("mean_95_half_width", 0)
    if not sure:
        return f"From no step to the next does the change fall by more than chance. {_NOT_BORNE_OUT} {ends}"
    word = "subsampling" if name.split(": ")[1][:2] in SUBSAMPLINGS else "not subsampling"
    return (
        f"The change falls most at step {name.replace(': ', ', ')} ({word}): from {mean_of(before[1])} to "
        f"{mean_of(values)}. {ends}"
    )


def _pooled() -> Lines:
    """Return what the claim of 3 and 5 of eight shifts is worth."""
    found = result("pooled-shifts")
    if found is None:
        return []
    lines = [
        "## Three of eight, five of eight?",
        "",
        "A tutorial says that of the eight one-pixel shifts of a picture three leave the output of 2 × 2 max-pooling "
        "exactly the same, and five that of 3 × 3. Counted on real maps of a trained first stage, values that are 0 "
        "before and after left out (*living*) or not:",
    ]
    rows = [
        [f"`{code}{window}`", _eighths(found[f"{code}{window}"]["all"]), _eighths(found[f"{code}{window}"]["alive"])]
        for window in (2, 3)
        for code in SUBSAMPLINGS
        if f"{code}{window}" in found
    ]
    lines += table(["subsampling", "all values, of eight", "living values, of eight"], rows)
    lines += [f"{_pooled_verdict(found, 2, 3)} {_pooled_verdict(found, 3, 5)}", "", measured_on(found)]
    return lines


def _eighths(part: float) -> str:
    return f"{8 * part:.2f}"


def _pooled_verdict(found: Found, window: int, claim: int) -> str:
    every, living = (8 * found[f"MP{window}"][name] for name in ("all", "alive"))
    near = abs(living - claim) < 0.5
    verdict = "about as claimed" if near else _NOT_BORNE_OUT
    return (
        f"Max over {window} × {window}: {living:.2f} of living values ({every:.2f} of all), claimed {claim}: {verdict}."
    )


def subsampling_page() -> Lines:
    """Return the page on what subsampling costs and buys."""
    lines = ["# Subsampling: what it costs and buys, by kind", "", *_written_by(), ""]
    for name, (found, comparison) in compared().items():
        said = {one.topic: one.text for one in findings(comparison)}
        lines += [f"## {SETS[name]}", "", said.get("subsampling", ""), "", f"Setting: {setting(comparison)}."]
        kinds = ("convolution", "no-", "subsampling-", "stride")
        rows = [
            [
                entry.title,
                f"`{entry.layout}`",
                accuracy(entry),
                "–" if entry.multiply_adds is None else f"{entry.multiply_adds:,}",
                f"{entry.seconds:.1f}",
                "–" if (one := kept(entry, "shifted")) is None else share(one.value, one.half),
            ]
            for entry in comparison.measured
            if entry.kind.startswith(kinds) and not entry.distorted
        ]
        head = ["kind", "layout", "accuracy", "multiply-adds", "seconds", "kept when shifted"]
        lines += [*table(head, rows), _buys(comparison), "", "Measured with " + measured_on(found), ""]
    return lines


def _buys(found: Comparison) -> str:
    """Return whether subsampling buys steadiness against shifts, and whether it is needed for accuracy."""
    base, parts = found.entry("convolution"), []
    for kind in ("no-subsampling-mean", "no-subsampling-connected", "stride"):
        other = found.entry(kind)
        gap = kept_difference(base, other, "shifted") if base and other else None
        if gap is None or other is None:
            continue
        value, low, high = (100 * one for one in gap)
        word = "more" if value > 0 else "less"
        told = f"{abs(value):.1f} points {word}" if low > 0 or high < 0 else "no difference that can be told"
        parts.append(f"than {other.title} {told} ({low:.1f} to {high:.1f})")
    return f"Of its accuracy on shifted pictures subsampling keeps {'; '.join(parts)}." if parts else ""


def learned_page() -> Lines:
    """Return the page on classifiers, first stages, and strokes and parts."""
    lines = ["# Softmax or SVM, random or learned, strokes or parts", "", *_written_by(), ""]
    return [*lines, *_softmax_svm(), *_first_stage(), *_strokes()]


def _softmax_svm() -> Lines:
    found = result("softmax-svm")
    if found is None:
        return []
    lines = ["## Softmax or SVM?", "", "The same network, weights and pictures; SVM less softmax, paired by seed:"]
    rows = []
    for name, one in found["sets"].items():
        for what, gap in one["svm_minus_softmax"].items():
            rows.append([SETS.get(name, name), what, _points(gap), str(gap["n"]), _told(gap, "SVM", "softmax")])
    return [*lines, *table(["set", "read", "difference, points", "seeds", "better"], rows), measured_on(found), ""]


def _points(gap: Found) -> str:
    return f"{100 * gap['mean']:+.2f} ± {100 * gap.get('mean_95_half_width', 0):.2f}"


def _told(gap: Found, above: str, below: str) -> str:
    """Return what is better for sure, or that it cannot be told."""
    if gap.get("mean_95_half_width", 1) >= abs(gap["mean"]):
        return "cannot be told"
    return above if gap["mean"] > 0 else below


def _first_stage() -> Lines:
    lines = []
    if found := result("first-stage"):
        lines += ["## First stage: random or learned?", ""]
        lines += [
            "The same network with another first stage, less the one that is learned with labels, paired by seed:"
        ]
        rows = []
        for name, one in found["sets"].items():
            for way, gap in one["minus_learned"].items():
                cells = [_points(gap["accuracy"]), str(gap["accuracy"]["n"])]
                rows.append([SETS.get(name, name), way, *cells, _told(gap["accuracy"], way, "learned with labels")])
        lines += [*table(["set", "first stage", "accuracy, points", "seeds", "better"], rows), measured_on(found), ""]
    if found := result("first-stage-digits04"):
        lines += [
            "The exercise of UFLDL (digits 0 to 4, one stage read by a softmax), where 97.5 % for random units and "
        ]
        lines[-1] += "about 99 % for learned ones are given:"
        rows = [[way, mean_of(one["accuracy"]), str(one["accuracy"]["n"])] for way, one in found["ways"].items()]
        lines += [*table(["units", "accuracy", "seeds"], rows), measured_on(found), ""]
    return lines


def _strokes() -> Lines:
    lines = []
    for name, (found, _) in compared().items():
        steps = found["ledger"]["convolution"]["steps"]
        rows = [
            [step.replace(": ", " "), *(mean_of(values[key], percent=False) for key in _SELECTIVE)]
            for step, values in steps.items()
            if values.get("selectivity") is not None
        ]
        first = next(iter(steps.values()))
        lines += [f"### {SETS[name]}", *table(["step", "selectivity", "with random weights"], rows)]
        if first.get("strokes"):
            lines += [
                f"Gabor waves explain {mean_of(first['strokes'])} of the weights of the first units, "
                f"{mean_of(first['strokes_random'])} of random ones: {_stroke_verdict(first)}.",
                "",
            ]
        lines += [_parts_verdict(steps), "", "Measured with " + measured_on(found), ""]
    head = [
        "## From strokes to parts?",
        "",
        "Early units are said to answer to strokes, late ones to parts of objects and so to classes. The number for it "
        "is the mean [selectivity](../units.md) of a step's units: 0 for units that fire for all classes alike, 1 for "
        "one class only.",
        "",
    ]
    return [*head, *lines] if lines else []


_SELECTIVE = ("selectivity", "selectivity_random")


def _stroke_verdict(first: Found) -> str:
    own, chance = first["strokes"], first["strokes_random"]
    if own["mean"] - chance["mean"] > own.get("mean_95_half_width", 0) + chance.get("mean_95_half_width", 0):
        return "training makes strokes of them"
    return f"no more than chance. {_NOT_BORNE_OUT.removesuffix('.**')}**"


def _parts_verdict(steps: dict[str, Found]) -> str:
    """Return whether later units are more selective, and more so than random weights make them."""
    known = [values for values in steps.values() if values.get("selectivity") is not None]
    first, last = known[0], known[-1]

    def surely(more: Found, less: Found) -> bool:
        halves = more.get("mean_95_half_width", 0) + less.get("mean_95_half_width", 0)
        return bool(more["mean"] - less["mean"] > halves)

    if not surely(last["selectivity"], first["selectivity"]):
        return f"Selectivity does not rise from the first units to the last by more than chance. {_NOT_BORNE_OUT}"
    text = "Selectivity rises from the first units to the last"
    if surely(last["selectivity"], last["selectivity_random"]):
        return f"{text}, and at the end it is more than random weights give: training made it."
    return f"{text}, but no more than random weights give. {_NOT_BORNE_OUT}"


def index_page() -> Lines:
    """Return the page that leads to the others, with the answer of each in short."""
    lines = ["# What was measured", "", "What is said of convolutional networks, and what the figures say.", ""]
    for name, (_, comparison) in compared().items():
        said = {one.topic: one.text for one in findings(comparison)}
        lines += [f"**{SETS[name]}.** {said.get('best', '')} {said.get('sharing', '')}", ""]
    lines += [
        "- [Shifts: is a convolutional net less disturbed?](shifts.md) By how much, owed to which step, LeCun's "
        "estimate, and the claim of three and five of eight shifts.",
        "- [Subsampling: what it costs and buys, by kind](subsampling.md)",
        "- [Softmax or SVM, random or learned, strokes or parts](learned.md)",
        "- [How fast](../speed.md)",
        "",
        "Measure it on your own pictures: [`convscope compare`](../compare.md).",
    ]
    return lines


PAGES = {"index": index_page, "shifts": shifts_page, "subsampling": subsampling_page, "learned": learned_page}


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
