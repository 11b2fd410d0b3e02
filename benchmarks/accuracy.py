"""How good and how fast the train command is with no options but the data: accuracy, seconds, memory, by seed.

    python benchmarks/accuracy.py digits mnist fashion-mnist cifar10 lenet --seeds 5 --data-dir FOLDER

Scope: the whole command, `convscope train SET`, from the start of the process to the model and report on disk, with a
cold cache of images, on all cores. FOLDER holds mnist/ (IDX files) and cifar10-jpeg.tar (class folders of JPEG files
inside train/ and test/); Fashion-MNIST is found where its Debian package puts it. The accuracy is that of the model
file on a stratified fifth of digits, and on the test images of the others (the default epochs were chosen with a look
at those of MNIST and Fashion-MNIST).
Seconds are those of the clock. `processor_share_before_and_after` says how much of a core the machine gave just then,
`reference_before_and_after` how many images a second a fixed plain training step did (benchmarks/reference_step.py).
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results_file import processor_share, spread, write


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training command, with the accuracy it must reach and the seconds it may take."""

    data: str
    options: tuple[str, ...] = ()
    least_accuracy: float
    most_seconds: float | None = None


TASKS = {
    "digits": Task(data="digits", least_accuracy=0.985, most_seconds=10),
    "mnist": Task(data="mnist", least_accuracy=0.994, most_seconds=60),
    "fashion-mnist": Task(data="fashion-mnist", least_accuracy=0.93, most_seconds=240),
    "cifar10": Task(data="cifar10", least_accuracy=0.86, most_seconds=720),
    "lenet": Task(data="mnist", options=("--layout", "20C5v-MP2-50C5v-MP2-500N-tanh-nonorm"), least_accuracy=0.9908),
}


def unpacked(data_dir: Path, scratch: Path) -> Path:
    """Return the folder of CIFAR-10 images, unpacked once into `scratch`."""
    target = scratch / "cifar10"
    if not target.exists():
        with tarfile.open(data_dir / "cifar10-jpeg.tar") as archive:
            archive.extractall(target, filter="data")
    train = next(path for path in target.rglob("train") if path.is_dir())
    return train.parent


def reference_rate() -> float:
    """Return images a second of the reference step, in a process of its own."""
    program = Path(__file__).parent / "reference_step.py"
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["images_per_second"])


def measure(  # two programs call it
    task: Task, data: str, seed: int, data_dir: Path, scratch: Path, *, reference: bool = True, cold: bool = True
) -> dict[str, Any]:
    """Run the command once; return its accuracy, seconds, and how fast the machine was before and after.

    Args:
        task: which command.
        data: its DATA.
        seed: of the run.
        data_dir: where named sets are.
        scratch: for the run and the cache of images.
        reference: also time a fixed training step before and after.
        cold: with an empty cache of images.
    """
    run, cache = scratch / "run", scratch / "cache"
    if cold:
        shutil.rmtree(cache, ignore_errors=True)
    command = [
        sys.executable, "-m", "convscope", "train", data, *task.options, "--seed", str(seed), "--json", "--quiet",
        "--data-dir", str(data_dir), "-o", str(run), "--force",
    ]  # fmt: skip
    environment = {**os.environ, "CONVSCOPE_CACHE": str(cache)}
    share, rate = processor_share(), reference_rate() if reference else None
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    report = json.loads(done.stdout)
    return {
        "seed": seed,
        "accuracy": report["accuracy"],
        "seconds": round(seconds, 2),
        "processor_share_before_and_after": [share, processor_share()],
        **({"reference_before_and_after": [rate, reference_rate()]} if reference else {}),
        "training_seconds": round(report["seconds"], 2),
        "epochs": report["epochs"],
        "layout": report["layout"],
        "images_evaluated": report["images"],
    }


def main() -> None:
    """Measure the tasks that were named and write one result file for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=TASKS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in arguments.tasks:
            task = TASKS[name]
            data = str(unpacked(arguments.data_dir, scratch)) if task.data == "cifar10" else task.data
            samples = []
            for seed in range(arguments.seeds):
                samples.append(measure(task, data, seed, arguments.data_dir.resolve(), scratch))
                print(name, samples[-1], flush=True)
            # of all commands so far; each task is run in the order given, so name the largest alone to know its own
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
            summary = {
                "task": name,
                "least_accuracy": task.least_accuracy,
                "most_seconds": task.most_seconds,
                "accuracy": spread([sample["accuracy"] for sample in samples]),
                "seconds": spread([sample["seconds"] for sample in samples]),
                "peak_memory_bytes": peak,
                "samples": samples,
            }
            print(write(f"accuracy-{name}", __doc__.strip().splitlines()[0], summary, timed=True))


if __name__ == "__main__":
    main()
