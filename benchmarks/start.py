"""Photographs from a start: accuracy and time of `train --start`, by the number of training images per class.

    python benchmarks/start.py FOLDER [--start efficientnet-lite0] [--each 1 10 50] [--seeds 3] [--minutes 1]

Scope: FOLDER has train/ and test/ with one sub-folder per class. The whole command runs from the start of the process:
with all training images and an empty cache, then with another classifier; then for each smaller number of training
images per class and each seed, which draws them, with features in the cache (`--labels` leaves the others out). With
`--minutes` each also runs fine-tuned. Beside seconds on the clock, which other programs disturb, are those that
processors computed, children included. The table in docs/start.md is written, too.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results_file import RESULTS, processor_share, spread, write

SCOPE = (
    "whole commands from the start of the process, the first one with an empty cache, the others with features in it; "
    "all test images of the folder; seconds on the clock, and those that processors computed"
)
WAYS = {"softmax": "frozen, softmax", "svm": "frozen, SVM", "fine-tuned": "fine-tuned"}
PAGE = Path(__file__).parent.parent / "docs" / "start.md"
MARK = "<!-- accuracy: benchmarks/start.py -->"
COMMAND = "import sys; from convscope.cli import main; sys.exit(main())"


def left_out(folder: Path, each: int, seed: int) -> str:
    """Return decisions that leave out all but `each` training images of a class, as CSV."""
    lines = ["image,decision,class"]
    for path in sorted((folder / "train").iterdir()):
        files = sorted(path.iterdir())
        random.Random(seed).shuffle(files)
        lines += [f"{file.relative_to(folder).as_posix()},leave out," for file in files[each:]]
    return "\n".join(lines) + "\n"


def ran(words: list[str], cache: Path) -> dict[str, Any]:
    """Run a command in a process of its own; return its document with seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words, "--json", "--quiet"],
        env={**os.environ, "CONVSCOPE_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = json.loads(done.stdout)
    return {"accuracy": found["accuracy"], "images": found["images"], "seconds": seconds, "processor_s": computed}


def measured(chosen: argparse.Namespace, each: int, seed: int, place: Path) -> dict[str, Any]:
    """Return accuracy and seconds of the runs, with the cache in a folder; `each` is 0 for all images."""
    words = ["train", str(chosen.folder), "--start", chosen.start, "--seed", str(seed), "-o", str(place / "run")]
    words += ["--force"]
    if each:
        (place / "left_out.csv").write_text(left_out(chosen.folder, each, seed), encoding="utf-8")
        words += ["--labels", str(place / "left_out.csv")]
    options = {"softmax": [], "svm": ["--head", "svm"]}
    if chosen.minutes:
        options["fine-tuned"] = ["--mode", "fine-tuned", "--minutes", f"{chosen.minutes:g}"]
    runs = {way: ran([*words, *more], place / "cache") for way, more in options.items()}
    return {"each": each or chosen.all, "seed": seed, "share": processor_share(), **runs}


def table() -> str:
    """Return the results as a table in Markdown."""
    found = json.loads((RESULTS / "start.json").read_text(encoding="utf-8"))["accuracy"]
    ways = [way for way in WAYS if way in next(iter(found.values()))]
    lines = ["| training photographs per class | " + " | ".join(WAYS[way] for way in ways) + " | draws |"]
    lines.append("|---" * (len(ways) + 2) + "|")
    for each in sorted(found, key=int):
        cells = [percent(found[each][way]) for way in ways]
        lines.append(f"| {each} | {' | '.join(cells)} | {found[each][ways[0]]['n']} |")
    return "\n".join(lines)


def percent(spread: dict[str, float]) -> str:
    """Return a mean with its interval, where there is one."""
    half = spread.get("mean_95_half_width")
    return f"{100 * spread['mean']:.1f} %" + (f" ± {100 * half:.1f}" if half is not None else "")


def write_table() -> None:
    """Write the table between the marks in docs/start.md."""
    before, after = PAGE.read_text(encoding="utf-8").split(MARK)[0::2]
    PAGE.write_text(f"{before}{MARK}\n\n{table()}\n\n{MARK}{after}", encoding="utf-8")


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", default="efficientnet-lite0")
    parser.add_argument("--each", type=int, nargs="+", default=[1, 2, 5, 10, 25, 50])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0.0, help="of fine-tuning; 0 for none")
    chosen = parser.parse_args()
    chosen.all = max(len(list(path.iterdir())) for path in (chosen.folder / "train").iterdir())
    runs = []
    draws = [(each, seed) for each in chosen.each if each < chosen.all for seed in range(chosen.seeds)]
    with tempfile.TemporaryDirectory() as name:
        for each, seed in [(0, 0), *draws]:
            runs.append(measured(chosen, each, seed, Path(name)))
            print(runs[-1], flush=True)
            summary = {
                str(count): {
                    way: spread([run[way]["accuracy"] for run in runs if run["each"] == count])
                    for way in WAYS
                    if way in runs[-1]
                }
                for count in dict.fromkeys(run["each"] for run in runs)
            }
            about = {"start": chosen.start, "minutes": chosen.minutes}
            write("start", SCOPE, {**about, "accuracy": summary, "runs": runs})
    write_table()


if __name__ == "__main__":
    main()
