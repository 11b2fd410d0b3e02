"""Write the table of docs/check.md and the numbers of cleaning/calibration.py from benchmarks/results/clean.json.

python benchmarks/clean_page.py
"""

import argparse
import itertools
import json
import textwrap
from pathlib import Path
from typing import Any

from layers_page import table

HERE = Path(__file__).parent
RESULT = HERE / "results" / "clean.json"
PAGE = HERE.parent / "docs" / "check.md"
NUMBERS = HERE.parent / "src" / "convscope" / "cleaning" / "calibration.py"
PAGE_ENDS = "<!-- how good: written by benchmarks/clean_page.py -->\n", "<!-- end of how good -->\n"
NUMBERS_ENDS = "PRECISION: dict[str, tuple[tuple[float, float], ...]] = {\n", "}  # fmt: skip\n"
LEAST = 0.5
LABELS = {
    "at random": "changed at random",
    "between similar classes": "changed to the class most often confused",
}
BAD = {
    "blurred": "blurred photographs",
    "dark": "darkened ones",
    "over-exposed": "over-exposed ones",
    "other kind": "turned into drawings",
    "outlier": "images of CIFAR-10, five at a time",
}
Found = dict[str, Any]


def labels(found: Found) -> list[list[str]]:
    """Return the rows on wrong labels, with what cleanlab finds."""
    rows = []
    for kind, words in LABELS.items():
        ours, theirs = (found["labels"][kind][way] for way in ("convscope", "cleanlab defaults"))
        what = f"{100 * found['labels']['wrong']:.0f} % of the labels, {words} ({ours['recall']['n']} draws)"
        cells = [f"{ours[name]['mean']:.0%} ({theirs[name]['mean']:.0%})" for name in ("recall", "precision")]
        rows.append([what, *(cell.replace("%", " %") for cell in cells)])
    return rows


def copies(found: Found) -> list[str]:
    """Return the row on near-duplicates."""
    kinds = {kind: one for kind, one in found["copies"].items() if isinstance(one, dict)}
    shares = [one["found"] / one["copies"] for one in kinds.values()]
    hits = sum(one["found"] for one in kinds.values())
    curve = found["precision"]["near-duplicate"]
    (low, before), (high, after) = next(pair for pair in itertools.pairwise(curve) if pair[0][1] < LEAST <= pair[1][1])
    least = low + (LEAST - before) / (after - before) * (high - low)
    false = sum(score >= least for score in found["copies"]["highest false scores"])
    each = f"{100 * min(shares):.0f} %" if min(shares) == max(shares) else f"at least {100 * min(shares):.0f} %"
    number = next(iter(kinds.values()))["copies"]
    return [f"copies, {number} of each: {'; '.join(kinds)}", f"{each} of each", f"{100 * hits / (hits + false):.0f} %"]


def bad(found: Found) -> list[list[str]]:
    """Return the rows on bad images."""
    rows = []
    for kind, words in BAD.items():
        one = found["bad images"][kind]
        among = f" among {one['images'] - one['bad']:,}" if kind == "blurred" else ""
        cells = [f"{100 * one['right'] / one[total]:.0f} %" for total in ("bad", "shown")]
        rows.append([f"{one['bad']} {words}{among}", *cells])
    return rows


def how_good(found: Found) -> str:
    """Return the table with the pairs that are listed where no copy was put."""
    rows = [*labels(found), copies(found), *bad(found)]
    lines = table(["put in", "found (cleanlab's defaults)", "right of what is listed"], rows)
    false = {name: found["false pairs"][name] for name in ("flowers", "cifar10")}
    listed = [f"{len(one['pairs'])} among {one['images']:,}" for one in false.values()]
    text = (
        f"With no copies added, pairs listed: {listed[0]} photographs of flowers, {listed[1]} test images of CIFAR-10."
    )
    return "\n".join([*lines, text, ""])


def numbers(found: Found) -> str:
    """Return the entries of the dict of precision by value."""
    lines = []
    for kind, curve in found["precision"].items():
        pairs = " ".join(f"({value},_{precision})," for value, precision in curve)
        wrapped = textwrap.wrap(pairs, 112, break_long_words=False, break_on_hyphens=False)
        lines += [f'    "{kind}": (', *(f"        {line.replace('_', ' ')}" for line in wrapped), "    ),"]
    return "\n".join(lines) + "\n"


def between(text: str, ends: tuple[str, str], new: str) -> str:
    """Return a text with what is between two lines replaced."""
    before, _, rest = text.partition(ends[0])
    return f"{before}{ends[0]}{new}{ends[1]}{rest.partition(ends[1])[2]}"


def written() -> dict[Path, str]:
    """Return both files as they should be."""
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    parts = ((PAGE, PAGE_ENDS, f"{how_good(found)}\n"), (NUMBERS, NUMBERS_ENDS, numbers(found)))
    return {path: between(path.read_text(encoding="utf-8"), ends, new) for path, ends, new in parts}


def main() -> None:
    """Write both files."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
