"""One step beside the peers: images a second of training and prediction; same layout, batch and machine, in turn.

    python benchmarks/step.py [--cases small middle cifar10 photographs] [--modes train predict] [--rounds 3]

Scope: images are in memory and standardized; a step of training is forward, loss, backward, optimizer and what else
the program does each time (convscope: running mean of the weights, its checks). Peers compute as their tutorials write
it: float32, Adam, convolution → normalization → ReLU → max. convscope computes as it does by default: bfloat16 where
the processor multiplies it natively, pooling first where that gives the same values, Muon. Prediction uses the same
weights everywhere, normalization folded in; convscope standardizes bytes and takes the fastest back end that is
installed. `agreement` is the part of the batch that gets the class which plain PyTorch gives. OpenVINO is also measured
in bfloat16. The ceiling is the convolutions and matrix products alone, in PyTorch.
With --clock processor each program has one thread, and its seconds are those that the processor computed for it: for
machines where other programs run beside, which would stall threads that wait for each other.
The programs of a case are started one after the other; then each runs for some seconds, in turn, `rounds` times. A rate
is the median of the rounds. Environments of the peers are installed when first needed (network, some minutes, 3 GB).
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from peer_environments import PROGRAMS as PEERS
from peer_environments import python_of, versions_of
from results_file import processor_share, write

from convscope.core.machine import machine
from convscope.layers.kinds import Convolution, Linear
from convscope.networks.build import Network
from convscope.networks.defaults import default_layout
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.stages import ConnectedStage, ConvolutionStage, PoolingStage

CIFAR = default_layout(height=32, width=32, channels=3, images=50_000, flipped=True)
BEST = "bfloat16" if machine().bfloat16 else "float32"
PHOTOGRAPHS = default_layout(height=96, width=96, channels=3, images=20_000, flipped=True)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network on images."""

    layout: str
    side: int
    channels: int
    batch: int


CASES = {
    "small": Case(layout="6C5-MP2-16C5-MP2-84N-nonorm", side=28, channels=1, batch=256),
    "middle": Case(layout="32C5-MP2-64C5-MP2-128N-nonorm", side=28, channels=1, batch=256),
    "cifar10": Case(layout=str(CIFAR), side=32, channels=3, batch=256),
    "photographs": Case(layout=str(PHOTOGRAPHS), side=96, channels=3, batch=64),
}
MODES = {
    "train": ("convscope_step", "plain_torch", "keras_tensorflow", "plain_jax", "ceiling"),
    "predict": (
        "convscope_step",
        "plain_torch",
        "keras_tensorflow",
        "plain_jax",
        "onnx_runtime",
        "open_vino",
        "ceiling",
    ),
}
ALONE = {"OMP_NUM_THREADS": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "TF_NUM_INTEROP_THREADS": "1"}
PRECISIONS = {"convscope_step": ("float32", "bfloat16"), "open_vino": ("float32", "bfloat16"), "ceiling": ("bfloat16",)}


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A program that has been started, and answers a number of seconds with images a second."""

    name: str
    process: subprocess.Popen[str]

    def answer(self) -> dict[str, Any]:
        """Return the next line of the program."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with code {self.process.wait()}; its last words are above.")
        found: dict[str, Any] = json.loads(line)
        return found

    def rate(self, seconds: float) -> float:
        """Return images a second over the next `seconds`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.answer()["images_per_second"])


def stages(layout: Layout) -> list[dict[str, Any]]:
    """Return the stages of `layout` in the words of peers/protocol.py."""
    found: list[dict[str, Any]] = []
    for stage in layout.stages:
        if isinstance(stage, ConvolutionStage):
            kept = {
                name: value for name, value in asdict(stage).items() if name in ("units", "patch", "stride", "residual")
            }
            found.append({"kind": "convolution", **kept})
        elif isinstance(stage, PoolingStage):
            found.append({"kind": "max", "window": stage.window})
        elif isinstance(stage, ConnectedStage):
            found.append({"kind": "connected", "units": stage.units})
    return found


def save_weights(case: Case, path: Path) -> None:
    """Write the weights that everybody predicts with."""
    layout = Layout.parse(case.layout)
    network = Network(layout, height=case.side, width=case.side, channels=case.channels, classes=10)
    arrays: dict[str, np.ndarray] = {}
    folded = fold(network)
    for node in folded.graph.nodes:
        if isinstance(node.layer, (Convolution, Linear)):
            place, tensors = len(arrays) // 2, folded.tensors_of(node)
            arrays[f"weights{place}"] = tensors["weight"].numpy()
            arrays[f"biases{place}"] = tensors["bias"].numpy()
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy takes names


def description(case: Case, mode: str, weights: Path, clock: str = "wall") -> dict[str, Any]:
    """Return what the programs are told, in the words of peers/protocol.py; in the best precision of the machine."""
    layout = Layout.parse(case.layout)
    return {
        "layout": case.layout, "stages": stages(layout), "height": case.side, "width": case.side,
        "channels": case.channels, "classes": 10, "batch": case.batch, "normalize": layout.normalization, "mode": mode,
        "threads": 1 if clock == "processor" else machine().cores, "weights": str(weights), "precision": BEST,
        "clock": clock,
    }  # fmt: skip


@contextlib.contextmanager
def started(
    case: Case, mode: str, weights: Path, clock: str
) -> Iterator[tuple[dict[str, Runner], dict[str, dict[str, Any]]]]:
    """Start every program of a case and give what it says when it is ready; end them when the block ends."""
    shared = description(case, mode, weights, clock)
    runners: dict[str, Runner] = {}
    ready: dict[str, dict[str, Any]] = {}
    try:
        for program in MODES[mode]:
            precisions = PRECISIONS.get(program, ("float32",))
            if mode == "train" or BEST == "float32":
                precisions = (BEST if program in PRECISIONS else "float32",)
            for precision in precisions:
                process = subprocess.Popen(
                    [python_of(program), PEERS / f"{program}.py", json.dumps({**shared, "precision": precision})],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PEERS,
                    env={**os.environ, **(ALONE if clock == "processor" else {})},
                )  # fmt: skip
                name = f"{program} {precision}"
                runners[name] = Runner(name=name, process=process)
                ready[name] = runners[name].answer()
        yield runners, ready
    finally:
        for runner in runners.values():
            runner.process.kill()
            with runner.process:  # its pipes are closed, and its end is awaited
                pass


def measure(case: Case, mode: str, *, rounds: int, seconds: float, clock: str = "wall") -> dict[str, Any]:
    """Return images a second of every program, and their ratios to what convscope does."""
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights.npz"
        save_weights(case, weights)
        with started(case, mode, weights, clock) as (runners, ready):
            samples: dict[str, list[float]] = {name: [] for name in runners}
            for _ in range(rounds):
                for name, runner in runners.items():
                    samples[name].append(runner.rate(seconds))
    rates = {name: round(statistics.median(values), 1) for name, values in samples.items()}
    ours = next(rate for name, rate in reversed(rates.items()) if name.startswith("convscope_step"))
    found: dict[str, Any] = {
        "images_per_second": rates,
        "samples": {name: [round(value, 1) for value in values] for name, values in samples.items()},
        "convscope_is_times_as_fast": {name: round(ours / rate, 2) for name, rate in rates.items()},
    }
    if mode == "predict":
        truth = np.array(ready["plain_torch float32"]["classes"])
        found["agreement"] = {
            name: float(np.mean(truth == np.array(first["classes"])))
            for name, first in ready.items()
            if "classes" in first
        }
    return found


def main() -> None:
    """Measure, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--name", default="step", help="of the file of results")
    given = parser.parse_args()
    programs = {program for mode in given.modes for program in MODES[mode]}
    results: dict[str, Any] = {
        "peers": {program: versions_of(program) for program in sorted(programs)},
        "processor_share_before": processor_share(),
        "clock": given.clock,
        "cases": {name: asdict(CASES[name]) for name in given.cases},
    }
    for name in given.cases:
        for mode in given.modes:
            found = measure(CASES[name], mode, rounds=given.rounds, seconds=given.seconds, clock=given.clock)
            results.setdefault(mode, {})[name] = found
            for program, rate in found["images_per_second"].items():
                ratio = found["convscope_is_times_as_fast"][program]
                agreement = found.get("agreement", {}).get(program)
                print(
                    f"{name:12} {mode:8} {program:26} {rate:10,.0f} images/s {ratio:6.2f} {agreement or ''}",
                    file=sys.stderr,
                )
            results["processor_share_after"] = processor_share()
            print(write(given.name, __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
