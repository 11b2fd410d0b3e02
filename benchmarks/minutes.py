"""How exactly `convscope train --minutes B` ends: seconds of the whole command over those asked for.

    python benchmarks/minutes.py [--data digits mnist cifar10] [--minutes 0.5 1] --data-dir FOLDER

Scope: whole commands on a cold cache of images, from their start to model and report on disk. `off` is the part by
which the command took longer (+) or less (−) than B; wanted: at most 3 parts in 100 either way. The images of
cifar10 are seen smaller at first, so that its steps become slower on the way. FOLDER holds mnist/ (IDX files) and
cifar10-jpeg.tar.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from accuracy import Task, measure, unpacked
from results_file import processor_share, write

WANTED = 0.03


def run(data: str, minutes: float, data_dir: Path, scratch: Path) -> dict[str, Any]:
    """Return how long a command with this budget took, what it reached, and by how much it missed."""
    task = Task(data=data, options=("--minutes", str(minutes)), least_accuracy=0.0)
    images = str(unpacked(data_dir, scratch)) if data == "cifar10" else data
    found = measure(task, images, 0, data_dir, scratch, reference=False)
    off = found["seconds"] / (60 * minutes) - 1
    return {"data": data, "minutes": minutes, "off": round(off, 4), "within": abs(off) <= WANTED, **found}


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits", "mnist", "cifar10"])
    parser.add_argument("--minutes", nargs="+", type=float, default=[0.5, 1.0])
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("CONVSCOPE_DATA", ".")))
    given = parser.parse_args()
    results: dict[str, Any] = {"processor_share_before": processor_share(), "off_wanted": WANTED, "samples": []}
    with tempfile.TemporaryDirectory() as scratch:
        for data in given.data:
            for minutes in given.minutes:
                found = run(data, minutes, given.data_dir.resolve(), Path(scratch))
                results["samples"].append(found)
                print(f"{data:14} {minutes:g} min: {found['seconds']:.1f} s, off by {found['off']:+.1%}", flush=True)
    print(write("minutes", __doc__.strip().splitlines()[0], results, timed=True))


if __name__ == "__main__":
    main()
