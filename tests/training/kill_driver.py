"""Trains digits once without and then with twenty kill -9 at random moments; prints whether the weights are equal.

Run as a program: `python kill_driver.py FOLDER SEED`. Each attempt is a forked child of a process that has imported
everything, trained once, and has no thread left, so that a kill costs milliseconds and may strike anywhere: before the
run has a folder, while a checkpoint is written, between the last checkpoint and the model. A run that ends before it is
killed is kept, the next one begins in a new folder, and the next kills come sooner: how long a run takes changes with
what else the machine does.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from convscope.api.train import train
from convscope.core.context import Context
from convscope.training import watch

KILLS = 20
OPTIONS = {"epochs": 2, "layout": "4C3-MP2-16N", "seed": 3, "threads": 1, "batch": 64, "precision": "float32"}


def attempt(folder: Path, cache: Path) -> None:
    """Train, or go on where the folder says."""
    torch.set_num_threads(1)
    watch.CHECKPOINT_EVERY_S = 0.01
    watch._EPOCH_CHECKPOINT_S = 0.0
    if (folder / "settings.json").exists():
        train("digits", resume=folder, context=Context(cache_dir=cache))
    else:
        train("digits", output=folder, context=Context(cache_dir=cache), **OPTIONS)


def in_child(folder: Path, cache: Path, kill_after_s: float | None) -> int:
    """Return the exit code of an attempt, -9 where it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            attempt(folder, cache)
            code = 0
        finally:
            os._exit(code)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Do it and print the result as JSON."""
    base, seed = Path(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    attempt(base / "warm", base / "cache")  # what torch and others do only the first time is done
    started = time.monotonic()
    whole = in_child(base / "whole", base / "cache", None)
    longest = 0.9 * (time.monotonic() - started)
    codes: list[int] = []
    runs = [base / "killed-0"]
    while codes.count(-9) < KILLS:
        code = in_child(runs[-1], base / "cache", chance.uniform(0, longest))
        codes.append(code)
        if code != -9:
            longest *= 0.7
            runs.append(base / f"killed-{len(runs)}")
        if code not in {0, -9}:
            break
    last = in_child(runs[-1], base / "cache", None)
    one = load_file(base / "whole/model.safetensors")
    others = [load_file(run / "model.safetensors") for run in runs]
    equal = all(
        one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one) for other in others
    )
    leftovers = [path.name for path in base.rglob("*.part") if path.stat().st_size > 100_000_000]
    print(json.dumps({"whole": whole, "codes": codes, "last": last, "equal": equal, "leftovers": leftovers}))


if __name__ == "__main__":
    main()
