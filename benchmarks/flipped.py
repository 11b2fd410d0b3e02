"""What the flipped image adds: how often trained networks are right without and with `convscope predict --tta`.

    python benchmarks/flipped.py fashion-mnist=runs/f0 fashion-mnist=runs/f1 cifar10=runs/cifar10 --data-dir FOLDER

Each set goes with run folders or model files that `convscope train` made of it, with flipped images; nothing is trained
here. All test images, the same for both ways. The gain of an image is the mean over the networks of one recipe,
layout and number of epochs; the interval is that of the mean gain of images. `times_the_seconds` is of prediction
from memory, in turn, once.
FOLDER is as for `sets.load`.
"""

import argparse
import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results_file import spread, write
from sets import Parts, add_data_dir, load

from convscope.core.machine import tuned
from convscope.networks.inference import FlipTTA
from convscope.networks.model import Model
from convscope.networks.model_file import read_model
from convscope.networks.prediction import Predictor


def measure(models: Sequence[Model], parts: Parts) -> dict[str, Any]:
    """Return accuracies without and with flipped images, and the gain, on the test images of a set."""
    correct: dict[bool, list[NDArray[np.bool_]]] = {False: [], True: []}
    seconds = [0.0, 0.0]
    for model in models:
        for tta, ones in correct.items():
            used: Predictor = FlipTTA(model=model) if tta else model
            started = time.perf_counter()
            ones.append(used.predict_proba(parts.test).argmax(1) == parts.test_labels)
            seconds[tta] += time.perf_counter() - started
    plain, flipped = correct.values()
    gain = np.mean(flipped, axis=0) - np.mean(plain, axis=0)
    recipe = models[0].training["recipe"]
    return {
        "layout": models[0].title,
        "recipe": models[0].training["settings"]["recipe"],
        "epochs": recipe["epochs"],
        "seeds": [model.training["settings"]["seed"] for model in models],
        "images": len(gain),
        "plain": [round(float(values.mean()), 4) for values in plain],
        "flipped": [round(float(values.mean()), 4) for values in flipped],
        "gain": {name: round(value, 6) for name, value in spread(gain.tolist()).items()},
        "times_the_seconds": round(seconds[1] / seconds[0], 2),
    }


def check(model: Model, name: str) -> None:
    """End the program where a model has learned something else than the set, or not from flipped images."""
    learned = Path(model.training["settings"]["data"]).name
    if learned != name:
        raise SystemExit(f"The run for {name} must have learned from it. Got one of {learned!r}.")
    if not model.learned_flipped:
        raise SystemExit(f"The run for {name} must have learned from flipped images. Got one that has not.")


def main() -> None:
    """Measure the runs that were named and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="SET=RUN")
    add_data_dir(parser)
    given = parser.parse_args()
    models: dict[tuple[str, ...], list[Model]] = {}
    for name, _, run in (text.partition("=") for text in given.runs):
        model = read_model(Path(run))
        check(model, name)
        recipe, epochs = model.training["settings"]["recipe"], str(model.training["recipe"]["epochs"])
        models.setdefault((name, recipe, model.title, epochs), []).append(model)
    parts_of = functools.cache(functools.partial(load, data_dir=given.data_dir.resolve()))
    rows = []
    for (name, recipe, *_), ones in models.items():
        with tuned():
            measured = measure(ones, parts_of(name))
        gain, found = (
            measured["gain"],
            f"{np.mean(measured['plain']):.2%}, flipped too {np.mean(measured['flipped']):.2%}",
        )
        print(f"{name} {recipe} {found}: {gain['mean']:+.2%} ± {gain['mean_95_half_width']:.2%}", flush=True)
        rows.append({"set": name, **measured})
    write("flipped", __doc__.strip().splitlines()[0], {"rows": rows})


if __name__ == "__main__":
    main()
