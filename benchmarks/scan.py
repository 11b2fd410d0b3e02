"""Scanning beside window by window, unfolding and MONAI, in one run: positions per second, and what is exact.

python benchmarks/scan.py                                  # all networks, about five minutes on an idle machine
python benchmarks/scan.py --cpu --rounds 1 --size 256 --threads 1    # short, in processor time, on a busy one
python benchmarks/scan.py --mnist FOLDER --runs VALID SAME # also the truth on mosaics, with two trained runs
python benchmarks/scan.py --monai --linear                 # also MONAI (installed beside), and larger images

Rounds alternate between the ways. Each network is untrained: speed does not depend on its weights.
"""

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results_file import RESULTS, surroundings
from torch.nn import functional

from convscope.api.scan import scan
from convscope.core.machine import tuned
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.networks.model_file import read_model
from convscope.scanning.ways import AppliedByWindow, applied, own_stride

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.checks.mosaics import mosaic
from tests.oracles.sliding import naive_conversion

NETWORKS = (
    ("24C5v-MP2-48C3v-MP2-192N", 32, 10.0),
    ("24C5v-MP2-48C3v-MP2-96C3v-MPg", 32, 45.0),
    ("24C5v-MP2-48C3v-MP2-96C3v-MPg", 64, 150.0),
    ("24C5-MP2-48C3-MP2-192N", 32, 4.0),
    ("24C5-MP2-48C3-MP2-96C3-MPg", 32, 6.0),
)
"""Layout, side of the window, and the ratio to window by window that is aimed at."""
PEERS = Path(__file__).parents[1] / "build" / "peers" / "monai"
_MONAI = """
import sys, time, torch
from monai.inferers import SlidingWindowInferer
torch.set_num_threads(int(sys.argv[1])); torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 24, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Conv2d(24, 48, 3),
    torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(1728, 192), torch.nn.ReLU(),
    torch.nn.Linear(192, 10)).eval()
spread = lambda windows: net(windows)[:, :, None, None].expand(-1, -1, 32, 32)  # it takes maps only
side = int(sys.argv[2]); image = torch.rand(1, 1, side, side)
clock = time.process_time if sys.argv[3] == "cpu" else time.perf_counter
inferer = SlidingWindowInferer((32, 32), sw_batch_size=256, overlap=31 / 32)
with torch.inference_mode():
    began = clock(); inferer(image, spread); print((side - 31) ** 2 / (clock() - began))
"""


def model_of(text: str, side: int) -> Model:
    """Return an untrained model of gray images."""
    network = Network(Layout.parse(text), height=side, width=side, channels=1, classes=10).eval()
    return Model(
        network=network,
        classes=tuple("0123456789"),
        preprocessing=Preprocessing(height=side, width=side, channels=1),
        training={"sizes": {"widths": [side] * 3, "heights": [side] * 3}},
    )


def by_unfolding(model: Model, region: np.ndarray) -> Callable[[], Any]:
    """Return the call that cuts all windows out at once and computes them in batches."""
    network, side = fold(model.network), model.preprocessing.height

    def run() -> None:
        with torch.inference_mode():
            maps = network.standardize(torch.from_numpy(region)[None])
            windows = functional.unfold(maps, side).reshape(side * side, -1).T.reshape(-1, 1, side, side)
            for start in range(0, len(windows), 256):
                network(windows[start : start + 256])

    return run


def rates(model: Model, settings: argparse.Namespace) -> dict[str, list[float]]:
    """Return positions per second of each way, a number a round; the ways alternate."""
    clock = time.process_time if settings.cpu else time.perf_counter
    side, drawn = model.preprocessing.height, np.random.default_rng(0)

    def pixels(positions: int, stride: int = 1) -> np.ndarray:
        extent = (positions - 1) * stride + side
        return drawn.integers(0, 256, (extent, extent, 1), dtype=np.uint8)

    own = own_stride(model)
    dense, at_own = applied(model, 1)[0], applied(model, own, way="dense")[0]
    alone = AppliedByWindow(model, 1)
    few, many, tile = pixels(40), pixels(settings.size), pixels(min(256, settings.size))
    large = pixels(settings.size // own * 2, own)
    calls: dict[str, tuple[int, Callable[[], Any]]] = {
        "window by window": (40**2, lambda: alone.logits(few)),
        "unfold and batch": (40**2, by_unfolding(model, few)),
        "dense, untiled": (settings.size**2, lambda: dense.logits(many)),
        "dense, tiles of 256": (min(256, settings.size) ** 2, lambda: dense.logits(tile)),
        "own stride": ((settings.size // own * 2) ** 2, lambda: at_own.logits(large)),
    }
    found: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(settings.rounds + 1):  # the first one warms up
        for name, (count, call) in calls.items():
            began = clock()
            call()
            if number:
                found[name].append(count / (clock() - began))
    return found


def of_network(text: str, side: int, gate: float, settings: argparse.Namespace) -> dict[str, Any]:
    """Return everything that is measured of one network."""
    model = model_of(text, side)
    found = rates(model, settings)
    middle = {name: statistics.median(samples) for name, samples in found.items()}
    way, own = applied(model, 1)[1], own_stride(model)
    own_macs = applied(model, own, way="dense")[1].macs
    own_rate = middle["own stride"] * own_macs
    check = scan(model, np.random.default_rng(1).integers(0, 256, (300, 310), dtype=np.uint8)).receipt.check
    result = {
        "layout": text,
        "side": side,
        "way": way.name,
        "macs": way.macs,
        "window_macs": way.window_macs,
        "samples": found,
        "positions_s": middle,
        "ratio": middle["dense, tiles of 256"] / middle["window by window"],
        "ratio_to_unfolding": middle["dense, tiles of 256"] / middle["unfold and batch"],
        "aim": gate,
        "share_untiled": middle["dense, untiled"] * way.macs / own_rate,
        "share_tiled": middle["dense, tiles of 256"] * way.macs / own_rate,
        "difference": check.difference / check.largest,
        "checked": check.random + check.nasty,
    }
    print(f"{text} {side}: {result['ratio']:.1f} x, share {result['share_tiled']:.2f}, {result['difference']:.1e}")
    return result


def truth(runs: list[Path], folder: Path) -> dict[str, Any]:
    """Return on a mosaic of MNIST test images what each way says where the label is known, and elsewhere."""
    images, labels = (
        np.frombuffer(gzip.decompress((folder / name).read_bytes())[skip:], np.uint8)
        for name, skip in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    made = mosaic(images.reshape(-1, 28, 28, 1), labels.astype(np.int64), size=(450, 600), count=120)
    result = {}
    for run in runs:
        model = read_model(run)
        network = fold(model.network)
        exact = scan(model, made.pixels, scale=1, best=True).maps[..., 0].astype(np.int64)
        with torch.inference_mode():
            maps = network.standardize(torch.from_numpy(made.pixels)[None])
            naive = naive_conversion(network, maps)[0].argmax(dim=0).numpy()
        rows, columns = made.places.T
        result[model.title] = {
            "images": len(made.labels),
            "exact": float((exact[rows, columns] == made.labels).mean()),
            "naive": float((naive[rows, columns] == made.labels).mean()),
            "changed": float((naive != exact).mean()),
        }
        print(model.title, result[model.title])
    return result


def monai(settings: argparse.Namespace) -> float:
    """Return the windows per second of MONAI's inferer on the first network, which it can only average."""
    if not PEERS.exists():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", str(PEERS), "monai"]
        subprocess.run(pip, check=True)
    program = [sys.executable, "-c", f"import sys; sys.path.append({str(PEERS)!r})\n{_MONAI}"]
    clock = "cpu" if settings.cpu else "wall"
    done = subprocess.run(
        [*program, str(torch.get_num_threads()), "72", clock], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def linear() -> dict[int, float]:
    """Return positions per second of whole scans in memory, by the side of the image."""
    model, found = model_of(*NETWORKS[1][:2]), {}
    for side in (1_024, 2_048, 4_096, 8_192):
        image = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
        receipt = scan(model, image, best=True, check=100).receipt
        found[side] = receipt.positions / receipt.seconds
        print(side, f"{found[side]:,.0f} positions/s")
    return found


def main() -> None:
    """Measure, and write benchmarks/results/scan.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512, help="positions along a side, untiled")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--cpu", action="store_true", help="processor time in place of time")
    parser.add_argument("--only", default="", help="networks whose layout has this text")
    parser.add_argument("--mnist", type=Path, help="folder of the MNIST files")
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="runs trained on MNIST")
    parser.add_argument("--monai", action="store_true")
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "scan.json")
    settings = parser.parse_args()
    with tuned(settings.threads):
        result = {
            **surroundings(),
            "clock": "process" if settings.cpu else "wall",
            "threads": torch.get_num_threads(),
            "rounds": settings.rounds,
            "networks": [of_network(*one, settings) for one in NETWORKS if settings.only in one[0]],
        }
        if settings.mnist is not None:
            result["truth"] = truth(settings.runs, settings.mnist)
        if settings.monai:
            result["monai_s"] = monai(settings)
        if settings.linear:
            result["linear"] = linear()
    settings.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
