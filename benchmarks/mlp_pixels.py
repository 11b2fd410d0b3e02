"""A feed-forward network on the pixels of MNIST, one hidden layer of 500 units: its error on the test images.

    python benchmarks/mlp_pixels.py --data-dir FOLDER

Scope: `convscope train mnist --layout 500N` on all 60,000 training images, in this process, with the default recipe
(shifted images) and with --shift 0 (the images as they are, as in the tutorial whose network has 1.65 % error).
"""

import argparse
import tempfile
from typing import Any

from results_file import processor_share, spread, write
from sets import add_data_dir

import convscope
from convscope.core.context import Context

MOST_ERROR = 0.0165
WAYS: dict[str, dict[str, Any]] = {"default recipe": {}, "images as they are": {"shift": 0}}


def main() -> None:
    """Train each way with every seed, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--layout", default="500N")
    parser.add_argument("--data", default="mnist")
    add_data_dir(parser)
    given = parser.parse_args()
    ways: dict[str, Any] = {}
    for way, options in WAYS.items():
        samples = []
        for seed in range(given.seeds):
            share = processor_share()
            with tempfile.TemporaryDirectory() as folder:
                trained = convscope.train(
                    given.data, layout=given.layout, epochs=given.epochs, seed=seed,
                    context=Context(data_dir=given.data_dir), output=folder, force=True, **options,
                )  # fmt: skip
            report = trained.report
            samples.append({"seed": seed, "error": 1 - report.accuracy.fraction, "seconds": round(report.seconds, 1)})
            samples[-1] |= {"images": report.images, "processor_share_before": share}
            print(way, samples[-1], flush=True)
        ways[way] = {"error": spread([sample["error"] for sample in samples]), "samples": samples}
    settings = {"layout": given.layout, "epochs": given.epochs, "most_error": MOST_ERROR}
    print(write("mlp-pixels", __doc__.strip().splitlines()[0], {**settings, "ways": ways}))


if __name__ == "__main__":
    main()
