"""CIFAR-10 as a folder of JPEG files, beside the recipe of airbench94_muon on the same processor: after equal seconds.

    python benchmarks/airbench.py --data-dir FOLDER [--minutes 4] [--full]

Scope: whole commands. `convscope train FOLDER --minutes M`, with no other option and a cold cache, and the recipe
(peers/airbench_recipe.py; bfloat16 where the processor multiplies it natively, channels last) with a way of the same
length on the clock, reading included; then the accuracy on the test images, and what an epoch took. With --full also
the recipe as it is published, 8 epochs, and convscope's best recipe: hours where bfloat16 is not native.
FOLDER holds cifar10-jpeg.tar.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from accuracy import Task, measure, unpacked
from peer_environments import PROGRAMS, python_of, versions_of
from results_file import processor_share, write

from convscope.core.machine import machine

EPOCHS = 8


def recipe(
    folder: Path, *, epochs: int, seconds: float | None, device: str = "cpu", timeout_s: float | None = None
) -> dict[str, Any]:
    """Run the peer; return what it says, and the seconds of the whole command."""
    given = {
        "folder": str(folder), "epochs": epochs, "seconds": seconds, "threads": machine().cores,
        "bfloat16": device == "cuda" or machine().bfloat16, "device": device,
    }  # fmt: skip
    started = time.perf_counter()
    command = [str(python_of("plain_torch")), str(PROGRAMS / "airbench_recipe.py"), json.dumps(given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=PROGRAMS, timeout=timeout_s)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"versions": versions_of("plain_torch"), "command_seconds": round(time.perf_counter() - started, 2), **found}


def ours(folder: Path, scratch: Path, options: tuple[str, ...]) -> dict[str, Any]:
    """Run the command with a cold cache; return accuracy, seconds, epochs, and the seconds of one."""
    task = Task(data="cifar10", options=options, least_accuracy=0.0)
    found = measure(task, str(folder), 0, folder, scratch, reference=False)
    return found | {"seconds_an_epoch": round(found["training_seconds"] / max(1, found["epochs"]), 2)}


def compare(folder: Path, scratch: Path, minutes: float) -> dict[str, Any]:
    """Return both after `minutes` on the clock."""
    return {
        "minutes": minutes,
        "convscope": ours(folder, scratch, ("--minutes", str(minutes))),
        "recipe": recipe(folder, epochs=EPOCHS, seconds=60 * minutes),
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share()}
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(given.data_dir.resolve(), Path(scratch))
        results["equal_seconds"] = compare(folder, Path(scratch), given.minutes)
        if given.full:
            results["convscope_best"] = ours(folder, Path(scratch), ("--recipe", "best"))
            results["recipe_full"] = recipe(folder, epochs=EPOCHS, seconds=None)
    results["processor_share_after"] = processor_share()
    for name in ("convscope", "recipe"):
        print(name, {key: results["equal_seconds"][name][key] for key in ("accuracy", "seconds", "seconds_an_epoch")})
    print(write("airbench", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
