"""Write docs/layers/results.md from benchmarks/results/: measurements of layers, features and classifiers.

    python benchmarks/layers_page.py

Every number comes from a result file; what was not measured is left out.
"""

import argparse
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from convscope.core.text import counted

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
Found = dict[str, Any]


def percent(share: float, half: float | None = None) -> str:
    """Return a share in percent, with the half-width of its interval if there is one."""
    return f"{100 * share:.2f} %" + ("" if half is None else f" ± {100 * half:.2f}")


def points(found: Found) -> str:
    """Return a mean difference of shares with its interval, in points."""
    return f"{100 * found['mean']:+.2f} ± {100 * found.get('mean_95_half_width', 0):.2f}"


def mean_of(found: Found) -> str:
    """Return a mean over seeds with its interval."""
    return percent(found["mean"], found.get("mean_95_half_width"))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a table."""
    return ["", f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows), ""]


def one_unit(found: Found) -> list[str]:
    """Return the time of one unit at all positions, for some sides and patches."""
    shown = [row for row in found["rows"] if row["patch"] in (3, 15) and row["side"] in (16, 64, 256, 1024)]
    rows = []
    for row in shown:
        seconds = row["seconds"]
        times = [_milliseconds(seconds[way]) for way in WAYS]
        speedups = [f"{seconds['loop'] / seconds[way]:,.0f}" for way in ("product", "engine")]
        rows.append([f"{row['side']} × {row['side']}", f"{row['patch']} × {row['patch']}", *times, *speedups])
    worst = max(row["difference"] for row in found["rows"])
    head = ["image", "patch", "loop over patches", "matrix product", "engine", "loop / product", "loop / engine"]
    return [
        "## One unit at every position, in three ways",
        "",
        f"float64; all positions agree to {worst:.0e}.",
        *table(head, rows),
        *table(["time ~ size ^ exponent", *WAYS], [_growth(found["rows"], *columns) for columns in GROWTH]),
    ]


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds < 0.9995 else f"{1e3 * seconds:,.0f} ms"


WAYS = ("loop", "product", "engine")
STRAIGHT = 0.95  # least R² of a line whose slope is shown
GROWTH = (("side", "patch", 7, 64), ("patch", "side", 256, 3))


def _growth(rows: list[Found], grows: str, fixed: str, at: int, least: int) -> list[str]:
    """Return the exponents with which the time of each way grows with one size, the other held."""
    some = [row for row in rows if row[fixed] == at and row[grows] >= least]
    sizes = [math.log(row[grows]) for row in some]
    times = [[math.log(row["seconds"][way]) for row in some] for way in WAYS]
    name = f"{grows} from {some[0][grows]} to {some[-1][grows]}, {fixed} {at}"
    return [name, *(_exponent(sizes, fitted) for fitted in times)]


def _exponent(sizes: list[float], times: list[float]) -> str:
    """Return the slope of a straight line through logarithms with its R²; no slope where they are on none."""
    explained = statistics.correlation(sizes, times) ** 2
    if explained < STRAIGHT:
        return f"no straight line (R² {explained:.2f})"
    return f"{statistics.linear_regression(sizes, times).slope:.2f} (R² {explained:.3f})"


def elsewhere() -> list[str]:
    """Return links to the pages with other measurements."""
    return [
        "## Other pages",
        "",
        "- [Softmax or SVM, whitened, random or learned first stages](../results/learned.md)",
        "- [Which shifts by one pixel leave the output of each pooling unchanged](../results/shifts.md)",
    ]


def kmeans(found: Found) -> list[str]:
    """Return k-means features on CIFAR-10."""
    rows = []
    for row in found["rows"]:
        seconds = row["seconds"]
        parts = ", ".join(f"{name} {seconds[name]:.0f}" for name in ("clusters", "features", "svm"))
        low, high = row["interval"]
        cells = [
            f"{row['units']:,}",
            f"{row['values']:,}",
            percent(row["accuracy"]),
            f"{percent(low)} to {percent(high)}",
            percent(row["alone"]) if "alone" in row else "–",
        ]
        rows.append([*cells, f"{seconds['all']:.0f} s ({parts})", str(row["threads"]), f"{row['training_images']:,}"])
    head = ["clusters", "values", "accuracy", "95 % interval", "without flips", "seconds", "threads"]
    head.append("training images")
    last = found["rows"][-1]
    fits = 600 * last["units"] / last["seconds"]["all"]
    text = "Triangle activations summed over quadrants and a linear SVM; the decision values of a test image and "
    text += "of its horizontal flip are added. Time grows with the number of clusters: "
    text += f"about {round(fits, -2):,.0f} take 10 minutes on {counted(last['threads'], 'core')}."
    return ["## K-means features on CIFAR-10 (JPEG)", "", text, *table(head, rows)]


def mlp(found: Found) -> list[str]:
    """Return the error of a feed-forward network on pixels."""
    rows = [[way, mean_of(result["error"]), str(result["error"]["n"])] for way, result in found["ways"].items()]
    text = f"`{found['layout']}`, {found['epochs']} epochs."
    return ["## A feed-forward network on pixels, MNIST", "", text, *table(["recipe", "test error", "seeds"], rows)]


def by_hand(found: Found) -> list[str]:
    """Return hand-made features."""
    rows = []
    for row in found["rows"]:
        low, high = row["interval"]
        cells = [row["set"], row["features"], f"{row['values']:,}", row["classifier"], percent(row["accuracy"])]
        rows.append(
            [*cells, f"{percent(low)} to {percent(high)}", f"{row['feature_seconds']:.0f} + {row['fit_seconds']:.0f}"]
        )
    head = ["set", "features", "values", "classifier", "accuracy", "95 % interval", "seconds (features + fit)"]
    return [
        "## Hand-made features",
        "",
        "The README of Fashion-MNIST reports 92.6 % for HOG with an SVM.",
        *table(head, rows),
    ]


def speed(found: Found) -> list[str]:
    """Return the time of features relative to prediction."""
    rows = [["prediction", f"{found['seconds']['prediction']['median']:.1f} s", "1"]]
    for way, ratio in found["times_prediction"].items():
        rows.append([way, f"{found['seconds'][way]['median']:.1f} s", f"{ratio['median']:.2f}"])
    text = f"`{found['layout']}`, {found['images']:,} images."
    return [
        "## Time of features relative to prediction",
        "",
        text,
        *table(["work", "median", "times prediction"], rows),
    ]


def locally_connected(found: Found) -> list[str]:
    """Return weights shared by all positions, by regions and not at all."""
    rows = []
    for row in found["rows"]:
        low, high = row["interval"]
        cells = [f"`{row['layout']}`", f"{row['parameters_of_the_stage']:,}", percent(row["accuracy"])]
        rows.append([*cells, f"{percent(low)} to {percent(high)}", f"{row['seconds_an_epoch']:.0f} s"])
    head = ["layout", "parameters of the first stage", "accuracy", "95 % interval", "epoch"]
    text = f"All 60,000 training images of MNIST, {counted(found['rows'][0]['epochs'], 'epoch')}."
    return ["## Weight sharing: all, regions, none", "", text, *table(head, rows)]


PARTS: dict[str, Callable[[Found], list[str]]] = {
    "one-unit": one_unit,
    "locally-connected": locally_connected,
    "kmeans-cifar10": kmeans,
    "mlp-pixels": mlp,
    "hand-made": by_hand,
    "features-speed": speed,
}


def measured_on(found: Found) -> str:
    """Return on what a result was measured, and the command that repeats the measurement."""
    return f"Measured on {counted(found['cores'], 'core')} of {found['processor']}: `{found['command']}`."


def page() -> str:
    """Return the page."""
    paths = {name: RESULTS / f"{name}.json" for name in PARTS}
    results = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}
    lines = [
        "# Measurements of layers, features and classifiers",
        "",
        "Written by `benchmarks/layers_page.py` from `benchmarks/results/`. ± is the half-width of the 95 % confidence",
        "interval of the mean over seeds. Small layouts and parts of the datasets, where stated: for comparison, not "
        "records.",
        "Other programs ran on the same processor during some of the measurements, so seconds are upper bounds.",
    ]
    for name, found in results.items():
        lines += ["", *PARTS[name](found), measured_on(found)]
    lines += ["", *elsewhere()]
    text = "\n".join(lines) + "\n"
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=DOCS / "layers" / "results.md", help="output file")
    parser.parse_args().to.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
