"""How time and memory of training grow with images, side, channels, classes and batch: exponents, fitted.

    python benchmarks/growth.py

Scope: convscope's own loop on random images in memory, in a process of its own for each point, with the layout
`32C3-MP2-64C3-MP2-128N` by default: seconds per epoch without the first one, and the peak of the process's memory less
that of one that only imports. One thing grows at a time, from 28 × 28 × 1 pixels, 4,096 images, 10 classes, 256 a
step. The exponent e of cost ~ size^e is the slope of a straight line through the logarithms (least squares), with its
95 % interval: 1 is proportional, below 1 something is shared.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from results_file import processor_share, write
from scipy import stats

LAYOUT = "32C3-MP2-64C3-MP2-128N"


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one process trains on."""

    images: int = 4_096
    side: int = 28
    channels: int = 1
    classes: int = 10
    batch: int = 256


GROWTHS: dict[str, tuple[int, ...]] = {
    "images": (1_024, 4_096, 16_384, 65_536),
    "side": (16, 32, 64, 128),
    "channels": (1, 3, 9, 27),
    "classes": (2, 10, 100, 1_000),
    "batch": (32, 128, 512, 2_048),
}


def measure_here(point: Point) -> dict[str, float]:
    """Return seconds per epoch and peak memory in bytes, in this process."""
    import resource

    from convscope.core.machine import tuned
    from convscope.core.precision import choose_precision
    from convscope.images.augmentation import Augmentation
    from convscope.networks.build import Network
    from convscope.networks.layout import Layout
    from convscope.training.history import EpochRecord
    from convscope.training.loop import Listener, run
    from convscope.training.recipe import Recipe
    from convscope.training.state import TrainingState
    from convscope.training.training_data import TrainingData

    class Clock(Listener):
        """Ends after an epoch that began warm."""

        times: tuple[float, ...] = ()

        def after_step(self, state: TrainingState, loss: float) -> bool:
            """Go on."""
            return True

        def after_epoch(self, state: TrainingState, record: EpochRecord) -> bool:
            """Go on once."""
            self.times += (time.perf_counter(),)
            return len(self.times) < 2

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rng = np.random.default_rng(0)
    shape = (point.images, point.side, point.side, point.channels)
    images = rng.integers(0, 256, shape, np.uint8)
    labels = np.arange(point.images) % point.classes
    layout = Layout.parse(LAYOUT)
    network = Network(layout, height=point.side, width=point.side, channels=point.channels, classes=point.classes)
    recipe = Recipe(epochs=2, batch=point.batch, precision=choose_precision("auto"), augmentation=Augmentation(shift=2))
    clock = Clock()
    with tuned():
        data = TrainingData.of_arrays(images, labels, classes=point.classes)
        run(TrainingState.begin(network, recipe, steps=10**6), data, recipe, clock, seed=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": clock.times[1] - clock.times[0], "memory_bytes": peak * 1024.0}


def exponent(sizes: list[int], costs: list[float]) -> dict[str, float]:
    """Return the slope through the logarithms and the half-width of its 95 % interval."""
    fit = stats.linregress(np.log(sizes), np.log(costs))
    half = float(stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr)
    return {"exponent": round(float(fit.slope), 3), "half_width_95": round(half, 3)}


def main() -> None:
    """Measure every point in a process of its own, fit, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--point", help="measure this one, as JSON, and print it")
    given = parser.parse_args()
    if given.point:
        print(json.dumps(measure_here(Point(**json.loads(given.point)))))
        return
    results: dict[str, Any] = {"processor_share_before": processor_share()}
    for name, sizes in GROWTHS.items():
        points = [replace(Point(), **{name: size}) for size in sizes]
        found = [
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--point", json.dumps(asdict(point))],
                    check=True, capture_output=True, text=True,
                ).stdout
            )
            for point in points
        ]  # fmt: skip
        results[name] = {
            "sizes": sizes,
            "seconds": [round(sample["seconds"], 4) for sample in found],
            "memory_bytes": [sample["memory_bytes"] for sample in found],
            "of_seconds": exponent(list(sizes), [sample["seconds"] for sample in found]),
            "of_memory": exponent(list(sizes), [sample["memory_bytes"] for sample in found]),
        }
        print(name, results[name], flush=True)
    print(write("growth", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
