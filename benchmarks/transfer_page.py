"""Write docs/results/starts.md from benchmarks/results/transfer*.json: ways to train from a start, minute for minute.

python benchmarks/transfer_page.py
"""

import argparse
import json
from pathlib import Path
from typing import Any

from layers_page import table

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results", HERE.parent / "docs" / "results" / "starts.md"
Found = dict[str, Any]

HEAD = """# From a start, minute for minute

<!-- written by benchmarks/transfer_page.py -->

Photographs of five kinds of flowers, all ways with the same weights (EfficientNet-Lite0), images, minutes and threads.
*torch* is torchvision's tutorial on transfer learning (`benchmarks/peers/fine_tune_torch.py`), *fastai* the
`fine_tune` of its book (`benchmarks/peers/fine_tune_fastai.py`). Accuracy on all test images, mean over seeds with the
95 % interval of the mean; seconds are the means of whole processes. Measured by `benchmarks/transfer.py`.
"""
NAMES = {
    "frozen": "convscope, frozen",
    "last-stages": "convscope, last stages",
    "fine-tuned": "convscope, fine-tuned",
    "torch": "torch, fine-tuned",
    "fastai": "fastai, fine-tuned",
}


def row(way: str, found: Found) -> list[str]:
    """Return a way as cells."""
    runs, spread = [run for run in found["runs"] if run["way"] == way], found["accuracy"][way]
    half = f" ± {spread['mean_95_half_width']:.1%}" if "mean_95_half_width" in spread else ""
    means = [sum(run[name] for run in runs) / len(runs) for name in ("epochs", "seconds", "processor_s")]
    return [NAMES[way], f"{spread['mean']:.1%}{half}", f"{spread['n']}", *(f"{mean:,.0f}" for mean in means)]


def section(found: Found) -> list[str]:
    """Return one result as a table with how it was measured."""
    clock = "of processor time, times the threads" if found["clock"] == "processor" else "on the clock"
    columns = ["way", "accuracy", "seeds", "epochs", "seconds", "processor seconds"]
    return [
        f"## {found['minutes']:g} minutes {clock}, {found['threads']} threads",
        *table(columns, [row(way, found) for way in NAMES if way in found["accuracy"]]),
        f"`{found['command']}`, {found['date']}, {found['processor']}.",
        "",
    ]


def page() -> str:
    """Return the page."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("transfer*.json"))]
    return "\n".join([HEAD, *(line for found in results for line in section(found))]).rstrip() + "\n"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
