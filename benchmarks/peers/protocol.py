"""What every peer of benchmarks/step.py speaks: a network as JSON in, images a second out, turn after turn.

This file and its neighbors run in environments of their own, without convscope: they know nothing but the description.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Description = dict[str, Any]
WARM_UP = 3
MEAN, STD = 128, 64  # of a pixel


def description() -> Description:
    """Return what the program was started with.

    Keys: `stages`, a list of ``{"kind": "convolution", "units", "patch", "stride", "residual"}``,
    ``{"kind": "max", "window"}`` (None: the whole map) and ``{"kind": "connected", "units"}``; `height`, `width`,
    `channels`, `classes`, `batch`, `normalize`, `mode` (``train`` or ``predict``), `threads`, `weights` (path of an npz
    with what prediction computes with).
    """
    found: Description = json.loads(sys.argv[1])
    return found


def random_images(given: Description) -> tuple[Any, Any]:
    """Return a batch of standardized float32 images N H W C and labels int64 N; the same for every peer.

    They are those of `random_pixels`, less MEAN, divided by STD, which is exact.
    """
    labels = np.random.default_rng(1).integers(0, given["classes"], given["batch"], np.int64)
    return (random_pixels(given).astype(np.float32) - MEAN) / STD, labels


def random_pixels(given: Description) -> Any:
    """Return the batch as uint8 N H W C, as files of images give it."""
    shape = (given["batch"], given["height"], given["width"], given["channels"])
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def folded(given: Description) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weights and biases of each stage that has some, and of the classifier last: units C k k, or units inputs.

    Inputs of fully connected units are in the order C H W.
    """
    with np.load(given["weights"]) as file:
        return [(file[f"weights{place}"], file[f"biases{place}"]) for place in range(len(file.files) // 2)]


def serve(step: Callable[[], Any], given: Description, scores: Callable[[], np.ndarray] | None = None) -> None:
    """Do `step` as long as asked, for each line on standard input, and print images a second; the first line is ready.

    `scores` gives those of the batch, for comparison with the others'. Where `given` names the clock ``processor``,
    seconds are those that the processor computed for this program, whatever else runs beside it.
    """
    look = time.process_time if given.get("clock") == "processor" else time.perf_counter
    for _ in range(WARM_UP):
        step()
    first = {} if scores is None else {"classes": np.asarray(scores(), np.float32).argmax(1).tolist()}
    print(json.dumps({"ready": True, **first}), flush=True)
    for line in sys.stdin:
        seconds = float(line)
        taken: list[float] = []
        begun = last = look()
        while last - begun < seconds or len(taken) < 3:
            step()
            now = look()
            taken.append(now - last)
            last = now
        print(json.dumps({"images_per_second": given["batch"] * len(taken) / (last - begun)}), flush=True)
