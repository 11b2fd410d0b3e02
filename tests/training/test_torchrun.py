"""Processes of torchrun train one network, and go on after one of them was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from convscope.training.history import read_history

SCRIPT = """
import os, signal, sys
from convscope.training import watch
watch._EPOCH_CHECKPOINT_S = 0.0
kind = watch.Watch.after_epoch
def after_epoch(self, state, record):
    going_on = kind(self, state, record)
    if state.epoch == 2 and os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    return going_on
watch.Watch.after_epoch = after_epoch
from convscope.cli import main
sys.exit(main(sys.argv[1:]))
"""


def weights(folder: Path, processes: int, *, kill: bool = False) -> dict[str, torch.Tensor]:
    """Return the weights of a network that so many processes have trained."""
    script = folder / "script.py"
    script.write_text(f"KILL = {kill}\n{SCRIPT}")
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "--max-restarts=1"]
    train = ["train", "digits", "--layout=4C3-MP2", "--epochs=3", "--batch=128", "-o", str(folder / "run")]
    done = subprocess.run(
        [sys.executable, *launch, str(script), *train],
        cwd=folder,
        env={**os.environ, "CONVSCOPE_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("accuracy ") == 1, "only the first process reports"
    return load_file(folder / "run" / "model.safetensors")


@pytest.mark.slow
def test_a_killed_process_starts_again_and_the_weights_are_those_of_an_undisturbed_training(tmp_path: Path) -> None:
    folders = tmp_path / "once", tmp_path / "killed"
    for folder in folders:
        folder.mkdir()
    once, killed = weights(folders[0], 2), weights(folders[1], 2, kill=True)
    assert all(torch.equal(value, once[name]) for name, value in killed.items())


@pytest.mark.slow
def test_four_processes_train_one_network(tmp_path: Path) -> None:
    assert all(bool(value.isfinite().all()) for value in weights(tmp_path, 4).values())
    assert len(read_history(tmp_path / "run" / "history.csv").epochs) == 3
