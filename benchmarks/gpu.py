"""On a machine with a GPU: accuracy after given minutes, beside airbench's recipe; images and positions a second.

    python benchmarks/gpu.py --data-dir FOLDER [--sets cifar10 mnist fashion-mnist] [--seconds 480] [--copy-to FOLDER]

Scope: whole commands with --device cuda, reading included, a cold cache; the accuracy is that on the test images. The
targets are 94 % (CIFAR-10), 99.5 % (MNIST) and 94 % (Fashion-MNIST). CIFAR-10 comes three times: the recipe of
airbench94_muon (peers/airbench_recipe.py, 8 epochs, on the same GPU), convscope for as long as that command took, and
convscope for its minutes. Seconds of training begin when the images are read; the first steps, in which libraries
choose their kernels, count. Predictions are of 4,096 random images in memory, again and again, from the processor's
memory and back; scanned is a random image, tile by tile. The result is written after each part, so that a run that is
cut has what it measured; a part that fails says why. With --dry-run every part is done at its smallest, on --device,
and nothing is written.
FOLDER holds cifar10-jpeg.tar and mnist/ (IDX files); Fashion-MNIST is found where its Debian package puts it.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from accuracy import unpacked
from airbench import EPOCHS, recipe
from results_file import write

TARGETS = {"cifar10": (0.94, 3.0), "mnist": (0.995, 0.5), "fashion-mnist": (0.94, 1.5)}  # accuracy, minutes
SCANNED = "24C5v-MP2-48C3v-MP2-192N"
_OVERHEAD_S = 20.0  # of a command beside its minutes: torch, CUDA, reading, writing


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all parts share.

    Attributes:
        data_dir: folder of the sets; scratch: of runs and cache.
        device: what computes.
        end_s: on the clock of `time.monotonic`, when the run is cut.
        tiny: every part at its smallest.
    """

    data_dir: Path
    scratch: Path
    device: Literal["cpu", "cuda", "mps"]
    end_s: float
    tiny: bool

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return self.end_s - time.monotonic()

    def run(self, name: str) -> Path:
        """Return the run folder of a set."""
        return self.scratch / f"run-{name}"

    def source(self, name: str) -> str:
        """Return what a set is named by."""
        return str(unpacked(self.data_dir, self.scratch)) if name == "cifar10" else name

    def trained(self, name: str, minutes: float) -> dict[str, Any]:
        """Return what a training of so many minutes gives."""
        minutes = 0.02 if self.tiny else minutes
        if self.left_s < 60 * minutes + _OVERHEAD_S and not self.tiny:
            raise TimeoutError(f"{self.left_s:.0f} seconds were left")
        words = ["train", self.source(name), "--data-dir", str(self.data_dir), "--device", self.device, "--json"]
        words += ["--cache-dir", str(self.scratch / "cache"), "--minutes", str(minutes), "--recipe", "best", "--quiet"]
        words += ["-o", str(self.run(name)), "--force"]
        shutil.rmtree(self.scratch / "cache", ignore_errors=True)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "convscope", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=self.left_s,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        found = json.loads(done.stdout)
        return {
            "accuracy": found["accuracy"],
            "target": TARGETS[name][0],
            "epochs": found["epochs"],
            "layout": found["layout"],
            "training_seconds": round(found["seconds"], 2),
            "command_seconds": round(time.perf_counter() - started, 2),
        }

    def peer(self) -> dict[str, Any]:
        """Return what the recipe of airbench94_muon gives on the same device."""
        folder = unpacked(self.data_dir, self.scratch)
        return recipe(
            folder, epochs=EPOCHS, seconds=1.0 if self.tiny else None, device=self.device, timeout_s=self.left_s
        )

    def predicted(self, name: str) -> dict[str, float]:
        """Return images a second of prediction with the network that was trained on a set."""
        from convscope.api.load import load

        model = load(self.run(name)).optimize("auto", device=self.device)
        made, count = model.preprocessing, 64 if self.tiny else 4_096
        shape = (count, made.height, made.width, made.channels)
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        model.predict_proba(images, batch=count)
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < (0.01 if self.tiny else 5.0):
            model.predict_proba(images, batch=count)  # its result is on the processor: the GPU has finished
            done += count
        return {"images_per_second": round(done / (time.perf_counter() - started))}

    def scanned(self) -> dict[str, float]:
        """Return positions a second of a scan, and how far they are from single windows."""
        import convscope
        from convscope.images.preprocessing import Preprocessing
        from convscope.networks.build import Network
        from convscope.networks.layout import Layout
        from convscope.networks.model import Model

        network = Network(Layout.parse(SCANNED), height=32, width=32, channels=1, classes=10).eval()
        preprocessing = Preprocessing(height=32, width=32, channels=1)
        model = Model(network=network, classes=tuple("0123456789"), preprocessing=preprocessing)
        side = 64 if self.tiny else 4_096
        image = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
        output = self.scratch / "maps.tif"
        receipt = convscope.scan(model, image, scale=1, device=self.device, output=output, check=100).receipt
        return {
            "positions_per_second": round(receipt.computed / receipt.seconds),
            "difference": receipt.check.difference,
            "allowed": receipt.check.allowed,
        }


def parts(bench: Bench, sets: list[str], found: dict[str, Any]) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Give the parts in the order of their worth; each may read what was found before."""
    for name in sets:
        minutes = TARGETS[name][1]
        if name == "cifar10":
            yield "airbench recipe", bench.peer
            peer_s = found["airbench recipe"].get("command_seconds")
            if peer_s is not None:
                yield "cifar10 in the recipe's seconds", partial(bench.trained, name, peer_s / 60)
        yield name, partial(bench.trained, name, minutes)
        yield f"{name} predictions", partial(bench.predicted, name)
    yield "scan", bench.scanned


def main() -> None:
    """Measure the sets that are named, or say that there is no GPU."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seconds", type=float, default=480.0)
    parser.add_argument("--copy-to", type=Path, help="a folder that gets the result, too, after each part")
    parser.add_argument("--device", default="cuda", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    end_s = time.monotonic() + given.seconds
    if given.device == "cuda" and not torch.cuda.is_available():
        print("There is no GPU here that torch can use; nothing is measured.")
        return
    name = torch.cuda.get_device_name() if given.device == "cuda" else given.device
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(
            data_dir=given.data_dir.resolve(), scratch=Path(scratch), device=given.device, end_s=end_s,
            tiny=given.dry_run,
        )  # fmt: skip
        for part, measure in parts(bench, given.sets, found):
            try:
                found[part] = measure()
            except Exception as error:  # noqa: BLE001  # the others are measured all the same
                found[part] = {"failed": f"{type(error).__name__}: {error}"}
            print(part, found[part], flush=True)
            if not given.dry_run:
                path = write("gpu", __doc__.strip().splitlines()[0], {"device": name, "parts": found})
                if given.copy_to is not None:
                    shutil.copy(path, given.copy_to)


if __name__ == "__main__":
    main()
