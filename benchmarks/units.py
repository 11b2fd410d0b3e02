"""What it takes to say what units respond to and what each is ablation, and what it comes to on Fashion-MNIST.

    python benchmarks/units.py pass worth --data-dir FOLDER

Scope, `pass`: `measure_units` alone, with its top patches, over the first 50,000 training images of CIFAR-10 (read
before, 32 x 32 in color), in one pass, on all cores, by a network `32C5-MP2-64C3-MP2-128N` with random weights; and
over the first 10,000, to see whether memory grows. Each in a process of its own. `peak_megabytes` is the most memory
that the process ever had, the libraries (`before_megabytes`) and the images themselves included.
Scope, `ablation`: the default network for Fashion-MNIST, trained for `--epochs`; then every unit of it switched off in
turn, on all 10,000 test images and on the 1,000 that the command takes; then the whole command
`convscope measure RUN fashion-mnist --what units`, with what it says of each step.
FOLDER holds cifar10/ (or a cifar10-jpeg.tar, unpacked) with train/, and fashion-mnist/ (IDX files).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results_file import processor_share, write

from convscope.core.context import Context

LAYOUT = "32C5-MP2-64C3-MP2-128N"
IMAGES = (10_000, 50_000)


def one_pass(folder: Path, images: int) -> dict[str, Any]:
    """Return seconds and memory of one pass over so many images, in this process."""
    from convscope.core.machine import tuned
    from convscope.images.dataset import prepare
    from convscope.images.preprocessing import Preprocessing
    from convscope.images.sizes import ImageOptions
    from convscope.images.sources.opening import open_source
    from convscope.measures.units.measuring import measure_units
    from convscope.networks.build import Network
    from convscope.networks.layout import Layout
    from convscope.networks.model import Model

    dataset = prepare(open_source(folder), ImageOptions(size=(32, 32)))
    some = np.sort(np.random.default_rng(0).permutation(len(dataset))[:images])
    pixels, labels = np.ascontiguousarray(dataset.images[some]), dataset.labels[some]
    layout = Layout.parse(LAYOUT)
    network = Network(layout, height=32, width=32, channels=3, classes=len(dataset.classes), seed=0).eval()
    step = Preprocessing(height=32, width=32, channels=3)
    model = Model(network=network, classes=dataset.classes, preprocessing=step)
    with tuned():
        measure_units(model, pixels[:256], labels=labels[:256])  # warms up
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.perf_counter()
        found = measure_units(model, pixels, labels=labels)
        seconds = time.perf_counter() - started
    if found.images != images or not all(unit.top for step in found.layers for unit in step.units if unit.largest > 0):
        raise AssertionError
    return {
        "images": images,
        "seconds": round(seconds, 2),
        "images_per_second": round(images / seconds),
        "units": sum(len(step.units) for step in found.layers),
        "images_megabytes": round(pixels.nbytes / 2**20, 1),
        "before_megabytes": round(before, 1),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def in_process(folder: Path, images: int) -> dict[str, Any]:
    """Return the same from a process of its own."""
    command = [sys.executable, __file__, "one", "--folder", str(folder), "--images", str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def ablation(data_dir: Path, epochs: int) -> dict[str, Any]:
    """Return how long all units of the default network take, and what is said of each step."""
    import convscope
    from convscope.core.machine import tuned
    from convscope.features.extraction import images_for
    from convscope.images.sources.opening import open_source
    from convscope.measures.units.ablation import measure_ablation

    with tempfile.TemporaryDirectory() as scratch:
        trained = convscope.train(
            "fashion-mnist", epochs=epochs, context=Context(data_dir=data_dir), output=Path(scratch) / "run", seed=0
        )
        model = convscope.load(trained.folder.path)
        dataset = images_for(model, open_source("fashion-mnist", data_dir=data_dir))
        places = dataset.indices(dataset.evaluation_split)
        pixels, labels = dataset.images[places], dataset.labels[places]
        seconds, found = {}, measure_ablation(model, pixels[:64], labels[:64])  # warms up
        for count in (1_000, len(places)):
            with tuned():
                started = time.perf_counter()
                found = measure_ablation(model, pixels[:count], labels[:count])
                seconds[f"{count}_images"] = round(time.perf_counter() - started, 2)
        started = time.perf_counter()
        report = convscope.units(trained.folder.path, "fashion-mnist", context=Context(data_dir=data_dir))
        whole = time.perf_counter() - started
    return {
        "layout": model.title,
        "epochs": epochs,
        "accuracy": found.accuracy.fraction,
        "units": sum(len(step.units) for step in found.layers),
        "seconds_all_units_off": seconds,
        "seconds_whole_command": round(whole, 2),
        "steps": [
            {
                "step": step.name,
                "field": step.field_rows.size,
                "selectivity": round(step.mean_selectivity or 0, 3),
                "selectivity_random": None if chance is None else round(chance, 3),
                "largest_loss": round(max(found.loss(unit) for unit in lost.units), 4),
            }
            for step, chance, lost in zip(report.units.layers, report.random, found.layers, strict=True)
        ],
        "gabor": round(float(np.mean([fit.explained for fit in report.gabor_fits])), 3),
        "gabor_random": round(float(np.mean([fit.explained for fit in report.random_gabor_fits])), 3),
        "probes": [{"stage": probe.stage, "accuracy": round(probe.accuracy.fraction, 4)} for probe in report.probes],
    }


def main() -> None:
    """Measure, print, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["pass", "ablation", "one"])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="of the images, for one")
    parser.add_argument("--images", type=int, default=IMAGES[0], help="for one")
    given = parser.parse_args()
    if given.parts == ["one"]:
        print(json.dumps(one_pass(given.folder, given.images)))
        return
    scope = __doc__.strip().splitlines()[0]
    if "pass" in given.parts:
        share = processor_share()
        folder = given.data_dir / "cifar10" / "train"
        results = [in_process(folder, images) for images in IMAGES]
        print(results)
        print(write("units-pass", scope, {"layout": LAYOUT, "processor_share_before": share, "passes": results}))
    if "ablation" in given.parts:
        found = {"processor_share_before": processor_share(), **ablation(given.data_dir, given.epochs)}
        print(found)
        print(write("units-worth", scope, found))


if __name__ == "__main__":
    main()
