"""What the mirror image adds: how often a trained network is right without and with `convscope predict --mirror`.

    python benchmarks/mirrored.py fashion-mnist=runs/fashion cifar10=runs/cifar10 --data-dir FOLDER

Each set goes with a run folder or model file that `convscope train` made of it, with mirror images: seed and epochs are
read from it. All test pictures, the same for both ways; the interval is that of the difference, paired by picture.
FOLDER is as for `sets.load`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from results_file import spread, write
from sets import Parts, add_data_dir, load

from convscope.networks.model import Model
from convscope.verbs.predict import made_ready


def measure(model: Model, parts: Parts) -> dict[str, Any]:
    """Return accuracy without and with mirror images, and the difference, on the test pictures of a set."""
    ways = {"plain": model, "mirrored": made_ready(model, mirror=True)}
    right = {name: used.predict_proba(parts.test).argmax(1) == parts.test_labels for name, used in ways.items()}
    gain = right["mirrored"].astype(np.float64) - right["plain"]
    return {
        "layout": str(model.layout),
        "seed": model.training["settings"]["seed"],
        "recipe": model.training["settings"]["recipe"],
        "epochs": model.training["recipe"]["epochs"],
        "learned_mirrored": model.training["recipe"]["augmentation"]["flip"],
        "pictures": len(gain),
        **{name: round(float(one.mean()), 4) for name, one in right.items()},
        "gain": {name: round(value, 5) for name, value in spread(gain.tolist()).items()},
    }


def main() -> None:
    """Measure the runs that were named and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="SET=RUN")
    add_data_dir(parser)
    given = parser.parse_args()
    sets = {}
    for name, _, run in (one.partition("=") for one in given.runs):
        sets[name] = measure(Model.load(Path(run)), load(name, given.data_dir.resolve()))
        one, gain = sets[name], sets[name]["gain"]
        found = f"{one['plain']:.2%}, mirrored too {one['mirrored']:.2%}"
        print(f"{name:14} {found}: {gain['mean']:+.2%} ± {gain['mean_95_half_width']:.2%}", flush=True)
    write("mirrored", __doc__.strip().splitlines()[0], {"sets": sets})


if __name__ == "__main__":
    main()
