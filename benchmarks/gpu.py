"""On a machine with a GPU: accuracy after given minutes, and images a second of prediction.

    python benchmarks/gpu.py --data-dir FOLDER [--sets mnist fashion-mnist cifar10]

Scope: whole commands with --device cuda, reading included, a cold cache, at most eight minutes in all; the accuracy is
that on the test images. The target is that of the set: 99.5 % (MNIST), 94 % (Fashion-MNIST), 94 % (CIFAR-10).
FOLDER holds mnist/, fashion-mnist/ and cifar10/ (train/ and test/). Predictions are of 4,096 random images in memory,
again and again, from the processor's memory and back.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write

TARGETS = {"mnist": (0.995, 0.5), "fashion-mnist": (0.94, 1.5), "cifar10": (0.94, 3.0)}  # accuracy, minutes
_SECONDS = 5.0


def trained(name: str, folder: Path, scratch: Path) -> dict[str, Any]:
    """Return what a training of the set's minutes on the GPU gives."""
    accuracy, minutes = TARGETS[name]
    source = str(folder / name) if (folder / name / "train").is_dir() else name
    words = ["train", source, "--data-dir", str(folder), "--cache-dir", str(scratch / "cache"), "--device", "cuda"]
    words += ["--minutes", str(minutes), "--recipe", "best", "-o", str(scratch / name), "--json"]
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "convscope", *words], check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    return {
        "accuracy": found["accuracy"],
        "target": accuracy,
        "training_seconds": found["seconds"],
        "command_seconds": round(time.perf_counter() - started, 2),
    }


def predicted(run: Path) -> float:
    """Return images a second of prediction with the network in `run`."""
    from convscope.api.load import load

    model = load(run).optimize("auto", device="cuda")
    made = model.preprocessing
    images = np.random.default_rng(0).integers(0, 256, (4_096, made.height, made.width, made.channels), dtype=np.uint8)
    model.predict_proba(images, batch=4_096)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < _SECONDS:
        model.predict_proba(images, batch=4_096)
        count += len(images)
    return count / (time.perf_counter() - started)


def main() -> None:
    """Measure the sets that are named, or say that there is no GPU."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=TARGETS, default=list(TARGETS))
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no GPU here that torch can use; nothing is measured.")
        return
    sets: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sets:
            sets[name] = trained(name, options.data_dir, Path(scratch))
            sets[name]["predictions_per_second"] = predicted(Path(scratch) / name)
            print(name, sets[name], flush=True)
    name = torch.cuda.get_device_name()
    print(write("gpu", (__doc__ or "").strip().splitlines()[0], {"device": name, "sets": sets}))


if __name__ == "__main__":
    main()
