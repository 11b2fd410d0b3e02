"""How fast one training step is when nothing disturbs it: images a second of the default networks, beside a plain one.

    python benchmarks/undisturbed.py

Scope: convscope's own loop (shifts and flips, forward, backward, optimizer, running mean of the weights) on random
images in memory, with the recipe that it chooses (all
images in their size), and the step of benchmarks/reference_step.py; each for a few
seconds, in turn, in one process, so that both see the same machine. On a virtual machine that shares its processor
most steps wait for others, some do not: `undisturbed` is the rate of the fastest tenth of the steps of all rounds
(its slowest), `median` that of the middle one. The reference is another network, of 10.7 million MACs: `work`
is the ratio of images × MACs a second. `epochs_s` is what the default epochs take with undisturbed steps.
"""

import argparse
import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from reference_step import BATCH, step_seconds
from results_file import processor_share, write

from convscope.core.machine import threads_for, tuned
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.options.train import TrainOptions
from convscope.training.choices import choose_network
from convscope.training.history import EpochRecord
from convscope.training.loop import Listener, run, steps_per_epoch
from convscope.training.state import TrainingState
from convscope.training.training_data import TrainingData

IMAGES = 5_000  # in memory; the recipe is that of the whole set
REFERENCE = plan(Layout.parse("32C5-MP2-64C5-MP2-128N"), height=28, width=28, channels=1, classes=10).macs


@dataclass(frozen=True, kw_only=True)
class Case:
    """A set as the default network sees it."""

    name: str
    side: int
    channels: int
    images: int
    flipped: bool


CASES = (
    Case(name="digits", side=8, channels=1, images=1_438, flipped=False),
    Case(name="mnist", side=28, channels=1, images=60_000, flipped=False),
    Case(name="fashion-mnist", side=28, channels=1, images=60_000, flipped=True),
    Case(name="cifar10", side=32, channels=3, images=50_000, flipped=True),
    Case(name="photographs", side=96, channels=3, images=20_000, flipped=True),
)


class Clock(Listener):
    """Stops the loop after some seconds, and remembers what each step took."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self._until = self._last = 0.0

    def begin(self, seconds: float) -> None:
        """Begin a round."""
        self._last = time.perf_counter()
        self._until = self._last + seconds

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Remember; False when the time is over."""
        now = time.perf_counter()
        self.taken.append(now - self._last)
        self._last = now
        return now < self._until

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Continue; what the end of an epoch took belongs to no step."""
        self._last = time.perf_counter()
        return True


def rates(seconds: list[float], batch: float) -> dict[str, float]:
    """Return images a second of the fastest tenth of steps and of the middle one, and the number of steps."""
    fast, middle = np.quantile(seconds, [0.1, 0.5])
    return {
        "undisturbed": round(batch / float(fast), 1),
        "median": round(batch / float(middle), 1),
        "steps": len(seconds),
    }


def measure(case: Case, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Return images a second of the loop and of the reference, and what follows from them."""
    rng = np.random.default_rng(0)
    count = min(case.images, IMAGES)
    images = rng.integers(0, 256, (count, case.side, case.side, case.channels), np.uint8)
    labels = np.arange(count) % 10
    data = TrainingData.of_arrays(images, labels, classes=10)
    whole = dataclasses.replace(
        data,
        training=torch.arange(case.images),
        class_names=tuple("0123456789"),
        name=case.name,
        flippable=case.flipped,
    )
    planned, choice = choose_network(whole, TrainOptions(progressive_resizing=0), None)
    recipe, work = choice.recipe, planned.macs
    network = Network(planned.layout, height=case.side, width=case.side, channels=case.channels, classes=10)
    clock = Clock()
    theirs: list[float] = []
    with tuned(threads_for(work * recipe.batch)):
        state = TrainingState.begin(network, recipe, steps=10**6)
        for turn in range(rounds + 1):
            clock.begin(seconds)
            run(state, data, recipe, clock, seed=0)
            reference = step_seconds(seconds)
            theirs += reference if turn else []
            if not turn:  # the first round warms up
                clock.taken.clear()
    ours, reference_rates = rates(clock.taken, count / steps_per_epoch(count, recipe.batch)), rates(theirs, BATCH)
    ratio = ours["undisturbed"] / reference_rates["undisturbed"]
    return {
        "layout": str(planned.layout),
        "macs": work,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "images_per_second": ours,
        "reference_images_per_second": reference_rates,
        "ratio": round(ratio, 3),
        "work": round(ratio * work / REFERENCE, 3),
        "epochs_s": round(recipe.epochs * case.images / ours["undisturbed"], 1),
    }


def main() -> None:
    """Measure every case, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share()}
    for case in CASES:
        found = measure(case, rounds=given.rounds, seconds=given.seconds)
        results[case.name] = found
        rate = found["images_per_second"]["undisturbed"]
        print(f"{case.name:14} {rate:6.0f} images/s  work {found['work']:.2f}  epochs {found['epochs_s']:.1f} s")
    print(write("undisturbed", __doc__.strip().splitlines()[0], results))


if __name__ == "__main__":
    main()
