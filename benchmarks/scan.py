"""Scanning beside window by window, unfolding and MONAI, in one run: positions per second, and what is exact.

python benchmarks/scan.py                                  # all networks, about five minutes on an idle machine
python benchmarks/scan.py --cpu --rounds 1 --size 256 --threads 1    # short, in processor time, on a busy one
python benchmarks/scan.py --mnist FOLDER --cifar FOLDER    # also the truth on mosaics, with networks trained here
python benchmarks/scan.py --monai --linear --memory        # also MONAI (installed beside), larger images, and memory

Rounds alternate between the ways. Each network is untrained: speed does not depend on its weights.
"""

import argparse
import contextlib
import functools
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image
from results_file import RESULTS, surroundings
from torch import Tensor, nn
from torch.nn import functional

from convscope.api.scan import scan
from convscope.api.train import train
from convscope.core.machine import tuned
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.options.scan import ScanOptions
from convscope.scanning.detections import Detection, Search, detections
from convscope.scanning.fully import AppliedFully
from convscope.scanning.grid import Box
from convscope.scanning.maps_file import MapsFile
from convscope.scanning.preparing import prepared
from convscope.scanning.readers import ArrayReader
from convscope.scanning.tiff_reader import TiffReader
from convscope.scanning.ways import AppliedByWindow, applied, own_stride

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.checks.mosaics import Mosaic, mosaic
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
spread = lambda windows: net(windows)[:, :, None, None].repeat(1, 1, 32, 32)  # it weights maps in place
side = int(sys.argv[2]); image = torch.rand(1, 1, side, side)
clock = time.process_time if sys.argv[3] == "cpu" else time.perf_counter
inferer = SlidingWindowInferer((32, 32), sw_batch_size=256, overlap=31 / 32)
with torch.inference_mode():
    began = clock(); inferer(image, spread); print((side - 31) ** 2 / (clock() - began))
"""


class UNet(nn.Module):
    """A U-Net of three levels."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((1, 16), (16, 32), (32, 64), (64, 32), (32, 16))
        self.convolutions = nn.ModuleList([nn.Conv2d(below, above, 3, padding=1) for below, above in sizes])
        self.up, self.top = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)
        self.head = nn.Conv2d(16, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return maps of three classes."""
        one = self.convolutions[0](image).relu()
        two = self.convolutions[1](functional.max_pool2d(one, 2)).relu()
        three = self.convolutions[2](functional.max_pool2d(two, 2)).relu()
        four = self.convolutions[3](torch.cat([self.up(three), two], dim=1)).relu()
        result: Tensor = self.head(self.convolutions[4](torch.cat([self.top(four), one], dim=1)).relu())
        return result


class Block(nn.Module):
    """Two convolutions with a shortcut (He et al., 2016)."""

    def __init__(self, below: int, maps: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(below, maps, 3, stride, 1), nn.Conv2d(maps, maps, 3, 1, 1)
        self.shortcut = nn.Conv2d(below, maps, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps."""
        result: Tensor = (self.conv2(self.conv1(maps).relu()) + self.shortcut(maps)).relu()
        return result


def unet() -> Model:
    """Return an untrained U-Net."""
    return Model.from_torch(UNet().eval(), (1, 64, 64), preprocessing="unit")


def residual() -> Model:
    """Return ResNet18 up to its last maps, untrained."""
    blocks = [
        Block(below, maps, stride)
        for below, maps, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        for below, stride in ((below, stride), (maps, 1))
    ]
    stem = [nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return Model.from_torch(
        nn.Sequential(*stem, *blocks, nn.Conv2d(512, 10, 1)).eval(), (3, 224, 224), preprocessing="unit"
    )


def model_of(text: str, side: int) -> Model:
    """Return an untrained model of gray images."""
    network = Network(Layout.parse(text), height=side, width=side, channels=1, classes=10).eval()
    return Model(
        network=network,
        classes=tuple("0123456789"),
        preprocessing=Preprocessing(height=side, width=side, channels=1),
        training={"sizes": {"widths": [side] * 3, "heights": [side] * 3}},
    )


def tile_of(model: Model) -> int:
    """Return the side of the tiles that a scan of a large image chooses by default."""
    return prepared(model, Virtual(100_000, 1), ScanOptions(check=0)).sweep.grid.tile


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
    dense, at_own = applied(model, 1), applied(model, own, way="dense")
    alone = AppliedByWindow(model, 1)
    few, many, tile = pixels(40), pixels(settings.size), pixels(tile_of(model))
    large = pixels(settings.size // own * 2, own)
    calls: dict[str, tuple[int, Callable[[], Any]]] = {
        "window by window": (40**2, lambda: alone.logits(few)),
        "unfold and batch": (40**2, by_unfolding(model, few)),
        "dense, untiled": (settings.size**2, lambda: dense.logits(many)),
        "dense, tiles": (tile_of(model) ** 2, lambda: dense.logits(tile)),
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
    way, own = applied(model, 1).way, own_stride(model)
    own_macs = applied(model, own, way="dense").way.macs
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
        "ratio": middle["dense, tiles"] / middle["window by window"],
        "ratio_to_unfolding": middle["dense, tiles"] / middle["unfold and batch"],
        "aim": gate,
        "share_untiled": middle["dense, untiled"] * way.macs / own_rate,
        "share_tiled": middle["dense, tiles"] * way.macs / own_rate,
        "difference": check.difference / check.largest,
        "checked": check.random + check.nasty,
    }
    print(f"{text} {side}: {result['ratio']:.1f} x, share {result['share_tiled']:.2f}, {result['difference']:.1e}")
    return result


def fully(model: Model, title: str, side: int, settings: argparse.Namespace) -> dict[str, Any]:
    """Return a network of maps on the whole image and in tiles: seconds a round, and the largest difference."""
    clock = time.process_time if settings.cpu else time.perf_counter
    image = np.random.default_rng(0).integers(0, 256, (side, side, model.preprocessing.channels), dtype=np.uint8)
    whole = AppliedFully(model, (side, side))
    made = prepared(model, ArrayReader(image), ScanOptions(scale=1.0, stride=0, check=0))
    grid = made.sweep.grid
    seconds: dict[str, list[float]] = {"untiled": [], "tiled": []}
    expected, largest = torch.zeros(1), 0.0
    for number in range(settings.rounds + 1):  # the first one warms up
        began = clock()
        expected = whole.logits(image)
        between = clock()
        answers = made.sweep.applied.begin(grid, made.sweep.pixels)
        boxes = [grid.box(int(index)) for index in made.sweep.order()]
        found = [answers(box, made.sweep.region(box)) for box in boxes]
        ended = clock()
        for box, values in zip(boxes, found, strict=True):
            own = expected[:, box.row : box.row + box.rows, box.column : box.column + box.columns]
            largest = max(largest, float((values - own).abs().max()))
        if number:
            seconds["untiled"].append(between - began)
            seconds["tiled"].append(ended - between)
    untiled, tiled = (statistics.median(seconds[name]) for name in ("untiled", "tiled"))
    difference = largest / float(expected.abs().max())
    print(f"{title}: tiled {untiled / tiled:.2f} of untiled, {difference:.1e}")
    return {
        "title": title,
        "side": side,
        "tile": grid.tile * grid.stride,
        "stripe": made.receipt.stripe * grid.tile * grid.stride,
        "arithmetic": whole.macs(replace(grid, tile=1 << 30))[0] / (made.receipt.macs * grid.positions),
        "samples": seconds,
        "speed": untiled / tiled,
        "difference": difference,
    }


def digits(folder: Path) -> tuple[Any, Any]:
    """Return images N H W 1 and labels of MNIST, of training and test."""
    parts = []
    for name in ("train", "t10k"):
        images = np.frombuffer(gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
        labels = np.frombuffer(gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
        parts.append((images.reshape(-1, 28, 28, 1), labels.astype(np.int64)))
    return parts[0], parts[1]


def photographs(folder: Path) -> tuple[Any, Any]:
    """Return images N H W 3 and labels of CIFAR-10 as JPEG, of training and test; every fifth of training."""
    parts = []
    for name, step in (("train", 5), ("test", 1)):
        classes = sorted(one for one in (folder / name).iterdir() if one.is_dir())
        files = [(file, label) for label, one in enumerate(classes) for file in sorted(one.iterdir())[::step]]
        images = np.stack([np.asarray(Image.open(file).convert("RGB")) for file, _ in files])
        parts.append((images, np.array([label for _, label in files])))
    return parts[0], parts[1]


def with_background(images: Any, labels: Any, count: int = 3_000) -> tuple[Any, list[str]]:
    """Return images and class names, and as many windows beside the images of mosaics as `background`."""
    side, found = images.shape[1], list[Any]()
    drawn = np.random.default_rng(5)
    while len(found) < count:
        made = mosaic(images, labels, size=(20 * side, 20 * side), count=120, seed=len(found))
        for row, column in drawn.integers(0, 19 * side, (500, 2)).tolist():
            if np.abs(made.places - (row, column)).max(axis=1).min() > side // 4:
                found.append(made.pixels[row : row + side, column : column + side])
    names = [str(label) for label in labels] + ["background"] * count
    return np.concatenate([images, np.stack(found[:count])]), names


def hits(found: list[Detection], made: Mosaic, side: int) -> dict[str, float]:
    """Return precision and recall of positions: a hit names the class of an image within a quarter of its side."""
    seen, right = set(), 0
    for one in found:
        distance = np.abs(made.places - (one.row, one.column)).max(axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] <= side // 4 and str(made.labels[nearest]) == one.label:
            right += 1
            seen.add(nearest)
    return {"precision": right / max(1, len(found)), "recall": len(seen) / len(made.labels), "found": len(found)}


def truth(name: str, train_set: tuple[Any, Any], test: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Return on a mosaic of test images what the exact and the naive way find, of networks trained on cut-outs."""
    side, result = test[0].shape[1], []
    made = mosaic(*test, size=(20 * side, 25 * side), count=150, seed=1)
    images, labels = with_background(train_set[0][:15_000], train_set[1][:15_000])
    for layout in ("24C5-MP2-48C3-MP2-192N", "24C5v-MP2-48C3v-MP2-192N"):
        with tempfile.TemporaryDirectory() as folder:
            model = train((images, labels), layout=layout, epochs=2, output=Path(folder) / "run").model
        wanted = tuple(label for label in model.classes if label != "background")
        search = Search(classes=model.classes, wanted=wanted, threshold=0.5, distance=side / 2)
        exact = scan(model, made.pixels, scale=1, dtype="float32")
        network = fold(model.network)
        with torch.inference_mode():
            logits = naive_conversion(network, network.standardize(torch.from_numpy(made.pixels)[None]))
            naive = network.probabilities_of(logits[0].flatten(1).T).reshape(*logits.shape[2:], -1).numpy()
        row: dict[str, Any] = {"data": name, "layout": layout, "images": len(made.labels)}
        for way, values in (("exact", exact.probabilities), ("naive", naive)):
            rows, columns = made.places.T
            best = np.array(model.classes)[values[rows, columns].argmax(axis=-1)]
            boxes = functools.partial(part, values)
            row[way] = hits(detections(boxes, exact.receipt.grid, search), made, side)
            row[way]["right"] = float((best == made.labels.astype(str)).mean())
        row["changed"] = float((naive.argmax(axis=-1) != exact.probabilities.argmax(axis=-1)).mean())
        print(row)
        result.append(row)
    return result


def part(values: Any, box: Box) -> Any:
    """Return a rectangle of an array."""
    return values[box.row : box.row + box.rows, box.column : box.column + box.columns]


def reading_and_writing(side: int = 4_096) -> dict[str, float]:
    """Return the shares of the time of a scan from a compressed TIFF to a file that reading and writing take."""
    model, spent = model_of(*NETWORKS[1][:2]), dict.fromkeys(("read", "write"), 0.0)

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                spent[name] += time.perf_counter() - began

        return run

    with tempfile.TemporaryDirectory() as folder:
        path, image = Path(folder) / "image.tif", np.random.default_rng(0).integers(0, 16, (side, side), np.uint8)
        tifffile.imwrite(path, image, tile=(256, 256), compression="zlib")
        TiffReader.read = timed("read", TiffReader.read)  # type: ignore[method-assign]
        MapsFile.write = timed("write", MapsFile.write)  # type: ignore[method-assign]
        began = time.perf_counter()
        scan(model, path, output=Path(folder) / "maps.tif", check=100)
        whole = time.perf_counter() - began
    return {name: seconds / whole for name, seconds in spent.items()}


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


def memory() -> dict[str, dict[int, float]]:
    """Return the peak memory in MiB of scans within 512M of virtual images, by layout and side; a process each."""
    found: dict[str, dict[int, float]] = {}
    for text, side, _ in (NETWORKS[0], NETWORKS[3]):
        for size in (4_096, 100_000):
            program = [sys.executable, __file__, "--virtual", text, str(side), str(size)]
            done = subprocess.run(program, check=True, capture_output=True, text=True)
            found.setdefault(text, {})[size] = float(done.stdout.split()[-1])
    print(found)
    return found


class Virtual(ArrayReader):
    """An image whose pixels are computed; it ends the scan after some tiles."""

    def __init__(self, side: int, reads: int) -> None:
        self.shape, self.left, self.name, self.tags = (side, side, 1), reads, "virtual", {}

    def read(self, row: int, column: int, rows: int, columns: int) -> Any:
        """Return the pixels of a rectangle."""
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        down, across = np.arange(row, row + rows)[:, None], np.arange(column, column + columns)
        return ((down * across + 3 * down) % 251).astype(np.uint8)[..., None]


def virtual(text: str, side: int, size: int) -> None:
    """Scan some tiles of a virtual image and print the peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        output = Path(folder) / "maps.tif"
        scan(model_of(text, side), Virtual(size, 6), output=output, best=True, memory="512M")
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss would be that of the parent, if larger
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def main() -> None:
    """Measure, and write benchmarks/results/scan.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512, help="positions along a side, untiled")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--cpu", action="store_true", help="processor time in place of time")
    parser.add_argument("--only", default="", help="networks whose layout has this text")
    parser.add_argument("--mnist", type=Path, help="folder of the MNIST files")
    parser.add_argument("--cifar", type=Path, help="folder with train/ and test/ of CIFAR-10 as JPEG")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--virtual", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--monai", action="store_true")
    parser.add_argument("--linear", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "scan.json")
    settings = parser.parse_args()
    if settings.virtual:
        virtual(settings.virtual[0], *map(int, settings.virtual[1:]))
        return
    with tuned(settings.threads):
        result = {
            **surroundings(),
            "clock": "process" if settings.cpu else "wall",
            "threads": torch.get_num_threads(),
            "rounds": settings.rounds,
            "networks": [of_network(*one, settings) for one in NETWORKS if settings.only in one[0]],
        }
        if not settings.only:
            result["fully"] = [fully(residual(), "ResNet18", 4_096, settings), fully(unet(), "U-Net", 2_048, settings)]
        sets = [("MNIST", digits, settings.mnist), ("CIFAR-10", photographs, settings.cifar)]
        result["truth"] = [row for name, read, folder in sets if folder for row in truth(name, *read(folder))]
        if settings.monai:
            result["monai_s"] = monai(settings)
        if settings.linear:
            result["linear"] = linear()
            result["files"] = reading_and_writing()
        if settings.memory:
            result["memory"] = memory()
    settings.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
