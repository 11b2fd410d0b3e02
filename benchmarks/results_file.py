"""Results of benchmarks: every sample, with what it takes to get them again, written by programs only."""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "numpy", "pillow", "scikit-learn")


def surroundings() -> dict[str, Any]:
    """Return commit, command, date, versions and machine."""
    from convscope import __version__
    from convscope.core.machine import machine

    here = machine()
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=RESULTS.parent, check=False
    )
    return {
        "commit": commit.stdout.strip() or "unknown",
        "command": "python benchmarks/" + " ".join([Path(sys.argv[0]).name, *map(_anywhere, sys.argv[1:])]),
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "versions": {"convscope": __version__} | {package: version(package) for package in PACKAGES},
        "processor": here.processor,
        "cores": here.cores,
        "bfloat16": here.bfloat16,
        "system": platform.system(),
    }


def told_by_set(found: dict[str, Any], told: Callable[[dict[str, Any]], str]) -> list[str]:
    """Return `told` of the run that measured each dataset of a result, with the datasets of the run.

    If a dataset does not record its run, only the last run that wrote the file is known.
    """
    lines: dict[str, list[str]] = {}
    for name, result in found["sets"].items():
        line = told(result) if "command" in result else f"Not recorded; last run: {told(found)}"
        lines.setdefault(line, []).append(name)
    return [f"{line.removesuffix('.')} ({', '.join(names)})" for line, names in lines.items()]


def _anywhere(argument: str) -> str:
    """Return an argument as it can be given on any machine: a path of this one becomes FOLDER, behind NAME=, too."""
    if Path(argument).is_absolute():
        return "FOLDER"
    name, _, path = argument.partition("=")
    return f"{name}=FOLDER" if Path(path).is_absolute() else argument


def processor_share(seconds: float = 2.0) -> float:
    """Return the part of the time, 0…1, for which the machine lets one process that never waits run.

    On a virtual machine that shares its processor with others, seconds on the clock are longer than seconds of work;
    this says by how much, just then: gaps of more than 2 ms between two looks at the clock count as lost.
    """
    started = last = time.perf_counter()
    lost = 0.0
    while last - started < seconds:
        now = time.perf_counter()
        lost += now - last if now - last > 0.002 else 0.0
        last = now
    return round(1 - lost / (last - started), 3)


def spread(samples: list[float]) -> dict[str, float]:
    """Return median, quartiles, mean and, from two samples on, the half-width of the 95 % interval of the mean."""
    ordered = sorted(samples)
    result = {"n": len(ordered), "mean": statistics.fmean(ordered), "median": statistics.median(ordered)}
    if len(ordered) >= 2:
        from scipy.stats import t

        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        error = statistics.stdev(ordered) / len(ordered) ** 0.5
        half = float(t.ppf(0.975, len(ordered) - 1)) * error
        result |= {"lower_quartile": low, "upper_quartile": high, "mean_95_half_width": half}
    return result


def machine_class() -> str:
    """Return what is put behind the names of results: nothing where bfloat16 is native, else the widest vectors.

    A processor without native bfloat16 computes in float32, and its results say nothing of those of the others.
    """
    from convscope.core.machine import machine, processor_flags

    if machine().bfloat16:
        return ""
    flags = processor_flags()
    return next((f"-{name}" for name, flag in {"avx512": "avx512f", "avx2": "avx2"}.items() if flag in flags), "-other")


def write(name: str, scope: str, results: dict[str, Any], *, timed: bool = False) -> Path:
    """Write ``results/<name>.json``, with the class of the machine in its name if `timed`; return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}{machine_class() if timed else ''}.json"
    path.write_text(json.dumps({"scope": scope, **surroundings(), **results}, indent=2) + "\n", encoding="utf-8")
    return path
