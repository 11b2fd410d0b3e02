"""Write the table of results in README.md from `benchmarks/results/`; with --check only test it.

python benchmarks/readme_table.py
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from convscope.core.text import counted

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- results: written by benchmarks/readme_table.py -->\n", "<!-- end of results -->\n"
TITLES = {
    "digits": "digits, a fifth for validation",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10, JPEG files",
}
RACES = {"mnist": "mnist-99.5", "fashion-mnist": "fashion-93", "cifar10": "cifar10-86"}
"""Races (benchmarks/race.py) that run the same command, without options."""

MACHINES = ("-avx2", "")  # ends of the names of results; the first that was measured is shown


def newest(task: str, end: str) -> dict[str, Any] | None:
    """Return the last result of the command of `task` on a class of processors; of one day, that with most seeds."""
    names = [f"accuracy-{task}", *([f"race-{RACES[task]}"] if task in RACES else [])]
    paths = [path for name in names if (path := HERE / "results" / f"{name}{end}.json").exists()]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return max(results, key=lambda result: (result["date"], result["accuracy"]["n"]), default=None)


def row(task: str, result: dict[str, Any]) -> str:
    """Return one line of the table."""
    accuracy, sample = result["accuracy"], result["samples"][0]
    half_width = accuracy.get("mean_95_half_width")
    cells = [
        TITLES[task],
        f"`{sample['layout']}`",
        f"{100 * accuracy['mean']:.2f} %" + ("" if half_width is None else f" ± {100 * half_width:.2f}"),
        str(accuracy["n"]),
        str(sample["epochs"]),
        f"{result['seconds']['median']:,.0f} s",
    ]
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """Return the table, one row per dataset, with its conditions."""
    results = {
        task: next(result for end in MACHINES if (result := newest(task, end)) is not None)
        for task in TITLES
        if any(newest(task, end) is not None for end in MACHINES)
    }
    if not results:
        return "No results yet.\n"
    processors = {f"{counted(result['cores'], 'core')} of {result['processor']}" for result in results.values()}
    versions = {result["versions"]["torch"] for result in results.values()}
    lines = [
        "`convscope train DATA` without options:",
        "",
        "| dataset | layout chosen | accuracy | seeds | epochs | time |",
        "|---|---|---|---|---|---|",
        *(row(*result) for result in results.items()),
        "",
        "Accuracy on test images (digits: validation images), mean over the seeds with its 95 % confidence interval. "
        "The",
        "default number of epochs was chosen with the test images of MNIST and Fashion-MNIST, so these two "
        "accuracies are",
        "slightly optimistic. Time: median of the whole command, from start to model and report, with a cold cache.",
        f"Measured on {', '.join(sorted(processors))} without bfloat16 instructions, PyTorch "
        f"{', '.join(sorted(versions))}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is out of date")
    arguments = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    fresh = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if not arguments.check:
        README.write_text(fresh, encoding="utf-8")
    return int(arguments.check and fresh != text)


if __name__ == "__main__":
    sys.exit(main())
