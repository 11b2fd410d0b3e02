"""Shared, partly shared and locally connected units on MNIST: accuracy and seconds of an epoch, everything else equal.

    python benchmarks/locally_connected.py --data-dir FOLDER

Scope: `convscope train mnist --layout …` on all 60,000 training images in this process, one run each; the layouts
differ in their first stage alone. Seconds are those of training, without reading and the report.
"""

import argparse
import tempfile
from typing import Any

from results_file import processor_share, write
from sets import add_data_dir

import convscope

STAGES = ("32C5", "32U5:4", "32U5")
REST = "-MP2-64N"


def measure(data: str, stage: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return accuracy, parameters and seconds with this first stage."""
    share = processor_share()
    with tempfile.TemporaryDirectory() as folder:
        trained = convscope.train(data, layout=stage + REST, output=folder, force=True, **options)
    report = trained.report
    return {
        "layout": report.layout,
        "parameters_of_the_stage": trained.model.network.plan.layers[0].parameters,
        "accuracy": report.accuracy.fraction,
        "interval": list(report.accuracy.interval),
        "epochs": len(trained.history),
        "seconds": round(report.seconds, 1),
        "seconds_an_epoch": round(report.seconds / len(trained.history), 1),
        "processor_share_before": share,
    }


def main() -> None:
    """Measure every first stage, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--data", default="mnist")
    add_data_dir(parser)
    given = parser.parse_args()
    rows = []
    for stage in STAGES:
        rows.append(
            measure(given.data, stage, {"epochs": given.epochs, "context": convscope.Context(data_dir=given.data_dir)})
        )
        print(rows[-1], flush=True)
    print(write("locally-connected", __doc__.strip().splitlines()[0], {"rows": rows}))


if __name__ == "__main__":
    main()
