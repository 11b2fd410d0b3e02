"""How fast one training step is beside a fixed plain one: images a second of the default networks, in turn.

    python benchmarks/step.py

Scope: convscope's own loop (shifts and flips, forward, backward, optimizer, running mean of the weights) on random
pictures in memory, with the recipe that it chooses, and the step of benchmarks/reference_step.py; each for a few
seconds, in turn, in one process, so that both see the same machine. The ratio of the two is what counts. The reference
is another network, of 10.7 million multiply-adds: `work` is the ratio of images × multiply-adds. `epochs_s` is what
the default epochs would take with this ratio where the reference does `UNSHARED_RATE` images a second.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

import numpy as np
from reference_step import images_per_second
from results_file import UNSHARED_RATE, processor_share, write

from convscope.core.machine import threads_for, tuned
from convscope.networks.build import Network
from convscope.networks.defaults import default_layout
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.training.choices import Examples, choose_recipe
from convscope.training.history import EpochRecord
from convscope.training.learning_set import LearningSet
from convscope.training.loop import Listener, run
from convscope.training.settings import Settings
from convscope.training.state import TrainingState

PICTURES = 5_000  # in memory; the recipe is that of the whole set
REFERENCE = plan(Layout.parse("32C5-MP2-64C5-MP2-128N"), height=28, width=28, channels=1, classes=10).multiply_adds


@dataclass(frozen=True, kw_only=True)
class Case:
    """A set as the default network sees it."""

    name: str
    side: int
    channels: int
    pictures: int
    mirrored: bool


CASES = (
    Case(name="mnist", side=28, channels=1, pictures=60_000, mirrored=False),
    Case(name="fashion-mnist", side=28, channels=1, pictures=60_000, mirrored=True),
    Case(name="cifar10", side=32, channels=3, pictures=50_000, mirrored=True),
    Case(name="photographs", side=96, channels=3, pictures=20_000, mirrored=True),
)


class Clock(Listener):
    """Stops the loop after some seconds, and counts the steps since it was told to begin."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.steps = 0
        self.started = 0.0

    def begin(self, seconds: float) -> None:
        """Begin to count."""
        self.seconds, self.steps, self.started = seconds, 0, time.perf_counter()

    def after_step(self, state: TrainingState, loss: float) -> bool:
        """Count; False when the time is over."""
        self.steps += 1
        return time.perf_counter() - self.started < self.seconds

    def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
        """Go on."""
        return True


def measure(case: Case, *, rounds: int, seconds: float) -> dict[str, object]:
    """Return images a second of the loop and of the reference, round by round, and what follows from them."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (PICTURES, case.side, case.side, case.channels), np.uint8)
    labels = np.arange(PICTURES) % 10
    whole = Examples(
        images=images,
        labels=labels,
        classes=tuple("0123456789"),
        name=case.name,
        mirror=case.mirrored,
        places=np.arange(case.pictures),
    )
    recipe = choose_recipe(whole, Settings()).recipe
    layout = default_layout(
        height=case.side, width=case.side, channels=case.channels, pictures=case.pictures, mirrored=case.mirrored
    )
    network = Network(layout, height=case.side, width=case.side, channels=case.channels, classes=10)
    work, clock = network.plan.multiply_adds, Clock()
    ours, theirs = [], []
    with tuned(threads_for(work * recipe.batch)):
        data = LearningSet.of_arrays(images, labels, classes=10)
        state = TrainingState.begin(network, recipe, steps=10**6)
        for turn in range(rounds + 1):
            clock.begin(seconds)
            run(state, data, recipe, clock, seed=0)
            rate = clock.steps * PICTURES / -(-PICTURES // recipe.batch) / (time.perf_counter() - clock.started)
            reference = images_per_second(seconds)
            if turn:  # the first round warms up
                ours.append(rate)
                theirs.append(reference)
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    return {
        "layout": str(layout),
        "multiply_adds": work,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "images_per_second": ours,
        "reference_images_per_second": theirs,
        "ratio": ratio,
        "work": ratio * work / REFERENCE,
        "epochs_s": recipe.epochs * case.pictures / (ratio * UNSHARED_RATE),
    }


def main() -> None:
    """Measure every case, print a table, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    results: dict[str, object] = {"processor_share_before": processor_share()}
    for case in CASES:
        found = measure(case, rounds=given.rounds, seconds=given.seconds)
        results[case.name] = found
        print(f"{case.name:14} ratio {found['ratio']:.2f}  work {found['work']:.2f}  epochs {found['epochs_s']:.0f} s")
    print(write("step", __doc__.strip().splitlines()[0], results))


if __name__ == "__main__":
    main()
