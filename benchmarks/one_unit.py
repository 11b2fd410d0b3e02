"""What "in an efficient way" is ablation: one hidden unit at every place of an image, computed in three ways.

    python benchmarks/one_unit.py

Scope: `convscope.layers.convolve` on float64 noise of one channel, one unit, valid places, in this one process: the
loop over patches, all patches unfolded to one matrix product, and the engine's convolution. Each way is repeated for
at least 0.2 s and the shortest time kept. The three answers are compared: they must agree to 1e-9.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from results_file import write

from convscope.layers import convolve
from convscope.layers.unit import Values, Way

SIDES = (8, 16, 32, 64, 128, 256, 512, 1024)
PATCHES = (3, 5, 7, 11, 15)
WAYS: tuple[Way, ...] = ("loop", "product", "engine")


def timed(work: Callable[[], Values], *, seconds: float = 0.2) -> tuple[Values, float]:
    """Return what `work` gives, and its shortest time in seconds, repeated until `seconds` are over."""
    times: list[float] = []
    while True:
        started = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - started)
        if sum(times) >= seconds:
            return answer, min(times)


def measure(sides: Sequence[int] = SIDES, patches: Sequence[int] = PATCHES) -> list[dict[str, Any]]:
    """Return the times of every side with every patch that fits it; print a table."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for way in WAYS:  # what each loads when it is first called is not its time
        convolve(rng.normal(size=(3, 3)), rng.normal(size=(5, 5)), by=way)
    print(f"{'image':>6} {'patch':>6} " + " ".join(f"{way:>12}" for way in WAYS) + "  loop/product  product/engine")
    for side, patch in itertools.product(sides, patches):
        if patch > side:
            continue
        image, unit = rng.normal(size=(side, side)), rng.normal(size=(patch, patch))
        found = {way: timed(partial(convolve, unit, image, by=way)) for way in WAYS}
        oracle, seconds = found["loop"][0], {way: result[1] for way, result in found.items()}
        difference = max(float(np.abs(answer - oracle).max()) for answer, _ in found.values())
        if difference > 1e-9:
            raise SystemExit(f"the ways differ by {difference} at {side} and {patch}")
        rows.append({"side": side, "patch": patch, "difference": difference, "seconds": seconds})
        ratios = seconds["loop"] / seconds["product"], seconds["product"] / seconds["engine"]
        times = " ".join(f"{1e6 * seconds[way]:>9,.0f} µs" for way in WAYS)
        print(f"{side:>6} {patch:>6} {times}  {ratios[0]:>12.1f}  {ratios[1]:>14.1f}", flush=True)
    return rows


def main() -> None:
    """Measure, write the result."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(write("one-unit", __doc__.strip().splitlines()[0], {"rows": measure()}))


if __name__ == "__main__":
    main()
