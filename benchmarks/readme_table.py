"""Write the table of results in README.md anew from `benchmarks/results/`; with --check only say whether it is.

python benchmarks/readme_table.py
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from convscope.core.text import counted

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- results: written by benchmarks/readme_table.py -->\n", "<!-- end of results -->\n"
TITLES = {
    "digits": "digits, a fifth held out",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10, a folder of JPEG files",
    "lenet": "MNIST with `20C5v-MP2-50C5v-MP2-500N-tanh-nonorm`",
}
RACES = {"mnist": "mnist-99.5", "fashion-mnist": "fashion-93", "cifar10": "cifar10-86"}
"""The races (benchmarks/race.py) that run the same command, with no option but the set."""

MACHINES = {"": "bfloat16", "-avx512": "AVX-512", "-avx2": "AVX2"}  # as the names of results end


def newest(task: str, end: str) -> dict[str, Any] | None:
    """Return the last result of the command of `task` on a class of machines; of one day, that with most seeds."""
    names = [f"accuracy-{task}", *([f"race-{RACES[task]}"] if task in RACES else [])]
    paths = [path for name in names if (path := HERE / "results" / f"{name}{end}.json").exists()]
    results = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return max(results, key=lambda result: (result["date"], result["accuracy"]["n"]), default=None)


def row(task: str, result: dict[str, Any], machine: str) -> str:
    """Return one line of the table."""
    accuracy, samples = result["accuracy"], result["samples"]
    spread = f" ± {100 * accuracy['mean_95_half_width']:.2f}" if "mean_95_half_width" in accuracy else ""
    shares = [share for sample in samples for share in sample["processor_share_before_and_after"]]
    cells = [
        TITLES[task],
        f"`{samples[0]['layout']}`",
        f"{100 * accuracy['mean']:.2f} %{spread}",
        str(samples[0]["epochs"]),
        str(accuracy["n"]),
        machine,
        f"{result['seconds']['median']:.0f} s",
        undisturbed_time(task, result) if machine == MACHINES[""] else "–",
        f"{100 * statistics.median(shares):.0f} %",
        f"`{result['commit']}`",
    ]
    return "| " + " | ".join(cells) + " |"


def undisturbed_time(task: str, result: dict[str, Any]) -> str:
    """Return what the epochs take where no step waits for another program, measured for this layout; else a dash."""
    path = HERE / "results" / "undisturbed.json"
    steps = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found, sample = steps.get(task), result["samples"][0]
    if found is None or (found["layout"], found["epochs"]) != (sample["layout"], sample["epochs"]):
        return "–"
    return f"{found['epochs_s']:.0f} s"


def table() -> str:
    """Return the table of all results that are there, with what it was measured on."""
    results = [
        (task, result, machine)
        for task in TITLES
        for end, machine in MACHINES.items()
        if (result := newest(task, end)) is not None
    ]
    if not results:
        return "No result is there yet.\n"
    processors = sorted({f"{counted(result['cores'], 'core')} of {result['processor']}" for _, result, _ in results})
    lines = [
        "| set | layout chosen | accuracy | epochs | seeds | processor has | time | undisturbed | share | commit |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(row(*result) for result in results),
        "",
        "Accuracy: mean over the seeds with its 95 % interval, on held-out or test images. The default epochs were",
        "chosen with a look at the test images of MNIST and Fashion-MNIST: those two may flatter a little. Time:",
        "median of the whole command, from its start to model and report, nothing kept from before. Share: how much of",
        "a core a process that never waits was given just before and after; the machine was shared.",
        "Undisturbed: training, the default epochs at the rate of those steps during which the machine did nothing",
        "else (`benchmarks/undisturbed.py`, the fastest tenth); start, reading and the report come on top, some",
        "seconds. Commit: what was measured; defaults may have changed since. Tests ran beside the time of 7a843c8,",
        "which is too long by that.",
        f"Processors: {', '.join(processors)}; those with AVX2 alone take about twice as long as those that multiply "
        f"bfloat16. torch {', '.join(sorted({result['versions']['torch'] for _, result, _ in results}))}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is an old one")
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
