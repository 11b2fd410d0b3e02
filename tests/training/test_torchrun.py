"""Processes of torchrun train one network, and go on after one of them was killed."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from convscope.api.train import train
from convscope.cli import main
from convscope.training import torchrun
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
    assert done.returncode == 0, done.stderr[:4000]
    assert done.stdout.count("accuracy ") == 1, "only the first process reports"
    return load_file(folder / "run" / "model.safetensors")


def test_processes_that_start_again_agree_on_a_word_whatever_an_earlier_start_wrote() -> None:
    store = torch.distributed.HashStore()
    with ThreadPoolExecutor(3) as threads:
        starts = [set(threads.map(partial(torchrun._word_of_this_start, store, count=3), range(3))) for _ in range(3)]
    assert [len(words) for words in starts] == [1, 1, 1]
    assert len(set.union(*starts)) == 3


@pytest.mark.slow
def test_a_killed_process_starts_again_and_the_weights_are_those_of_ranks_without_torchrun(tmp_path: Path) -> None:
    options = {"layout": "4C3-MP2", "epochs": 3, "batch": 128, "threads": 1}
    once = train("digits", ranks=2, output=tmp_path / "once", **options).model.network.state_dict()
    for name, value in weights(tmp_path, 2, kill=True).items():
        assert torch.equal(value, once[name]), name


@pytest.mark.slow
def test_four_processes_train_one_network(tmp_path: Path) -> None:
    assert all(bool(value.isfinite().all()) for value in weights(tmp_path, 4).values())
    assert len(read_history(tmp_path / "run" / "history.csv").epochs) == 3


def test_processes_of_torchrun_need_a_folder_and_no_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (torchrun.world_size(), torchrun.own_rank(), torchrun.is_restarted()) == (1, 0, False)
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert (torchrun.world_size(), torchrun.own_rank(), torchrun.is_restarted()) == (2, 1, True)
    for words, said in ((["--start", "x", "-o", "y"], "trains a network from nothing"), ([], "Name its folder")):
        assert main(["train", "digits", *words]) == 2
        assert said in capsys.readouterr().err
