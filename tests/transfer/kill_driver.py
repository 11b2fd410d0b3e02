"""Kills trainings from a start within the write of a file and resumes them; prints whether the weights are equal.

Run as a program: `python kill_driver.py FOLDER`. Each attempt is a forked child of a process that has imported
everything and has no thread left. It kills itself (kill -9) where the file that is written beside its target is half
there, whole but not yet renamed, or just renamed; or where the features of a batch are half in the store, or there
without their checksums.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from convscope.api.train import train
from convscope.core.context import Context
from convscope.training import watch
from convscope.transfer.feature_store import FeatureStore
from tests.transfer.test_start import photographs, start_model

MODES = ("frozen", "fine-tuned", "last-stages")
CHECKPOINT, MODEL = "state.safetensors", "model.safetensors"
HALF, WHOLE, RENAMED = "half", "whole", "renamed"


def killed_in_file(target: str, number: int, moment: str) -> None:
    """Let this process kill itself in the write of a file with this name, the one with this number."""
    replace, count = Path.replace, 0

    def struck(self: Path, destination: Any) -> Path:
        nonlocal count
        if Path(destination).name != target:
            return replace(self, destination)
        count += 1
        if count == number:
            if moment == HALF:
                os.truncate(self, self.stat().st_size // 2)
            if moment == RENAMED:
                replace(self, destination)
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, destination)

    Path.replace = struck


def killed_in_features(number: int, moment: str) -> None:
    """Let this process kill itself in the write of a batch of features, the one with this number."""
    write, count = FeatureStore.write, 0

    def struck(self: FeatureStore, indices: Any, rows: Any) -> None:
        nonlocal count
        count += 1
        if count < number:
            write(self, indices, rows)
            return
        there = len(indices) // 2 if moment == HALF else len(indices)
        self.rows[indices[:there]] = rows[:there]
        self.rows[indices[there:], : rows.shape[1] // 2] = rows[there:, : rows.shape[1] // 2]
        os.kill(os.getpid(), signal.SIGKILL)

    FeatureStore.write = struck


def attempt(data: Path, folder: Path, mode: str) -> None:
    """Train, or go on where the folder says."""
    torch.set_num_threads(1)
    watch.CHECKPOINT_EVERY_S = 0.0
    context = Context(cache_dir=folder / "cache")
    if (folder / "run/settings.json").exists():
        train(data, resume=folder / "run", start=start_model(), context=context)
    else:
        more: dict[str, Any] = {} if mode == "frozen" else {"epochs": 2, "batch": 5}
        train(data, start=start_model(), output=folder / "run", context=context, mode=mode, threads=1, **more)


def in_child(data: Path, folder: Path, mode: str, struck: Callable[[], None] = lambda: None) -> int:
    """Return the exit code of an attempt, -9 where it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            struck()
            attempt(data, folder, mode)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def moments_of(mode: str) -> dict[str, Callable[[], None]]:
    """Return where a training of a mode is killed, and what brings that about, by name."""
    if mode == "frozen":
        found = {f"features {moment}": lambda moment=moment: killed_in_features(2, moment) for moment in (HALF, WHOLE)}
        return found | {f"{MODEL} {HALF}": lambda: killed_in_file(MODEL, 1, HALF)}
    third = {moment: lambda moment=moment: killed_in_file(CHECKPOINT, 3, moment) for moment in (HALF, WHOLE, RENAMED)}
    return third | {"first half": lambda: killed_in_file(CHECKPOINT, 1, HALF)}  # with none before it


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the weights of the model of a run."""
    return {name: value.numpy() for name, value in load_file(folder / "run" / MODEL).items()}


def main() -> None:
    """Do it and print the result as JSON: by mode and moment, both exit codes, and whether the weights are equal."""
    base = Path(sys.argv[1])
    data = photographs(base / "set")
    result = {}
    for mode in MODES:
        code = in_child(data, base / mode, mode)
        whole = weights_of(base / mode)
        for moment, struck in moments_of(mode).items():
            folder = base / f"{mode}, {moment}"
            codes = [in_child(data, folder, mode, struck), in_child(data, folder, mode)]
            found = weights_of(folder)
            equal = found.keys() == whole.keys() and all(np.array_equal(found[name], whole[name]) for name in whole)
            left = [path.name for path in folder.rglob("*.part")]
            result[folder.name] = {"codes": [code, *codes], "equal": equal, "left": left}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
