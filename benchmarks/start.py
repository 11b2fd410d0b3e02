"""Photographs from a start: accuracy and time of `train --start`, with all images of a class and with ten.

    python benchmarks/start.py FOLDER [--start efficientnet-lite0] [--each 100 10] [--seeds 3]

Scope: FOLDER has train/ and test/ with one sub-folder a class. For each number of training images a class and each seed
(which draws them where there are more, and the folds of the cross-validation), the whole command runs twice, from the
start of the process: with an empty cache, and again with another classifier. Beside seconds on the clock, which other
programs disturb, are those that processors computed, children included.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results_file import processor_share, spread, write

SCOPE = (
    "whole commands from the start of the process, with an empty cache (softmax) and with features in it (lda); all "
    "test images of the folder; seconds on the clock of a shared machine, and those that processors computed"
)
COMMAND = "import sys; from convscope.cli import main; sys.exit(main())"


def drawn(folder: Path, target: Path, each: int, seed: int) -> None:
    """Copy the test images and `each` training images of a class."""
    for split in ("train", "test"):
        for path in sorted((folder / split).iterdir()):
            files = sorted(path.iterdir())
            if split == "train":
                random.Random(seed).shuffle(files)
                files = files[:each]
            (target / split / path.name).mkdir(parents=True)
            for file in files:
                shutil.copyfile(file, target / split / path.name / file.name)


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


def measured(folder: Path, start: str, each: int, seed: int) -> dict[str, Any]:
    """Return accuracy and seconds of both runs."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        drawn(folder, place / "set", each, seed)
        words = ["train", str(place / "set"), "--start", start, "--seed", str(seed), "--force"]
        first = ran([*words, "-o", str(place / "first")], place / "cache")
        second = ran([*words, "-o", str(place / "second"), "--head", "lda"], place / "cache")
    return {"each": each, "seed": seed, "share": processor_share(), "softmax": first, "lda": second}


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", default="efficientnet-lite0")
    parser.add_argument("--each", type=int, nargs="+", default=[100, 10])
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    runs = []
    for each in chosen.each:
        fewest = min(len(list(path.iterdir())) for path in (chosen.folder / "train").iterdir())
        for seed in range(chosen.seeds if each < fewest else 1):  # all images are the same ones for every seed
            runs.append(measured(chosen.folder, chosen.start, each, seed))
            print(runs[-1], flush=True)
            summary = {
                str(count): {
                    head: spread([run[head]["accuracy"] for run in runs if run["each"] == count])
                    for head in ("softmax", "lda")
                }
                for count in {run["each"] for run in runs}
            }
            write("start", SCOPE, {"start": chosen.start, "accuracy": summary, "runs": runs})


if __name__ == "__main__":
    main()
