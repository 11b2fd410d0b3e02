"""Write docs/layers/results.md from benchmarks/results/: what was measured about stages, features and classifiers.

    python benchmarks/layers_page.py

Every figure on the page comes from a result file; what was not measured is left out.
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
    return ["", *("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]), ""]


def one_unit(found: Found) -> list[str]:
    """Return what computing the copied unit efficiently is ablation, for some sides and patches."""
    shown = [row for row in found["rows"] if row["patch"] in (3, 7, 15) and row["side"] in (16, 64, 256, 1024)]
    rows = []
    for row in shown:
        seconds = row["seconds"]
        times = [_milliseconds(seconds[way]) for way in WAYS]
        ablation = [f"{seconds['loop'] / seconds[way]:,.0f}" for way in ("product", "engine")]
        rows.append([f"{row['side']} × {row['side']}", f"{row['patch']} × {row['patch']}", *times, *ablation])
    worst = max(row["difference"] for row in found["rows"])
    head = ["image", "patch", "loop over patches", "one product", "engine", "loop / product", "loop / engine"]
    return [
        "## One unit at every place, in three ways",
        "",
        f"One unit, float64, all places. At every place the three agree to {worst:.0e} (asked for: 1e-9).",
        *table(head, rows),
        *table(["time ~ size ^ exponent", *WAYS], [_growth(found["rows"], *one) for one in GROWTH]),
    ]


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms" if seconds < 0.9995 else f"{1e3 * seconds:,.0f} ms"


WAYS = ("loop", "product", "engine")
WANTED_OF_CLUSTERS = 0.74
STRAIGHT = 0.95  # least R² of a line whose slope is told
GROWTH = (("side", "patch", 7, 64), ("patch", "side", 256, 3))


def _growth(rows: list[Found], grows: str, fixed: str, at: int, least: int) -> list[str]:
    """Return the exponents with which the time of each way grows with one size, the other held."""
    some = [row for row in rows if row[fixed] == at and row[grows] >= least]
    sizes = [math.log(row[grows]) for row in some]
    times = [[math.log(row["seconds"][way]) for row in some] for way in WAYS]
    name = f"{grows} from {some[0][grows]} to {some[-1][grows]}, {fixed} {at}"
    return [name, *(_exponent(sizes, one) for one in times)]


def _exponent(sizes: list[float], times: list[float]) -> str:
    """Return the slope of a straight line through logarithms with its R²; no slope where they are on none."""
    explained = statistics.correlation(sizes, times) ** 2
    if explained < STRAIGHT:
        return f"no straight line (R² {explained:.2f})"
    return f"{statistics.linear_regression(sizes, times).slope:.2f} (R² {explained:.3f})"


def elsewhere() -> list[str]:
    """Return which pages have what is not repeated here."""
    return [
        "## On other pages",
        "",
        "- Softmax or support vector machine; whitening, random and learned first stages, with differences and their",
        "  intervals: [softmax or SVM, random or learned](../results/learned.md)",
        "- Which shifts by one pixel change nothing behind each pooling: [shifts](../results/shifts.md)",
    ]


def kmeans(found: Found) -> list[str]:
    """Return k-means features on CIFAR-10."""
    rows = []
    for one in found["rows"]:
        seconds = one["seconds"]
        parts = ", ".join(f"{name} {seconds[name]:.0f}" for name in ("clusters", "features", "svm"))
        low, high = one["interval"]
        cells = [
            f"{one['units']:,}",
            f"{one['values']:,}",
            percent(one["accuracy"]),
            f"{percent(low)} to {percent(high)}",
            percent(one["alone"]) if "alone" in one else "–",
        ]
        rows.append([*cells, f"{seconds['all']:.0f} s ({parts})", str(one["threads"]), f"{one['training_images']:,}"])
    head = ["clusters", "values", "accuracy", "95 % interval", "without flipped images", "seconds", "threads"]
    head.append("training images")
    last = found["rows"][-1]
    verdict = "reached" if last["accuracy"] >= WANTED_OF_CLUSTERS else "not reached"
    text = "Triangle answers summed over quadrants, linear SVM; the scores of a test image are those of it and of its "
    text += "flipped image, added (`benchmarks/kmeans_cifar10.py`). Asked for: "
    text += f"{WANTED_OF_CLUSTERS:.0%}, {verdict}."
    fits = 600 * last["units"] / last["seconds"]["all"]
    text += f" All parts grow with the number of clusters: at the last rate about {round(fits, -2):,.0f} fit 10 minutes"
    text += f" on {counted(last['threads'], 'core')}."
    return ["## K-means features on CIFAR-10 (JPEG)", "", text, *table(head, rows)]


def mlp(found: Found) -> list[str]:
    """Return the error of a feed-forward network on pixels."""
    rows = [[way, mean_of(one["error"]), str(one["error"]["n"])] for way, one in found["ways"].items()]
    text = f"`{found['layout']}`, {found['epochs']} epochs. Asked for: at most {percent(found['most_error'])}."
    return ["## A feed-forward network on pixels, MNIST", "", text, *table(["recipe", "test error", "seeds"], rows)]


def by_hand(found: Found) -> list[str]:
    """Return hand-made features."""
    rows = []
    for one in found["rows"]:
        low, high = one["interval"]
        cells = [one["set"], one["features"], f"{one['values']:,}", one["classifier"], percent(one["accuracy"])]
        rows.append(
            [*cells, f"{percent(low)} to {percent(high)}", f"{one['feature_seconds']:.0f} + {one['fit_seconds']:.0f}"]
        )
    head = ["set", "features", "values", "classifier", "accuracy", "95 % interval", "seconds (features + fit)"]
    return [
        "## Hand-made features",
        "",
        "HOG with an SVM on Fashion-MNIST is asked for with at least 90 %. The set's README has 92.6 %, unaudited.",
        *table(head, rows),
    ]


def speed(found: Found) -> list[str]:
    """Return what features cost beside prediction."""
    rows = [["prediction", f"{found['seconds']['prediction']['median']:.1f} s", "1"]]
    for way, ratio in found["times_prediction"].items():
        rows.append([way, f"{found['seconds'][way]['median']:.1f} s", f"{ratio['median']:.2f}"])
    most = f"{found['most_times_prediction']:g}"
    text = f"`{found['layout']}`, {found['images']:,} images. Asked for: at most {most} times."
    return ["## Features beside prediction", "", text, *table(["what", "median", "times prediction"], rows)]


def locally_connected(found: Found) -> list[str]:
    """Return shared, partly shared and locally connected units."""
    rows = []
    for one in found["rows"]:
        low, high = one["interval"]
        cells = [f"`{one['layout']}`", f"{one['parameters_of_the_stage']:,}", percent(one["accuracy"])]
        rows.append([*cells, f"{percent(low)} to {percent(high)}", f"{one['seconds_an_epoch']:.0f} s"])
    head = ["layout", "parameters of the first stage", "accuracy", "95 % interval", "an epoch"]
    text = f"All 60,000 training images of MNIST, epochs: {found['rows'][0]['epochs']}."
    return ["## Shared, partly shared, locally connected", "", text, *table(head, rows)]


PARTS: dict[str, Callable[[Found], list[str]]] = {
    "one-unit": one_unit,
    "locally-connected": locally_connected,
    "kmeans-cifar10": kmeans,
    "mlp-pixels": mlp,
    "hand-made": by_hand,
    "features-speed": speed,
}


def measured_on(found: Found) -> str:
    """Return the sentence that says where a result comes from."""
    shares = shares_in(found)
    shared = f" A process that never waits was given {statistics.median(shares):.0%} of a core." if shares else ""
    where = f"{counted(found['cores'], 'core')} of {found['processor']}"
    return f"`{found['command']}` at `{found['commit']}`, {where}.{shared}"


def shares_in(found: Any) -> list[float]:
    """Return every part of a core that was measured beside a result, wherever it stands in it."""
    if isinstance(found, dict):
        here = [one for key, value in found.items() if key.startswith("processor_share") for one in _several(value)]
        return here + [one for value in found.values() for one in shares_in(value)]
    return [one for value in found for one in shares_in(value)] if isinstance(found, list) else []


def _several(value: Any) -> list[float]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, float)]


def _clock(results: list[Found]) -> str:
    """Return what seconds on this page are, if it was measured beside any of its results."""
    shares = [one for found in results for one in shares_in(found)]
    if not shares:
        return ""
    low, high = f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}"
    between = f"{low} %" if low == high else f"{low} to {high} %"
    return (
        "Seconds are those of the clock: where it was measured, a process that never waits was given "
        f"{between} of a core."
    )


def page() -> str:
    """Return the page."""
    lines = ["# What was measured about stages, features and classifiers", ""]
    lines += [
        "Written by `benchmarks/layers_page.py` from `benchmarks/results/`. ± is the half-width of the 95 % interval of"
    ]
    paths = {name: RESULTS / f"{name}.json" for name in PARTS}
    results = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}
    lines += ["the mean over seeds. Small layouts and parts of the sets where it says so: for comparing, no records."]
    lines += [_clock([*results.values()])]
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
    parser.add_argument("--to", type=Path, default=DOCS / "layers" / "results.md", help="the page")
    parser.parse_args().to.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
