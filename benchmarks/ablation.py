"""What each choice for the machine is ablation: training and prediction with all of them, and with one undone.

    python benchmarks/ablation.py [--rounds 3]

Scope: the steps of benchmarks/step.py, of convscope alone, in turn, each variant in a process of its own. `gain` is the
rate with all choices over the rate without the one, so that 1.10 means: it makes things a tenth faster. What
`convscope machine` shows is what is undone here, by the same option or environment variable.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from peer_environments import PROGRAMS, python_of
from results_file import processor_share, write
from step import CASES, Runner, description, save_weights

from convscope.core.machine import machine
from convscope.core.tunings import TUNINGS, WITHOUT

Variant = tuple[dict[str, Any], dict[str, str]]


def variants() -> dict[str, Variant]:
    """Return what differs from the choices of this machine, by name: words of the description, and the environment."""
    found: dict[str, Variant] = {"all choices": ({}, {})}
    if machine().bfloat16:
        found["precision"] = {"precision": "float32"}, {}
    if machine().cores > 1:
        found["threads"] = {"threads": 1}, {"OMP_NUM_THREADS": "1"}
    return found | {name: ({}, {WITHOUT: name}) for name in TUNINGS}


def measure(name: str, mode: str, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Return images a second and gain of every variant."""
    case = CASES[name]
    runners: dict[str, Runner] = {}
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights.npz"
        save_weights(case, weights)
        try:
            for variant, (words, environment) in variants().items():
                given = {**description(case, mode, weights), **words}
                resting = {} if "rest-threads" in environment.get(WITHOUT, "") else {"GOMP_SPINCOUNT": "10000"}
                process = subprocess.Popen(
                    [python_of("convscope_step"), PROGRAMS / "convscope_step.py", json.dumps(given)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROGRAMS,
                    env={**os.environ, **resting, **environment},
                )  # fmt: skip
                runners[variant] = Runner(name=variant, process=process)
                runners[variant].answer()
            samples: dict[str, list[float]] = {variant: [] for variant in runners}
            for _ in range(rounds):
                for variant, runner in runners.items():
                    samples[variant].append(runner.rate(seconds))
        finally:
            for runner in runners.values():
                runner.process.kill()
                runner.process.wait()
    rates = {variant: statistics.median(values) for variant, values in samples.items()}
    gains = {
        variant: round(rates["all choices"] / rate, 2) for variant, rate in rates.items() if variant != "all choices"
    }
    return {"images_per_second": {variant: round(rate, 1) for variant, rate in rates.items()}, "gain": gains}


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--name", default="ablation", help="of the file of results")
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share()}
    for name in given.cases:
        for mode in ("train", "predict"):
            found = measure(name, mode, rounds=given.rounds, seconds=given.seconds)
            results.setdefault(mode, {})[name] = found
            print(name, mode, found["gain"], flush=True)
    print(write(given.name, __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
