"""Why convolution and pooling work, on three sets: variants of a network, and the sensitivity of their layers.

    python benchmarks/why_it_works.py mnist fashion-mnist cifar10 --data-dir FOLDER --work FOLDER

Scope: `convscope.compare` on 5,000 training images of each set, four passes, five seeds, one small network,
`8C5-MP2-16C3-MP2-64N`: enough to tell kinds apart, far from the accuracy that a set allows. Evaluation on 2,000
images, 400 of them distorted, too. Then the sensitivity of the
convolutional network and of fully connected units with as many parameters for a shift of 2 px, and how selective its
units are, after as many epochs of 3,000 training images, with five seeds. What is done already is in the
--work folder and is not done again.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results_file import spread, write

import convscope
from convscope.core.context import Context
from convscope.core.records import to_json
from convscope.images.dataset import prepare
from convscope.images.sources.opening import TRAIN, open_source
from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.networks.variants import fully_connected_like

LAYOUT, EPOCHS, SEEDS, SHIFT_PX = "8C5-MP2-16C3-MP2-64N", 4, 5, 2
IMAGES, SENSITIVITY_IMAGES = 5_000, 3_000
_SHARING = ("convolution", "mlp-parameters", "convolution-distorted", "mlp-distorted")
_POOLINGS = ("max", "mean", "subset", "root-mean-square", "stochastic", "blurred-subset")
_WAYS = (*(f"pooling-{kind}" for kind in _POOLINGS), "stride")
SETS: dict[str, tuple[str, ...]] = {
    "mnist": (*_SHARING, "no-pooling-mean", *_WAYS),
    "fashion-mnist": (*_SHARING, "no-pooling-mean", *_WAYS),
    "cifar10": (*_SHARING, *_WAYS),
}
"""Variants, by set."""


def compared(name: str, data: str, data_dir: Path, work: Path) -> dict[str, Any]:
    """Return the comparison of a set as JSON."""
    done = convscope.compare(
        data,
        variants=SETS[name],
        epochs=EPOCHS,
        seeds=SEEDS,
        layout=LAYOUT,
        images=IMAGES,
        test_images=2_000,
        distorted=400,
        output=work / name,
        force=True,
        context=Context(data_dir=data_dir),
    )
    found: dict[str, Any] = to_json(done.comparison)
    return found


def sensitivities(images: tuple[NDArray[np.uint8], NDArray[np.int64]], pixels: dict[str, Any]) -> dict[str, Any]:
    """Return what each step makes of a shift, and how selective its units are, mean over seeds with 95 % intervals."""
    base = Layout.parse(LAYOUT)
    layouts = {
        "convolution": base,
        "mlp-parameters": fully_connected_like(plan(base, **pixels), lambda planned: planned.parameters),
    }
    found: dict[str, Any] = {}
    for kind, layout in layouts.items():
        rows: dict[str, list[dict[str, float | None]]] = {}
        for seed in range(SEEDS):
            for step, values in _one(images, str(layout), seed).items():
                rows.setdefault(step, []).append(values)
        found[kind] = {"layout": str(layout), "steps": {step: _over(samples) for step, samples in rows.items()}}
    return found


def _one(
    images: tuple[NDArray[np.uint8], NDArray[np.int64]], layout: str, seed: int
) -> dict[str, dict[str, float | None]]:
    options: dict[str, Any] = {"shift": 0, "flip": False, "epochs": EPOCHS, "seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        trained = convscope.train(images, layout=layout, output=folder, force=True, **options)
    moved = convscope.measure(
        trained.model, images, distortions=["shift-x"], strengths=[SHIFT_PX], images=200, seed=seed
    )
    units = convscope.units(trained.model, images, ablation=0, probes=False, top=1, seed=seed)
    rows: dict[str, dict[str, float | None]] = {}
    for place, (name, step) in enumerate(zip(moved.layers, moved.curves[0].points[0].layers, strict=True), start=1):
        rows[f"{place}: {name}"] = {"changed": step.changed, "residual": step.residual, "moved": step.moved}
    for layer, chance in zip(units.units.layers, units.random, strict=True):
        key = f"{layer.layer}: {layer.name}"
        rows[key] |= {"selectivity": layer.mean_selectivity, "selectivity_random": chance}
    if units.gabor_fits:
        first = f"1: {moved.layers[0]}"
        rows[first]["gabor"] = float(np.mean([fit.explained for fit in units.gabor_fits]))
        rows[first]["gabor_random"] = float(np.mean([fit.explained for fit in units.random_gabor_fits]))
    return rows


def _over(samples: list[dict[str, float | None]]) -> dict[str, Any]:
    """Return the spread of each value over the seeds; None where it has no meaning."""
    names = dict.fromkeys(name for sample in samples for name in sample)
    found = {}
    for name in names:
        known = [value for sample in samples if (value := sample.get(name)) is not None]
        found[name] = spread(known) if known else None
    return found


def first_images(data: str, data_dir: Path, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return training images of a set and their classes, drawn by seed 0."""
    dataset = prepare(open_source(data, data_dir=data_dir))
    places = np.sort(np.random.default_rng(0).permutation(dataset.indices(TRAIN))[:count])
    return np.asarray(dataset.images[places]), dataset.labels[places]


def main() -> None:
    """Compare, measure the sensitivity, write the result of each set."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sets", nargs="+", choices=list(SETS))
    options.add_argument("--data-dir", type=Path, required=True, help="where the sets are; cifar10/ unpacked")
    options.add_argument("--work", type=Path, required=True, help="where trainings that are done stand")
    given = options.parse_args()
    for name in given.sets:
        data = str(given.data_dir / name) if name == "cifar10" else name
        comparison = compared(name, data, given.data_dir, given.work)
        images, labels = first_images(data, given.data_dir, SENSITIVITY_IMAGES)
        height, width, channels = images.shape[1:]
        pixels: dict[str, Any] = {
            "height": height,
            "width": width,
            "channels": channels,
            "classes": comparison["classes"],
        }
        comparison["data"] = name
        result = {
            "shift_px": SHIFT_PX,
            "comparison": comparison,
            "sensitivity": sensitivities((images, labels), pixels),
        }
        print(write(f"why-it-works-{name}", __doc__.strip().splitlines()[0], result))
        print(json.dumps({result["variant"]: len(result["runs"]) for result in comparison["variants"]}))


if __name__ == "__main__":
    main()
