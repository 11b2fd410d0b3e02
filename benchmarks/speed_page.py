"""Write docs/speed.md and its pictures from the results of step.py, race.py and ablation.py.

    python benchmarks/speed_page.py

Every figure on the page comes from benchmarks/results/; what was not measured is left out.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
NAMES = {
    "convscope_step": "convscope",
    "plain_torch": "PyTorch, plain script",
    "keras_tensorflow": "Keras (TensorFlow)",
    "plain_jax": "JAX",
    "onnx_runtime": "ONNX Runtime",
    "open_vino": "OpenVINO",
    "ceiling": "the products alone",
}
OURS, OTHERS, LIMIT = "#0072b2", "#999999", "#e69f00"  # told apart without colour too: by their names
TRAIN_WANTED = {"plain_torch": 2.5, "keras_tensorflow": 2.0, "ceiling": 0.8}
PREDICT_WANTED = {"plain_torch": 5.0, "open_vino": 1.0}


def result(name: str) -> dict[str, Any] | None:
    """Return a result, or None where it was not measured."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def measured_on(found: dict[str, Any]) -> str:
    """Return the sentence that says where a result comes from."""
    return (
        f"Measured at `{found['commit']}` on {found['cores']} cores of {found['processor']} with PyTorch "
        f"{found['versions']['torch'].split('+')[0]}: `{found['command']}`."
    )


def worded(program: str) -> str:
    """Return a program and its precision in words."""
    name, precision = program.split()
    return f"{NAMES[name]}, {precision}"


def bars(found: dict[str, Any], mode: str, docs: Path) -> str:
    """Draw images a second of every program, one panel a network; return the picture's name."""
    cases = found[mode]
    figure = Figure(figsize=(9, 2.6 * len(cases)), layout="constrained")
    for place, (name, rates) in enumerate(cases.items(), start=1):
        axes = figure.add_subplot(len(cases), 1, place)
        speeds = dict(sorted(rates["images_per_second"].items(), key=lambda item: item[1], reverse=True))
        colours = [OURS if "convscope" in program else LIMIT if "ceiling" in program else OTHERS for program in speeds]
        drawn = axes.barh([worded(program) for program in speeds], list(speeds.values()), color=colours)
        axes.bar_label(drawn, [f"{speed:,.0f}" for speed in speeds.values()], padding=3, fontsize=8)
        axes.set_title(f"{name}: {found['cases'][name]['layout']}", fontsize=9, loc="left")
        axes.set_xlabel("images a second")
        axes.margins(x=0.12)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    picture = f"speed-{mode}.svg"
    figure.savefig(docs / "assets" / picture, metadata={"Date": None}, facecolor="white")
    return picture


def step_part(found: dict[str, Any], mode: str, wanted: dict[str, float], docs: Path) -> list[str]:
    """Return the lines about one step: the picture, and how many times as fast as each peer."""
    word = {"train": "Training", "predict": "Prediction"}[mode]
    lines = ["", f"## {word}, one step", "", f"![{word}: images a second](assets/{bars(found, mode, docs)})", ""]
    lines += [f"How many times as fast convscope is (wanted: {goals(wanted)}):", ""]
    programs = list(next(iter(found[mode].values()))["images_per_second"])
    head = [worded(program) for program in programs if not program.startswith("convscope")]
    lines += ["| network | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for name, case in found[mode].items():
        ratios = case["convscope_is_times_as_fast"]
        cells = [f"{ratios[program]:.2f}" for program in programs if not program.startswith("convscope")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if mode == "predict":
        agreed = [case["agreement"]["convscope_step bfloat16"] for case in found[mode].values()]
        lines += ["", f"In bfloat16, {min(agreed):.1%} to {max(agreed):.1%} of a batch get the class of plain PyTorch."]
        lines += ["Networks are not trained here: their classes are nearly tied, the hardest case for rounding."]
    return lines


def goals(wanted: dict[str, float]) -> str:
    """Return the targets in words."""
    return ", ".join(f"{NAMES[program]} {times:g}" for program, times in wanted.items())


def race_part() -> list[str]:
    """Return the lines about time to an accuracy."""
    races = [found for path in sorted(RESULTS.glob("race-*.json")) if (found := result(path.stem))]
    if not races:
        return []
    lines = ["", "## Time to an accuracy", "", "The whole command, from its start to the model on disk; test pictures."]
    lines += ["", "| command | wanted | reached, mean ± 95 % | seeds | seconds, median | warm | peer |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for found in races:
        limit = f" in {found['most_seconds']:g} s" if found["most_seconds"] else ""
        cells = [
            f"`{found['raced']}`",
            f"{found['accuracy_wanted']:.2%}{limit}",
            f"{found['accuracy']['mean']:.2%} ± {found['accuracy'].get('mean_95_half_width', 0):.2%}",
            str(found["accuracy"]["n"]),
            f"{found['seconds']['median']:.1f}",
            f"{found['warm_seconds']:.1f}",
            peer_words(found),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *sorted({measured_on(found) for found in races})]


def peer_words(found: dict[str, Any]) -> str:
    """Return what the peer of a race did, and which part of its time ours is."""
    if "peer" not in found:
        return "–"
    theirs = found["peer"]
    part = 1 / found["part_of_peer"]
    return f"{theirs['name']}: {theirs['command_seconds']:.0f} s, {theirs['accuracy']:.2%}; ours 1/{part:.0f}"


def ablation_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about what each choice is worth."""
    lines = ["", "## What each choice for the machine is worth", ""]
    lines += ["Rate with all choices ÷ rate without the one; `convscope machine` shows them and how to undo each.", ""]
    columns = [(mode, name) for mode in ("train", "predict") for name in found[mode]]
    lines += [
        "| choice | " + " | ".join(f"{mode}, {name}" for mode, name in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for choice in found["train"][columns[0][1]]["gain"]:
        cells = [f"{found[mode][name]['gain'][choice]:.2f}" for mode, name in columns]
        lines.append(f"| {choice} | " + " | ".join(cells) + " |")
    return [*lines, "", measured_on(found)]


def growth_part(found: dict[str, Any], docs: Path) -> list[str]:
    """Return the lines about growth: exponents, and a picture of the points."""
    names = [name for name, value in found.items() if isinstance(value, dict) and "of_seconds" in value]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2)
    markers = "osD^v"
    for panel, key, label in ((axes[0], "seconds", "seconds an epoch"), (axes[1], "memory_bytes", "memory, bytes")):
        for name, marker in zip(names, markers, strict=True):
            relative = [size / found[name]["sizes"][0] for size in found[name]["sizes"]]
            panel.loglog(relative, found[name][key], marker=marker, label=name)
        panel.set_xlabel("times the smallest")
        panel.set_ylabel(label)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].legend(fontsize=8, frameon=False)
    figure.savefig(docs / "assets" / "speed-growth.svg", metadata={"Date": None}, facecolor="white")
    lines = ["", "## How cost grows", "", "![Time and memory against size](assets/speed-growth.svg)", ""]
    lines += ["Cost ~ size ^ exponent, one thing growing at a time (`32C3-MP2-64C3-MP2-128N`).", ""]
    lines += ["| what grows | from … to | exponent of time | exponent of memory |", "|---|---|---|---|"]
    for name in names:
        one = found[name]
        cells = [f"{one[key]['exponent']:.2f} ± {one[key]['half_width_95']:.2f}" for key in ("of_seconds", "of_memory")]
        lines.append(f"| {name} | {one['sizes'][0]:,} … {one['sizes'][-1]:,} | {' | '.join(cells)} |")
    return [*lines, "", measured_on(found)]


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=DOCS, help="folder of the page")
    docs = parser.parse_args().to
    mpl.rcParams["svg.hashsalt"] = "convscope"
    (docs / "assets").mkdir(exist_ok=True)
    lines = [
        "# How fast",
        "",
        "Written by `benchmarks/speed_page.py` from `benchmarks/results/`. Ratios are those of one run on one machine.",
    ]
    if found := result("step"):
        lines += step_part(found, "train", TRAIN_WANTED, docs)
        lines += step_part(found, "predict", PREDICT_WANTED, docs)
        lines += ["", measured_on(found)]
    lines += race_part()
    if found := result("growth"):
        lines += growth_part(found, docs)
    if found := result("ablation"):
        lines += ablation_part(found)
    (docs / "speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
