"""A simulated cluster that computes shards, from rates measured here; beside the measured times of local clusters.

    python benchmarks/scale_model.py [--images 40000] [--rounds 2] [--without-dask]

Scope: photographs of about 500 × 375 pixels in JPEG, a network of 96 pixels, Parquet parts on this disk. First the
rates, in seconds that the processor computes, which other programs disturb least: reading and decoding, the network,
the start of a process, a shard beside its images, listing. Then whole commands: one process, two and four jobs of
`--part`, two and three workers of Dask. Each is simulated from the rates alone. `ratio` is measured by simulated
seconds of the clock, which only a quiet machine can show (`processor_share` at least 0.9); `processor_ratio` is that of
the seconds that all processes of a command computed. Wanted for each: 0.8 to 1.2.
"""

import argparse
import heapq
import importlib
import json
import logging
import math
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from results_file import processor_share, write

LAYOUT, SIDE, CLASSES, UNIQUE = "32C5/2-MP2-64C3-+64C3-MP2-128C3-+128C3-MP2-256C3-MPg", 96, 10, 200
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}
WANTED, QUIET = (0.8, 1.2), 0.9
FORK = multiprocessing.get_context("fork")
Found = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What one image, shard or process takes.

    decode_s, predict_s: of a core, an image, while as many processes compute as there are cores. start_s: of a core,
    until a process computes. shard_s: of a shard beside its images. listing_s: an image, of the process that plans.
    image_bytes, row_bytes, list_bytes: of an image, of its result, and of its line in the list.
    """

    decode_s: float
    predict_s: float
    start_s: float
    shard_s: float
    listing_s: float
    image_bytes: float
    row_bytes: float
    list_bytes: float


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Machines that compute shards, all alike.

    workers: processes. cores: in all. bytes_s: from the storage to all of them together. latency_s: until a file
    begins to come; a worker asks for `ahead` at once. dispatch_s: of the scheduler, a shard; 0 where each job has its
    own shards from the start. slow, slowness: the fraction of workers that take so many times longer. lost: the
    fraction of shards whose process is lost in the middle.
    """

    workers: int
    cores: int
    bytes_s: float = math.inf
    latency_s: float = 0.0
    ahead: int = 2
    dispatch_s: float = 0.0
    slow: float = 0.0
    slowness: float = 1.0
    lost: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Seconds from start to end, the fraction of them in which workers computed, and the bound that holds them."""

    seconds: float
    busy: float
    bound: str


def image_seconds(rates: Rates, cluster: Cluster) -> tuple[float, str]:
    """Return what a worker needs for an image, whichever is slowest: its core, the network, its reading threads.

    A worker that has a core computes on it alone: reading ahead hides the wait for files, hardly the decoding.
    """
    crowd = max(1.0, cluster.workers / cluster.cores)
    bounds = {
        "processors": (rates.decode_s + rates.predict_s) * crowd,
        "network": rates.image_bytes * cluster.workers / cluster.bytes_s,
        "latency of files": cluster.latency_s / cluster.ahead,
    }
    bound = max(bounds, key=lambda name: bounds[name])
    return bounds[bound], bound


def simulate(rates: Rates, cluster: Cluster, images: int, size: int, *, seed: int = 0) -> Outcome:
    """Return how long a cluster takes: shards go to the worker that is free first, or, without a scheduler, in turn."""
    rng, each, bound = np.random.default_rng(seed), *image_seconds(rates, cluster)
    crowd = max(1.0, cluster.workers / cluster.cores)
    pace = np.where(rng.random(cluster.workers) < cluster.slow, cluster.slowness, 1.0)
    scheduler = rates.start_s + rates.listing_s * images  # the driver is ready
    began = rates.start_s * crowd + (scheduler if cluster.dispatch_s else rates.listing_s * images)
    free = [(began, worker) for worker in range(cluster.workers)]
    computed, number = 0.0, 0
    waiting = [min(size, images - start) for start in range(0, images, size)][::-1]
    ends = [began] * cluster.workers
    while waiting:
        count = waiting.pop()
        if cluster.dispatch_s:
            at, worker = heapq.heappop(free)
            scheduler = max(scheduler, at) + cluster.dispatch_s
            at = scheduler
        else:
            worker = number % cluster.workers
            at = ends[worker]
        duration = (count * each + rates.shard_s * crowd) * float(pace[worker])
        computed += duration
        if rng.random() < cluster.lost:  # half of it, and once more
            duration += duration / 2
        ends[worker] = at + duration
        number += 1
        if cluster.dispatch_s:
            heapq.heappush(free, (ends[worker], worker))
    seconds = max(ends)
    others = {"listing": rates.listing_s * images, "scheduler": cluster.dispatch_s * number}
    slowest = max(others, key=lambda name: others[name])
    bound = slowest if others[slowest] > computed / cluster.workers else bound
    return Outcome(seconds=seconds, busy=computed / (seconds * cluster.workers), bound=bound)


def commands(cores: int, dispatch_s: float) -> dict[str, Cluster]:
    """Return the local clusters that are measured; those of Dask where a shard needs `dispatch_s` of its scheduler."""
    found = {f"{count} of --part": Cluster(workers=count, cores=cores) for count in (1, 2, 4)}
    counts = (2, 3) if dispatch_s else ()
    return found | {
        f"Dask, {count} workers": Cluster(workers=count, cores=cores, dispatch_s=dispatch_s) for count in counts
    }


def agreement(found: Found) -> dict[str, dict[str, float]]:
    """Return measured by simulated seconds of each command, from what a result holds alone."""
    rates, images, size = Rates(**found["rates"]), found["images"], found["size"]
    ratio, processor = {}, {}
    for name, one in found["commands"].items():
        cluster = Cluster(**one["cluster"])
        ratio[name] = round(statistics.median(one["samples"]) / simulate(rates, cluster, images, size).seconds, 3)
        if not cluster.dispatch_s:  # the workers of Dask do more than this
            computed = processor_seconds(rates, cluster, images, size)
            processor[name] = round(statistics.median(one["processor_samples"]) / computed, 3)
    return {"ratio": ratio, "processor_ratio": processor}


def processor_seconds(rates: Rates, cluster: Cluster, images: int, size: int) -> float:
    """Return what all processes of jobs compute; each of them lists the images."""
    each = rates.start_s + rates.listing_s * images
    shards = math.ceil(images / size)
    return cluster.workers * each + shards * rates.shard_s + images * (rates.decode_s + rates.predict_s)


def compute_rate(paths: list[str], model: str) -> tuple[float, float]:
    """Return seconds per image of decoding and of the network, in a process with one thread."""
    from convscope.core.machine import tuned
    from convscope.networks.inputs import Input
    from convscope.networks.model_file import read_model

    used = read_model(model)
    with tuned(1):
        used.predict_proba(np.zeros((used.batch, SIDE, SIDE, 3), np.uint8))  # warm
        decoded, predicted = [], []
        for _ in range(3):
            began = time.process_time()
            pixels = np.stack([Input(name=path, content=path).fitted(used.preprocessing) for path in paths])
            decoded.append((time.process_time() - began) / len(paths))
            whole = np.concatenate([pixels] * math.ceil(2 * used.batch / len(pixels)))
            began = time.process_time()
            used.predict_proba(whole)
            predicted.append((time.process_time() - began) / len(whole))
    return statistics.median(decoded), statistics.median(predicted)


def measured_rates(folder: Path, paths: list[str], cores: int) -> Rates:
    """Return the rates of this machine."""
    model = str(folder / "m.safetensors")
    with FORK.Pool(cores) as pool:
        every = pool.starmap(compute_rate, [(paths, model)] * cores)
    decode_s, predict_s = (statistics.fmean(column) for column in zip(*every, strict=True))
    one = folder / "one"
    one.mkdir()
    for number in range(40):
        os.link(paths[number], one / f"{number}.jpg")
    few = statistics.median(timed(model, one, folder / f"start{turn}", 40)[1] for turn in range(3))
    many = statistics.median(timed(model, one, folder / f"many{turn}", 1)[1] for turn in range(3))
    shard_s = max(0.0, (many - few) / 39)
    began = time.process_time()
    listing_s = (len_of(folder / "images"), time.process_time() - began)
    part = folder / "start0" / "part-00000.parquet"
    (listed,) = (folder / "start0").glob("_list-*")
    return Rates(
        decode_s=decode_s,
        predict_s=predict_s,
        start_s=few - shard_s - 40 * (decode_s + predict_s),
        shard_s=shard_s,
        listing_s=listing_s[1] / listing_s[0],
        image_bytes=statistics.fmean(Path(path).stat().st_size for path in paths),
        row_bytes=part.stat().st_size / 40,
        list_bytes=listed.stat().st_size / 40,
    )


def len_of(folder: Path) -> int:
    """Return the number of images in a folder, listed as a plan does."""
    from convscope.networks.inputs import list_inputs

    return sum(1 for _ in list_inputs(iter([str(folder)])).images)


def command(model: str, images: Path, out: Path, size: int, *more: str) -> list[str]:
    """Return a command that predicts in shards."""
    words = ["predict", model, str(images), "--shards", str(out), "--shard-size", str(size), "--quiet", *more]
    return [sys.executable, "-m", "convscope", *words]


def timed(model: str, images: Path, out: Path, size: int, *more: tuple[str, ...]) -> tuple[float, float]:
    """Return the seconds until all of some commands, started together, have ended, and those that they computed."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [
        subprocess.Popen(command(model, images, out, size, *words), env=ALONE, stdout=subprocess.DEVNULL)
        for words in more or ((),)
    ]
    if any(one.wait() for one in running):
        raise SystemExit("a command failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, computed


@contextmanager
def dask_cluster(workers: int) -> Iterator[str]:
    """Give the address of a cluster of Dask that is up."""
    distributed = importlib.import_module("distributed")
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
    ) as cluster:
        yield cluster.scheduler_address


def dispatch_seconds(count: int = 1_000) -> float:
    """Return what client and scheduler of Dask compute for a task, here in one process."""
    distributed = importlib.import_module("distributed")
    with dask_cluster(2) as address, distributed.Client(address) as client:
        began = time.process_time()
        for future in distributed.as_completed([client.submit(len, (), pure=False) for _ in range(count)]):
            future.result()
        return (time.process_time() - began) / count


def measured(folder: Path, cluster: Cluster, size: int, turn: str) -> tuple[float, float]:
    """Return the seconds that a local cluster takes, and those that its commands computed."""
    model, images, out = str(folder / "m.safetensors"), folder / "images", folder / f"out {turn}"
    if cluster.dispatch_s:
        with dask_cluster(cluster.workers) as address:
            return timed(model, images, out, size, ("--cluster", address))
    jobs = [("--part", f"{number + 1}/{cluster.workers}") for number in range(cluster.workers)]
    return timed(model, images, out, size, *jobs)


def prepared(folder: Path, images: int) -> list[str]:
    """Write photographs, so many names for them, and a model; return the photographs."""
    from photographs import write_folder

    from convscope.images.preprocessing import Preprocessing
    from convscope.networks.build import Network
    from convscope.networks.layout import Layout
    from convscope.networks.model import Model
    from convscope.networks.model_file import write_model

    write_folder(folder / "unique", UNIQUE)
    paths = sorted(str(path) for path in (folder / "unique").rglob("*.jpg"))
    (folder / "images").mkdir()
    for number in range(images):
        os.link(paths[number % len(paths)], folder / "images" / f"{number:07}.jpg")
    network = Network(Layout.parse(LAYOUT), height=SIDE, width=SIDE, channels=3, classes=CLASSES)
    names = tuple(f"class {number}" for number in range(CLASSES))
    preprocessing = Preprocessing(height=SIDE, width=SIDE, channels=3)
    write_model(Model(network=network.eval(), classes=names, preprocessing=preprocessing), folder / "m.safetensors")
    return paths


def result(images: int, size: int, rounds: int, *, dask: bool) -> Found:
    """Measure rates and commands; return both, with the simulation of each command."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = prepared(folder, images)
        share = processor_share()
        rates, dispatch_s = measured_rates(folder, paths, cores), dispatch_seconds() if dask else 0.0
        found: Found = {"images": images, "size": size, "rates": asdict(rates), "commands": {}, "share_before": share}
        found["dispatch_s"] = dispatch_s
        clusters = commands(cores, dispatch_s)
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in clusters}
        for turn in range(rounds):
            for name, cluster in clusters.items():
                samples[name].append(measured(folder, cluster, size, f"{name} {turn}"))
                print(f"{name}: {samples[name][-1][0]:.1f} s", flush=True)
        found["share_after"] = processor_share()
    for name, cluster in clusters.items():
        clock, processor = zip(*samples[name], strict=True)
        kept = asdict(replace(cluster, bytes_s=1e12))  # JSON has no infinity
        found["commands"][name] = {"cluster": kept, "samples": clock, "processor_samples": processor}
    return found | agreement(found)


def main() -> None:
    """Measure, simulate, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--size", type=int, default=1_000, help="images in a shard")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--without-dask", action="store_true")
    given = parser.parse_args()
    found = result(given.images, given.size, given.rounds, dask=not given.without_dask)
    print(json.dumps({name: found[name] for name in ("ratio", "processor_ratio")}, indent=1))
    if min(found["share_before"], found["share_after"]) < QUIET:
        print("other programs computed meanwhile: ratio says nothing")
    print(write("scale", __doc__.strip().splitlines()[0], found))


if __name__ == "__main__":
    main()
