"""What most kinds need: a set of small images, and what convscope makes of it, in a second or less."""

import contextlib
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from convscope.api.cost import cost
from convscope.api.measure import measure
from convscope.api.train import TrainResult, train
from convscope.api.units import units
from convscope.core.progress import Silent
from convscope.training import watch
from convscope.training.checkpoint import save_checkpoint

CLASSES = ("a", "b")
LAYOUT = "4C3-MP2"
SIDE = 12


def write_set(folder: Path, count: int = 12) -> Path:
    """Write `count` images of each of two classes as PNG files, one sub-folder per class; return the folder."""
    random = np.random.default_rng(5)
    for at, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = random.integers(0, 120, (SIDE, SIDE, 3)).astype(np.uint8)
            pixels[:: 2 - at, :: 1 + at] += 100
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@contextlib.contextmanager
def checkpoints_always() -> Iterator[None]:
    """Write a checkpoint after every epoch, however short it is."""
    with mock.patch.object(watch, "_EPOCH_CHECKPOINT_S", 0.0):
        yield


def finished_run(data: Path, folder: Path) -> TrainResult:
    """Return a run of two epochs with everything that is measured of it later."""
    with checkpoints_always(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trained = train(str(data), epochs=2, layout=LAYOUT, output=folder, threads=1, precision="float32")
        measure(folder, str(data), distortions=["shift-x"], strengths=[1.0], force=True)
        units(folder, str(data), ablation=5, probes=False)
        cost(folder, repeats=0, force=True)
    return trained


def interrupted_run(data: Path, folder: Path) -> Path:
    """Return a folder as a run of three epochs leaves it that is killed after its first checkpoint."""
    whole = folder.with_name(f"{folder.name}-whole")
    copied = []

    def copy(state, checkpoint):
        save_checkpoint(state, checkpoint)
        if not copied:
            copied.append(shutil.copytree(whole, folder))

    with checkpoints_always(), mock.patch.object(watch, "save_checkpoint", copy):
        train(str(data), epochs=3, layout=LAYOUT, output=whole, threads=1, precision="float32", progress=Silent())
    shutil.rmtree(whole)
    return folder


def replaced(source: Path, target: Path) -> Path:
    """Return `target` as a copy of the folder `source`, whatever it was before; links instead of copies of files."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target, copy_function=os.link))
