"""A folder of JPEG photographs: read, cached, first epoch done; beside ImageFolder and DataLoader; and the next start.

    python benchmarks/photographs.py [--images 20000] [--side 96] [--only-start]

Scope: photographs of about 500 × 375 pixels are made from crops and collages of the images that scikit-learn and
scikit-image bring along, ten classes, a tenth for the test. Both programs train the same network for one epoch on the
same files at the same size, with as many workers as cores, and evaluate the test images: whole commands, from their
start. convscope also writes the cache, the model and the report. `second` is its command again, for one epoch, with
the cache. `smaller_at_first` sees all images of this epoch at two thirds of their size (`--progressive-resizing 1`), as
a run of
many epochs does in its first ones: less work than the peer's, so that its figure stands beside and is not the one that
is wanted. A result of its own, photographs-start, says how long it takes until the images are there, at the first
start, which decodes and keeps them, and at the second, `import` not counted: that is the same for every set; with
--only-start this alone is measured. Beside seconds on the clock, which other programs disturb, stand those that
processors computed.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peer_environments import PROGRAMS, python_of, versions_of
from PIL import Image
from results_file import processor_share, write
from step import Case, description

from convscope.core.machine import machine
from convscope.networks.defaults import default_layout

CLASSES = 10
QUALITY = 90
BATCH = 64
READY = """
import sys, time
from pathlib import Path
from convscope.api import train
from convscope.core.context import Context
from convscope.options.train import TrainOptions
started = time.perf_counter()
options = TrainOptions(size=sys.argv[2], fit="crop")
train.prepare(sys.argv[1], options, Context(cache_dir=Path(sys.argv[3])))
print(time.perf_counter() - started)
"""


def originals() -> list[Image.Image]:
    """Return ten photographs that installed packages bring along, the sources of the classes."""
    import skimage
    import sklearn.datasets

    scikit_learn, scikit_image = (Path(str(package.__file__)).parent for package in (sklearn.datasets, skimage))
    paths = [scikit_learn / "images" / name for name in ("china.jpg", "flower.jpg")]
    names = (
        "astronaut.png coffee.png chelsea.png rocket.jpg motorcycle_left.png hubble_deep_field.jpg retina.jpg ihc.png"
    )
    paths += [scikit_image / "data" / name for name in names.split()]
    return [Image.open(path).convert("RGB") for path in paths]


def photographs(count: int) -> Iterator[tuple[int, Image.Image]]:
    """Give (class, photograph): a crop of the class's source, with a small part of another in it."""
    sources, rng = originals(), np.random.default_rng(0)
    for number in range(count):
        place = number % len(sources)
        size = int(rng.integers(440, 561)), int(rng.integers(330, 421))
        image = cropped(sources[place], size, rng)
        small = cropped(sources[int(rng.integers(len(sources)))], (size[0] // 4, size[1] // 4), rng)
        image.paste(small, (int(rng.integers(size[0] * 3 // 4)), int(rng.integers(size[1] * 3 // 4))))
        yield place, image


def cropped(source: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Return a random part of `source`, half to all of it, at `size`."""
    part = float(rng.uniform(0.5, 1.0))
    wide, tall = part * source.width, part * source.height
    left, top = rng.uniform(0, source.width - wide), rng.uniform(0, source.height - tall)
    return source.resize(size, Image.Resampling.BILINEAR, box=(left, top, left + wide, top + tall))


def write_folder(folder: Path, count: int) -> int:
    """Write train/ and test/ with one folder per class; return the bytes of all files."""
    written = 0
    for number, (place, image) in enumerate(photographs(count)):
        part = "test" if number // CLASSES % 10 == 9 else "train"
        path = folder / part / f"class {place}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, quality=QUALITY)
        written += path.stat().st_size
    return written


def processor_seconds() -> float:
    """Return the seconds that the processor has computed for all programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(
    folder: Path, scratch: Path, layout: str, side: int, name: str, *, progressive_resizing: bool, cold: bool
) -> dict[str, float]:
    """Run the whole command for one epoch; return its seconds and the accuracy that it reports."""
    run, cache = scratch / name, scratch / "cache"
    if cold:
        shutil.rmtree(cache, ignore_errors=True)
    command = [sys.executable, "-m", "convscope", "train", str(folder), "--size", str(side), "--fit", "crop"]
    command += ["--layout", layout, "--epochs", "1", "--batch", str(BATCH), "--cache-dir", str(cache)]
    command += ["--progressive-resizing", str(int(progressive_resizing))]
    started, before = time.perf_counter(), processor_seconds()
    subprocess.run([*command, "-o", str(run), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    computed = round(processor_seconds() - before, 2)
    return {"seconds": round(seconds, 2), "processor_seconds": computed, "accuracy": float(report["accuracy"])}


def starts(folder: Path, cache: Path, side: int) -> dict[str, float]:
    """Return the seconds until the images are there, with an empty cache and then with what that has left."""
    command = [sys.executable, "-c", READY, str(folder), str(side), str(cache)]
    seconds = []
    for _ in range(2):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.append(round(float(done.stdout.splitlines()[-1]), 3))
    return dict(zip(("first_start_seconds", "second_start_seconds"), seconds, strict=True))


def theirs(folder: Path, layout: str, side: int) -> dict[str, Any]:
    """Run the peer; return what it says and the seconds of the whole command."""
    case = Case(layout=layout, side=side, channels=3, batch=BATCH)
    given = description(case, "train", Path("none")) | {"folder": str(folder), "workers": machine().cores}
    started, before = time.perf_counter(), processor_seconds()
    command = [str(python_of("plain_torch")), str(PROGRAMS / "image_folder_torch.py"), json.dumps(given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=PROGRAMS)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    computed = round(processor_seconds() - before, 2)
    return found | {"command_seconds": round(time.perf_counter() - started, 2), "processor_seconds": computed}


def measure(folder: Path, size: int, images: int, side: int, scratch: Path) -> dict[str, Any]:
    """Return seconds of the first command, the second, and the peer, on the photographs in `folder`."""
    layout = str(default_layout(height=side, width=side, channels=3, images=images, flipped=True))
    first = ours(folder, scratch, layout, side, "first", progressive_resizing=False, cold=True)
    second = ours(folder, scratch, layout, side, "second", progressive_resizing=False, cold=False)
    peer = theirs(folder, layout, side)
    smaller = ours(folder, scratch, layout, side, "smaller", progressive_resizing=True, cold=True)
    return {
        "images": images, "bytes": size, "side": side, "layout": layout, "workers": machine().cores,
        "first": first, "second": second, "smaller_at_first": smaller,
        "peer": {"name": "image_folder_torch", "versions": versions_of("plain_torch"), **peer},
        "times_as_fast": round(peer["command_seconds"] / first["seconds"], 2),
        "times_as_fast_smaller_at_first": round(peer["command_seconds"] / smaller["seconds"], 2),
        "times_less_processor": round(peer["processor_seconds"] / first["processor_seconds"], 2),
    }  # fmt: skip


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--only-start", action="store_true")
    given = parser.parse_args()
    scope = __doc__.strip().splitlines()[0]
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONVSCOPE_SCRATCH")) as name:
        scratch, share = Path(name), processor_share()
        folder = scratch / "photographs"
        size = write_folder(folder, given.images)
        start = {"images": given.images, "bytes": size, "side": given.side}
        start |= starts(folder, scratch / "cache of starts", given.side)
        print(start, flush=True)
        print(write("photographs-start", scope, {"processor_share_before": share, **start}, timed=True))
        if given.only_start:
            return
        results = {"processor_share_before": share, **measure(folder, size, given.images, given.side, scratch)}
    results["processor_share_after"] = processor_share()
    print(
        {
            name: results[name]
            for name in (
                "first",
                "second",
                "smaller_at_first",
                "peer",
                "times_as_fast",
                "times_as_fast_smaller_at_first",
            )
        }
    )
    print(write("photographs", scope, results, timed=True))


if __name__ == "__main__":
    main()
