"""Ranks against threads: images a second of training by one process a core, and by one process of as many threads.

    python benchmarks/ranks.py [--cases small middle mnist cifar10] [--rounds 7] [--seconds 4]

Scope: convscope's own loop with its augmentation on random images in memory, 256 a step, float32 or what the machine
takes by default. Both ways train in turn, `rounds` times some seconds each; `ratio` is the median of the ratios of the
rounds, `low` and `high` their quartiles. Where other programs run, threads, which wait for each other many times a
step, lose far more than ranks: `processor_ratio` compares images a second of processor time (of rank 0, times the
ranks). Starting the processes is measured apart (`start_s`).
"""

import argparse
import os
import statistics
import sys
import time
from typing import Any

import numpy as np
from results_file import processor_share, write
from step import CASES, Case

from convscope.core.machine import threads_for, tuned, usable_cores
from convscope.core.precision import choose_precision
from convscope.images.augmentation import Augmentation
from convscope.networks.build import Network
from convscope.networks.defaults import default_layout
from convscope.networks.layout import Layout
from convscope.training.loop import Listener, run
from convscope.training.rank_processes import started_ranks
from convscope.training.recipe import Recipe
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData

MNIST = default_layout(height=28, width=28, channels=1, images=60_000, flipped=False)
DIGITS = default_layout(height=8, width=8, channels=1, images=1_500, flipped=False)
RANKS = {
    **CASES,
    "mnist": Case(layout=str(MNIST), side=28, channels=1, batch=256),
    "digits": Case(layout=str(DIGITS), side=8, channels=1, batch=64),
}


class Timed(Listener):
    """Trains for some seconds after a few steps; measures images a second."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.began_s, self.steps, self.taken_s = seconds, 0.0, -3, 0.0
        self.processor_s = 0.0

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Return whether there is time left."""
        del state, loss
        self.steps += 1
        if self.steps == 0:
            self.began_s, self._processor_s = time.monotonic(), time.process_time()
        if self.steps > 0:
            self.processor_s = time.process_time() - self._processor_s
        self.taken_s = time.monotonic() - self.began_s
        return self.steps <= 0 or self.taken_s < self.seconds


def built(case: Case) -> Network:
    """Return the network of a case."""
    sides = {"height": case.side, "width": case.side, "channels": case.channels}
    return Network(Layout.parse(case.layout), **sides, classes=10)  # type: ignore[arg-type]  # whole numbers


def rates(case: Case, ranks: int, seconds: float) -> tuple[float, float, float]:
    """Return images a second and images a second of processor time by `ranks` processes, and seconds to their start."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8_192, case.side, case.side, case.channels), dtype=np.uint8)
    recipe = Recipe(
        epochs=1_000, batch=case.batch, augmentation=Augmentation(shift=2), precision=choose_precision("auto")
    )
    network = built(case)
    threads = threads_for(network.plan.macs * case.batch) if ranks == 1 else ranks
    began = time.monotonic()
    with tuned(threads), started_ranks(ranks, threads, images, together=False) as group:
        plain = TrainingData.of_arrays(images, np.arange(len(images)) % 10, classes=10)
        data = TrainingData(
            images=plain.images,
            labels=plain.labels,
            training=plain.training,
            validation=plain.validation,
            classes=10,
            ranks=group,
        )
        state = TrainingState.begin(network, recipe, steps=100_000)
        group.begin(state, data, recipe, 0)
        start_s, timed = time.monotonic() - began, Timed(seconds)
        run(state, data, recipe, timed, seed=0)
    images_seen = timed.steps * case.batch
    return images_seen / timed.taken_s, images_seen / (timed.processor_s * ranks), start_s


def measured(case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """Return rates of both ways, their ratio, and the seconds of a start."""
    alone, several = [], []
    for _ in range(rounds):
        alone.append(rates(case, 1, seconds))
        several.append(rates(case, usable_cores(), seconds))
    ratios, processor = ([one[way] / other[way] for one, other in zip(several, alone, strict=True)] for way in (0, 1))
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {
        "layout": case.layout,
        "step_macs": built(case).plan.macs * case.batch,
        "threads": [found[0] for found in alone],
        "ranks": [found[0] for found in several],
        "processor_ratio": statistics.median(processor),
        "processor_ratios": processor,
        "ratio": middle,
        "low": low,
        "high": high,
        "start_s": statistics.median(found[2] for found in several),
    }


def main() -> None:
    """Measure the cases that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=RANKS, default=["digits", "small", "middle", "mnist", "cifar10"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    if "GOMP_SPINCOUNT" not in os.environ:  # as the command sets it, before torch is loaded
        os.environ["GOMP_SPINCOUNT"] = "10000"
        os.execv(sys.executable, [sys.executable, *sys.argv])  # this program
    cases: dict[str, Any] = {}
    for name in options.cases:
        cases[name] = measured(RANKS[name], options.rounds, options.seconds)
        found = cases[name]
        print(
            f"{name}: {found['ratio']:.2f} x ({found['low']:.2f} to {found['high']:.2f}), of processor time "
            f"{found['processor_ratio']:.2f} x; start {found['start_s']:.1f} s",
            flush=True,
        )
    write(
        "ranks",
        (__doc__ or "").strip().splitlines()[0],
        {"cases": cases, "processor_share": processor_share()},
        timed=True,
    )


if __name__ == "__main__":
    main()
