"""Write docs/speed.md and its figures from the results of the speed benchmarks, for each class of processors.

    python benchmarks/speed_page.py

Every number comes from benchmarks/results/; what was not measured is left out.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from convscope.core.text import counted

HERE = Path(__file__).parent
RESULTS, DOCS = HERE / "results", HERE.parent / "docs"
NAMES = {
    "convscope_step": "convscope",
    "plain_torch": "PyTorch, plain script",
    "keras_tensorflow": "Keras (TensorFlow)",
    "plain_jax": "JAX",
    "onnx_runtime": "ONNX Runtime",
    "open_vino": "OpenVINO",
    "ceiling": "matrix products alone",
}
OURS, OTHERS, LIMIT = "#0072b2", "#999999", "#e69f00"  # the names distinguish them without color too
CASES = {"middle": "medium"}  # names of networks in the results, in the words of the page


CLASSES = {"": "Native bfloat16 (AVX-512 BF16 or AMX)", "-avx512": "AVX-512, float32", "-avx2": "AVX2, float32"}
"""Classes of processors, by the ends of the names of their results (results_file.machine_class)."""


def result(name: str) -> dict[str, Any] | None:
    """Return a result, or None where it was not measured."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found


def measured_on(found: dict[str, Any]) -> str:
    """Return the command of a result and on what it was measured."""
    return f"`{found['command']}`, {counted(found['cores'], 'core')} of {found['processor']}."


def worded(program: str) -> str:
    """Return a program and its precision in words."""
    name, precision = program.split()
    return f"{NAMES[name]}, {precision}"


def bars(found: dict[str, Any], mode: str, docs: Path, kind: str) -> str:
    """Draw images per second of every program, one panel per network; return the name of the figure."""
    cases = found[mode]
    figure = Figure(figsize=(9, 2.6 * len(cases)), layout="constrained")
    for index, (name, rates) in enumerate(cases.items(), start=1):
        axes = figure.add_subplot(len(cases), 1, index)
        speeds = dict(sorted(rates["images_per_second"].items(), key=lambda item: item[1], reverse=True))
        colors = [OURS if "convscope" in program else LIMIT if "ceiling" in program else OTHERS for program in speeds]
        drawn = axes.barh([worded(program) for program in speeds], list(speeds.values()), color=colors)
        axes.bar_label(drawn, [f"{speed:,.0f}" for speed in speeds.values()], padding=3, fontsize=8)
        axes.set_title(f"{CASES.get(name, name)}: {found['cases'][name]['layout']}", fontsize=9, loc="left")
        axes.set_xlabel("images per second")
        axes.margins(x=0.12)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    image = f"speed-{mode}{kind}.svg"
    figure.savefig(docs / "assets" / image, metadata={"Date": None}, facecolor="white")
    return image


def step_part(found: dict[str, Any], mode: str, docs: Path, kind: str) -> list[str]:
    """Return the lines about one step: a figure, and the speed relative to each peer."""
    word = {"train": "Training", "predict": "Prediction"}[mode]
    image = bars(found, mode, docs, kind)
    lines = ["", f"### {word}, one step", "", f"![{word}: images per second](assets/{image})", ""]
    if found.get("clock") == "processor":
        lines += ["Images per second of processor time, one thread each.", ""]
    lines += ["Speed of convscope divided by that of:", ""]
    programs = list(next(iter(found[mode].values()))["images_per_second"])
    head = [worded(program) for program in programs if not program.startswith("convscope")]
    lines += ["| network | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for name, case in found[mode].items():
        ratios = case["convscope_is_times_as_fast"]
        cells = [f"{ratios[program]:.2f}" for program in programs if not program.startswith("convscope")]
        lines.append(f"| {CASES.get(name, name)} | " + " | ".join(cells) + " |")
    if mode == "predict":
        own = [name for name in programs if name.startswith("convscope_step")][-1]
        agreed = [case["agreement"][own] for case in found[mode].values()]
        lines += [
            "",
            f"In {own.split()[1]}, {min(agreed):.1%} to {max(agreed):.1%} of a batch get the class of PyTorch in",
        ]
        lines += ["float32. The networks are untrained: their logits are nearly tied, the hardest case for rounding."]
    return lines


def class_of(name: str) -> str:
    """Return the class of processors in the name of a result."""
    return next((kind for kind in CLASSES if kind and name.endswith(kind)), "")


def race_part(kind: str) -> list[str]:
    """Return the lines about time to an accuracy."""
    names = [path.stem for path in sorted(RESULTS.glob("race-*.json"))]
    races = [found for name in names if class_of(name) == kind and (found := result(name))]
    if not races:
        return []
    lines = ["", "### Time to an accuracy", ""]
    lines += ["The whole command, from its start to the model on disk, with a cold cache; accuracy on test images."]
    if any("cifar10" in found["raced"] for found in races):
        lines += ["`cifar10/` is a folder with the images of CIFAR-10 as JPEG files."]
    lines += [""]
    head = ["command", "epochs", "accuracy ± 95 %", "seeds", "seconds, median", "peer"]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for found in races:
        cells = [
            f"`{folder_words(found['raced'])}`",
            str(found["samples"][0]["epochs"]),
            reached_words(found["accuracy"]),
            str(found["accuracy"]["n"]),
            f"{found['seconds']['median']:.1f}",
            peer_words(found),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    command = {"command": "python benchmarks/race.py --races NAME --data-dir FOLDER"}
    return [*lines, "", measured_on(races[0] | command)]


def folder_words(command: str) -> str:
    """Return a command in which the dataset that is a folder, not a named one, reads as a folder."""
    return re.sub(r"\bcifar10\b(?!/)", "cifar10/", command)


def reached_words(accuracy: dict[str, float]) -> str:
    """Return the mean accuracy with its interval; one seed alone has none."""
    half = accuracy.get("mean_95_half_width")
    return f"{accuracy['mean']:.2%}" + ("" if half is None else f" ± {half:.2%}")


def peer_words(found: dict[str, Any]) -> str:
    """Return time and accuracy of the peer of a race, and the ratio of the times."""
    if "peer" not in found:
        return "–"
    theirs = found["peer"]
    times = 1 / found["part_of_peer"]
    return f"{theirs['name']}: {theirs['command_seconds']:.0f} s, {theirs['accuracy']:.2%}; {times:.0f} times as long"


def ablation_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about the effect of each choice for the processor."""
    lines = ["", "### Effect of each choice for the processor", ""]
    lines += [
        "Speed with all choices divided by speed without one; `convscope machine` lists them, and how to disable each.",
        "",
    ]
    columns = [(mode, name) for mode in ("train", "predict") for name in found[mode]]
    lines += [
        "| choice | " + " | ".join(f"{mode}, {CASES.get(name, name)}" for mode, name in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for choice in found["train"][columns[0][1]]["gain"]:
        cells = [f"{found[mode][name]['gain'][choice]:.2f}" for mode, name in columns]
        lines.append(f"| {choice} | " + " | ".join(cells) + " |")
    return [*lines, "", measured_on(found)]


def growth_part(found: dict[str, Any], docs: Path, kind: str) -> list[str]:
    """Return the lines about growth: exponents, and a figure of the points."""
    names = [name for name, value in found.items() if isinstance(value, dict) and "of_seconds" in value]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2)
    markers = "osD^v"
    for panel, key, label in ((axes[0], "seconds", "seconds per epoch"), (axes[1], "memory_bytes", "memory, bytes")):
        for name, marker in zip(names, markers, strict=True):
            relative = [size / found[name]["sizes"][0] for size in found[name]["sizes"]]
            panel.loglog(relative, found[name][key], marker=marker, label=name)
        panel.set_xlabel("times the smallest")
        panel.set_ylabel(label)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0].legend(fontsize=8, frameon=False)
    image = f"speed-growth{kind}.svg"
    figure.savefig(docs / "assets" / image, metadata={"Date": None}, facecolor="white")
    lines = ["", "### How cost grows", "", f"![Time and memory against size](assets/{image})", ""]
    lines += ["Cost ~ size ^ exponent, for one size at a time (`32C3-MP2-64C3-MP2-128N`).", ""]
    lines += ["| size | from … to | exponent of time | exponent of memory |", "|---|---|---|---|"]
    for name in names:
        scaling = found[name]
        cells = [
            f"{scaling[key]['exponent']:.2f} ± {scaling[key]['half_width_95']:.2f}"
            for key in ("of_seconds", "of_memory")
        ]
        lines.append(f"| {name} | {scaling['sizes'][0]:,} … {scaling['sizes'][-1]:,} | {' | '.join(cells)} |")
    return [*lines, "", measured_on(found)]


def backends_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about other back ends and int8."""
    lines = ["", "### Prediction by other back ends and in 8 bits", ""]
    lines += [
        "All test images, from uint8 in memory to probabilities; models of `convscope train DATA --recipe quick`.",
        "",
    ]
    if found.get("clock") == "processor":
        lines += ["Images per second of processor time, one thread.", ""]
    lines += ["| dataset | back end | images per second | × torch float32 | accuracy | same class as torch float32 |"]
    lines += ["|---|---|---|---|---|---|"]
    for name, dataset in found["sets"].items():
        for way, rate in dataset["images_per_second"].items():
            cells = [name, way, f"{rate:,.0f}", f"{dataset['times_torch_float32'][way]:.2f}"]
            cells += [f"{dataset['accuracy'][way]:.2%}", f"{dataset['agreement'][way]:.2%}"]
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", measured_on(found)]


def photographs_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about a folder of photographs."""
    first, second, peer = found["first"], found["second"], found["peer"]
    size = found["bytes"] / found["images"] / 1000
    lines = ["", "### A folder of photographs", ""]
    lines += [
        f"{found['images']:,} JPEG photographs of about 500 × 375 pixels ({size:.0f} kB) at {found['side']} pixels:"
    ]
    lines += [f"one epoch of `{found['layout']}` and the test, {found['workers']} workers; whole commands.", ""]
    lines += ["| program | seconds | processor seconds | test accuracy |", "|---|---|---|---|"]
    for name, measured, seconds in (
        ("convscope, first start", first, first["seconds"]),
        ("convscope, second start", second, second["seconds"]),
        ("ImageFolder and DataLoader", peer, peer["command_seconds"]),
    ):
        lines.append(f"| {name} | {seconds:.1f} | {measured['processor_seconds']:.1f} | {measured['accuracy']:.1%} |")
    lines += ["", f"The first start is {found['times_as_fast']:.2f} times as fast, with"]
    lines += [f"{1 / found['times_less_processor']:.0%} of the processor seconds."]
    if smaller := found.get("smaller_at_first"):
        lines += [
            "With progressive resizing, the first epochs see images at two thirds of their size:",
            f"one such epoch takes {smaller['seconds']:.1f} s ({found['times_as_fast_smaller_at_first']:.2f} times as "
            "fast).",
        ]
    return [*lines, "", measured_on(found)]


def photographs_start_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about the time until the photographs of a folder are decoded."""
    lines = ["", "### Time to the first batch", ""]
    lines += [
        f"{found['images']:,} JPEG photographs are decoded and cached after {found['first_start_seconds']:.0f} s; at "
        "the",
        f"second start they are available after {found['second_start_seconds']:.2f} s, without imports.",
    ]
    return [*lines, "", measured_on(found)]


def airbench_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about CIFAR-10 beside the recipe of airbench94_muon."""
    equal = found["equal_seconds"]
    lines = ["", "### CIFAR-10: convscope and the recipe of airbench94_muon", ""]
    lines += [f"{equal['minutes']:g} minutes each on this processor, including reading.", ""]
    lines += ["| program | test accuracy | epochs | seconds per epoch |", "|---|---|---|---|"]
    for name in ("convscope", "recipe"):
        measured = equal[name]
        lines.append(
            f"| {name} | {measured['accuracy']:.2%} | {measured['epochs']:.2f} | {measured['seconds_an_epoch']:.1f} |"
        )
    return [*lines, "", measured_on(found)]


def minutes_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about time budgets."""
    cases = [
        f"`{folder_words(sample['data'])} --minutes {sample['minutes']:g}` {sample['seconds']:.1f} s"
        for sample in found["samples"]
    ]
    return ["", "### Time budgets", "", f"Whole commands: {', '.join(cases)}.", "", measured_on(found)]


def startup_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about start-up."""
    lines = ["", "### Start-up", "", "| command | seconds, median |", "|---|---|"]
    for name, measured in found.items():
        if isinstance(measured, dict) and "seconds" in measured:
            lines.append(f"| `{name}` | {measured['seconds']['median']:.2f} |")
    return [*lines, "", measured_on(found)]


def flipped_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about test-time augmentation."""
    lines = ["", "## Test-time augmentation", ""]
    lines += ["`convscope predict --tta` on all test images; ± is the 95 % interval of the mean gain over images.", ""]
    head = ["dataset", "recipe", "epochs", "networks", "accuracy", "with `--tta`", "gain, points", "× the seconds"]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in found["rows"]:
        gain = f"{100 * row['gain']['mean']:+.2f} ± {100 * row['gain']['mean_95_half_width']:.2f}"
        accuracies = [f"{fmean(row[way]):.2%}" for way in ("plain", "flipped")]
        cells = [row["set"], row["recipe"], str(row["epochs"]), str(len(row["seeds"])), *accuracies, gain]
        lines.append(f"| {' | '.join([*cells, str(row['times_the_seconds'])])} |")
    return [*lines, "", measured_on(found)]


def look_part(found: dict[str, Any]) -> list[str]:
    """Return the lines about the explorer page."""
    engines = ("TensorFlow.js, cpu", "TensorFlow.js, wasm", "ONNX Runtime Web, wasm")
    lines = ["", "## The explorer page", ""]
    lines += [
        "Headless Chromium; default networks, opened from disk. A frame is the forward pass of the whole network and "
        "drawing",
        "all its maps, while a slider moves. Forward is the network alone on one thread; the last three columns are "
        "the times",
        "of other engines in the same page, divided by it (their files are megabytes, the engine of the page is part "
        "of it).",
        "",
    ]
    head = ["network", "file, MB", "written, s", "first image, ms", "frame, ms", "forward, ms", *engines]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, case in found["cases"].items():
        cells = [f"{name}: `{case['layout']}`", f"{case['file_bytes'] / 1e6:.1f}", f"{case['look_seconds']:.1f}"]
        cells += [f"{case[key]['median']:.0f}" for key in ("first_image_ms", "frame_ms")]
        own = case["forward_ms"]["convscope"]["mean"]
        cells += [f"{own:.2f}", *(f"{case['forward_ms'][engine]['mean'] / own:.1f}" for engine in engines)]
        lines.append(f"| {' | '.join(cells)} |")
    if "fluid" in found:
        lines += ["", f"Larger networks and images: {fluid_words(found['fluid'])}", ""]
        lines += ["| network | pixels | MACs, millions | file, MB | first image, ms | frame, ms |"]
        lines += ["|---|---|---|---|---|---|"]
        for case in _growing(found["fluid"]):
            cells = [f"`{case['layout']}`", str(case["side"]), f"{case['macs'] / 1e6:,.0f}"]
            cells += [f"{case['file_bytes'] / 1e6:.1f}"]
            cells += [f"{case[key]['median']:.0f}" for key in ("first_image_ms", "frame_ms")]
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", measured_on(found)]


def _growing(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each network with more MACs than all smaller images or networks before it."""
    return [case for index, case in enumerate(found) if all(case["macs"] > other["macs"] for other in found[:index])]


def fluid_words(found: list[dict[str, Any]]) -> str:
    """Return the largest network with at least 10 frames per second."""
    fluid = [case for case in found if case["frame_ms"]["median"] <= 100]
    if not fluid:
        return "none of these has 10 frames per second."
    largest = max(fluid, key=lambda case: case["macs"])
    return (
        f"the largest of these with 10 frames per second has {largest['macs'] / 1e6:,.0f} million MACs per image, "
        f"at {1000 / largest['frame_ms']['median']:.0f} frames per second."
    )


def class_part(kind: str, docs: Path) -> list[str]:
    """Return all measurements on one class of processors, with a heading; nothing if there are none."""
    lines: list[str] = []
    if found := result(f"step{kind}"):
        for mode in ("train", "predict"):
            lines += step_part(found, mode, docs, kind) if mode in found else []
        lines += ["", measured_on(found)]
    lines += race_part(kind)
    parts = {
        "airbench": airbench_part, "photographs": photographs_part,
        "photographs-start": photographs_start_part, "backends": backends_part, "minutes": minutes_part,
        "startup": startup_part, "growth": lambda found: growth_part(found, docs, kind), "ablation": ablation_part,
    }  # fmt: skip
    for name, part in parts.items():
        if found := result(f"{name}{kind}"):
            lines += part(found)
    return ["", f"## {CLASSES[kind]}", *_machine_once(lines)] if lines else []


def _machine_once(lines: list[str]) -> list[str]:
    """Return the lines of a part with the machine of most of its measurements at the head."""
    machines = Counter(found[0] for line in lines if (found := re.findall(r"`, (\d+ cores? of .+)\.$", line)))
    if not machines:
        return lines
    usual = machines.most_common(1)[0][0]
    return ["", f"{usual}, unless stated.", *(line.removesuffix(f", {usual}.") for line in lines)]


def _torch_versions() -> set[str]:
    names = [f"{name}{kind}" for name in ("step", "startup", "growth") for kind in CLASSES]
    return {found["versions"]["torch"].split("+")[0] for name in names if (found := result(name))}


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=DOCS, help="output folder")
    docs = parser.parse_args().to
    mpl.rcParams["svg.hashsalt"] = "convscope"
    (docs / "assets").mkdir(exist_ok=True)
    lines = [
        "# Speed",
        "",
        "Written by `benchmarks/speed_page.py` from `benchmarks/results/`, one part per class of processors. Ratios "
        "compare",
        "programs on one machine, side by side. Defaults may have changed since a measurement. "
        f"PyTorch {', '.join(sorted(_torch_versions()))}.",
    ]
    for kind in CLASSES:
        lines += class_part(kind, docs)
    if found := result("flipped"):
        lines += flipped_part(found)
    if found := result("page"):
        lines += look_part(found)
    (docs / "speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(docs / "speed.md")


if __name__ == "__main__":
    main()
