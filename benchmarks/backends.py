"""What computes predictions: torch, ONNX Runtime and OpenVINO, and int8, on trained models: speed, and what it costs.

    python benchmarks/backends.py [--sets mnist fashion-mnist] --data-dir FOLDER

Scope: one model a set, trained by `convscope train SET --recipe quick`; `Model.predict_proba` on the test images,
uint8 in memory, 256 at once, in turn. int8 is calibrated on 500 training images. `accuracy` is that on all test
images; `agreement` the part of them that gets the class which torch in float32 gives. With --clock processor (and
OMP_NUM_THREADS=1) seconds are those that the processor computed: for machines where other programs run beside.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results_file import processor_share, write

from convscope.core.errors import ConvscopeError
from convscope.core.machine import machine, tuned
from convscope.images.sources.opening import open_source
from convscope.images.sources.source import TEST, TRAIN
from convscope.networks.model import Model
from convscope.networks.model_file import read_model

CALIBRATION = 500
WAYS = [
    (backend, precision)
    for backend in ("torch", "onnxruntime", "openvino")
    for precision in ("float32", "bfloat16", "int8")
    if (backend, precision) not in {("torch", "int8"), ("onnxruntime", "bfloat16")}
]


def trained(data: str, data_dir: Path, scratch: Path, options: tuple[str, ...] = ("--recipe", "quick")) -> Model:
    """Return a model that the train command made."""
    command = [sys.executable, "-m", "convscope", "train", data, *options, "--data-dir", str(data_dir), "--quiet"]
    command += ["-o", str(scratch / data), "--cache-dir", str(scratch / "cache")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return read_model(scratch / data)


def measure(
    model: Model, data: str, data_dir: Path, *, rounds: int, most: int = 10_000, clock: str = "wall"
) -> dict[str, Any]:
    """Return images a second, accuracy and agreement of every way that this machine has."""
    look = time.process_time if clock == "processor" else time.perf_counter
    source = open_source(data, data_dir=data_dir)
    stack = source.stack()
    assert stack is not None
    test, train = (np.flatnonzero(source.splits == split) for split in (TEST, TRAIN))
    test = test[:most]
    images, labels = np.ascontiguousarray(model.preprocessing.apply_stack(stack[test])), source.labels[test]
    shown = model.preprocessing.apply_stack(stack[train[:: max(1, len(train) // CALIBRATION)][:CALIBRATION]])
    ready: dict[str, Model] = {}
    for backend, precision in WAYS:
        if precision == "bfloat16" and not machine().bfloat16:
            continue
        try:
            made = model.optimize(precision, backend=backend, calibration=shown)  # type: ignore[arg-type]  # as listed
        except ConvscopeError as error:
            print(error, file=sys.stderr)
            continue
        ready[f"{backend} {precision}"] = made
    samples: dict[str, list[float]] = {name: [] for name in ready}
    answers: dict[str, np.ndarray] = {}
    with tuned():
        for _ in range(rounds + 1):  # the first warms up
            for name, one in ready.items():
                started = look()
                answers[name] = one.predict_proba(images, batch=256).argmax(1)
                samples[name].append(len(images) / (look() - started))
    rates = {name: statistics.median(values[1:]) for name, values in samples.items()}
    return {
        "layout": model.title,
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "times_torch_float32": {name: round(rate / rates["torch float32"], 2) for name, rate in rates.items()},
        "accuracy": {name: float(np.mean(found == labels)) for name, found in answers.items()},
        "agreement": {name: float(np.mean(found == answers["torch float32"])) for name, found in answers.items()},
    }


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share(), "clock": given.clock, "sets": {}}
    with tempfile.TemporaryDirectory() as scratch:
        for data in given.sets:
            model = trained(data, given.data_dir.resolve(), Path(scratch))
            results["sets"][data] = measure(
                model, data, given.data_dir.resolve(), rounds=given.rounds, clock=given.clock
            )
            print(data, json.dumps(results["sets"][data], indent=1), flush=True)
    results["processor_share_after"] = processor_share()
    print(write("backends", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
