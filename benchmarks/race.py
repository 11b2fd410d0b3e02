"""Time to an accuracy: the whole command, from its start to the model on disk, until the mean of the seeds is there.

    python benchmarks/race.py [--races mnist-99.4 fashion-90.25] [--seeds 5] [--peers] [--no-warm] --data-dir FOLDER

Scope: `convscope train SET` with the options of each race, a cold cache of images, on all cores; the accuracy is
that of the model file on all test images, which played no part in its training. `warm` is the command again with the
cache that it made, once; --no-warm leaves it out. With --peers the programs that the targets are ratios to run in
between, once: Keras's "simple convnet" on Fashion-MNIST for 15 epochs, PyTorch's example network on MNIST until 99.0
%.
FOLDER holds mnist/, fashion-mnist/ (IDX files) and cifar10-jpeg.tar.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accuracy import Task, measure, unpacked
from peer_environments import PROGRAMS, python_of, versions_of
from results_file import processor_share, spread, write


@dataclass(frozen=True, kw_only=True)
class Race:
    """Where to, with which options, in how much time; `peer` names a program, `part` the part of its time allowed."""

    data: str
    options: tuple[str, ...] = ()
    accuracy: float
    most_seconds: float | None = None
    peer: str | None = None
    part: float | None = None


RACES = {
    "mnist-99.0": Race(
        data="mnist", accuracy=0.99,
        options=("--recipe", "quick", "--layout", "16C5/2-MP2-32C3-96N", "--batch", "384", "--shift", "1"),
        most_seconds=5, peer="mnist_example_torch", part=1 / 50,
    ),
    "mnist-99.4": Race(data="mnist", options=("--recipe", "quick"), accuracy=0.994, most_seconds=10),
    "mnist-99.5": Race(data="mnist", accuracy=0.995, most_seconds=45),
    "fashion-90.25": Race(
        data="fashion-mnist", options=("--recipe", "quick"), accuracy=0.9025,
        peer="simple_convnet_keras", part=1 / 20,
    ),
    "fashion-93": Race(data="fashion-mnist", accuracy=0.93, most_seconds=45),
    "fashion-94": Race(data="fashion-mnist", options=("--recipe", "best"), accuracy=0.94, most_seconds=300),
    "cifar10-80": Race(data="cifar10", options=("--recipe", "quick"), accuracy=0.80),
    "cifar10-86": Race(data="cifar10", accuracy=0.86, most_seconds=720),
    "cifar10-90": Race(data="cifar10", options=("--recipe", "best"), accuracy=0.90),
}  # fmt: skip


def peer_result(peer: str, data_dir: Path) -> dict[str, Any]:
    """Run a peer's program once; return its accuracy and seconds, as it prints them, and those of the whole command."""
    library = {"simple_convnet_keras": "keras_tensorflow", "mnist_example_torch": "plain_torch"}[peer]
    python = python_of(library)
    started = time.perf_counter()
    done = subprocess.run(
        [python, PROGRAMS / f"{peer}.py", str(data_dir)], stdout=subprocess.PIPE, text=True, check=True, cwd=PROGRAMS
    )
    seconds = time.perf_counter() - started
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"versions": versions_of(library), "command_seconds": round(seconds, 2), **found}


def run_race(race: Race, data_dir: Path, scratch: Path, *, seeds: int, peers: bool, warm: bool) -> dict[str, Any]:
    """Return accuracy and seconds of each seed and, where asked for, the peer's."""
    task = Task(data=race.data, options=race.options, least_accuracy=race.accuracy)
    data = str(unpacked(data_dir, scratch)) if race.data == "cifar10" else race.data
    samples = [measure(task, data, seed, data_dir, scratch, reference=False) for seed in range(seeds)]
    found: dict[str, Any] = {
        "raced": " ".join(["convscope train", race.data, *race.options]),
        "accuracy_wanted": race.accuracy,
        "most_seconds": race.most_seconds,
        "accuracy": spread([sample["accuracy"] for sample in samples]),
        "seconds": spread([sample["seconds"] for sample in samples]),
        "reached": spread([sample["accuracy"] for sample in samples])["mean"] >= race.accuracy,
        "samples": samples,
    }
    if warm:
        found["warm_seconds"] = measure(task, data, 0, data_dir, scratch, reference=False, cold=False)["seconds"]
    if peers and race.peer is not None and race.part is not None:
        found["peer"] = {"name": race.peer, "part_wanted": race.part, **peer_result(race.peer, data_dir)}
        found["part_of_peer"] = round(found["seconds"]["median"] / found["peer"]["command_seconds"], 4)
    return found


def main() -> None:
    """Run the races that were named and write one result file for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", nargs="+", choices=RACES, default=list(RACES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--no-warm", action="store_true")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in given.races:
            share = processor_share()
            race = RACES[name]
            found = run_race(
                race,
                given.data_dir.resolve(),
                Path(folder),
                seeds=given.seeds,
                peers=given.peers,
                warm=not given.no_warm,
            )
            print(
                f"{name:14} {found['accuracy']['mean']:.2%} in {found['seconds']['median']:.1f} s "
                f"({found.get('warm_seconds', 'not measured')} warm); "
                f"wanted {race.accuracy:.2%} in {race.most_seconds} s; part of peer {found.get('part_of_peer')}",
                flush=True,
            )
            found["processor_share_before_and_after"] = [share, processor_share()]
            write(f"race-{name}", __doc__.strip().splitlines()[0], found, timed=True)


if __name__ == "__main__":
    main()
