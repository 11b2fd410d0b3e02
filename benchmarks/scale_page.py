"""Write docs/scale.md from the results scale.json, scan.json and the training step of photographs.

python benchmarks/scale_page.py
"""

import argparse
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from layers_page import table
from scale_model import QUIET, SIDE, WANTED, Cluster, Outcome, Rates, image_seconds, simulate

from convscope.core.records import to_json
from convscope.options.shards import ShardOptions
from convscope.shards.computations import READERS
from convscope.shards.manifest import LARGEST_MANIFEST, Shard
from convscope.shards.tiles import LARGEST_PART

HERE = Path(__file__).parent
RESULT, SCAN, STEP, PAGE = (
    HERE / "results" / "scale.json",
    HERE / "results" / "scan.json",
    HERE / "results" / "step-avx2.json",
    HERE.parent / "docs" / "scale.md",
)
SHARD = ShardOptions().shard_size
DAY_S, MACHINE_CORES = 86_400, 16
FOLDER = 10**8  # images
HUGE, TILE, CLASSES = 100_000, 256, 10  # an image to scan: its side, its tiles, and 8 bits per class
SLICE = 1_024  # workers that are simulated; more of them have as many shards each
Found = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What is assumed, in US dollars and of a machine of 16 cores."""

    core_hour: float = 0.04
    gigabyte_month: float = 0.023
    million_requests: float = 0.4
    machine_bytes_s: float = 1.25e9
    latency_s: float = 0.03
    slow: float = 0.05
    slowness: float = 2.0
    lost: float = 0.001


PRICES = Prices()
SCALES = {6: 16, 9: 1_024, 12: 102_400}  # images as a power of ten: cores

HEAD = """# Millions of images

<!-- written by benchmarks/scale_page.py -->

`--shards FOLDER` splits the work of `predict`, `features`, `check --model` and [`scan`](#one-huge-image) into shards. A
manifest lists the images once; each shard becomes one file, `part-00042.parquet`, written whole. A shard is finished
when its file is there: whatever is killed, the same command continues, and every image has its result exactly once.

```bash
convscope predict run photos/ --shards out                                # one machine
convscope predict run photos/ --shards out --part $SLURM_ARRAY_TASK_ID/16 # job 3 of 16: --part 3/16
convscope predict run photos/ --shards out --cluster tcp://scheduler:8786 # Dask
convscope predict run s3://bucket/photos --shards s3://bucket/out --cluster ray
convscope merge out -o all.parquet                                        # checks, then writes
convscope check photos/ --model pretrained --shards out -o checked        # the same; then what it finds among all
convscope scan run slide.tif --shards out                                 # then merge out -o maps.tif
```

- Ray and Dask run the same function on the same shards; a lost process, node or driver costs the shards that it had.
  Ray: `pip install 'convscope[ray]'`, and its usage report is off; Dask: `convscope[dask]`. Workers need convscope, the
  folder and the images, at the same paths or addresses; the model is in the folder.
- Addresses are those of [fsspec](https://filesystem-spec.readthedocs.io); install s3fs, gcsfs or adlfs. Credentials
  are your own.
- `merge` names missing, damaged and unknown parts, and compares the images of each with the manifest. Without `-o` it
  writes `_metadata`; most programs read the folder as a Parquet dataset without it.
- Another command, model, option or list of images is refused; `--force` begins anew. The manifest names images, not
  their content: a changed image is not noticed. With `--part`, the list is that of the first job.
- Features have the class and split of their folders; no validation split is drawn, and unusable images have no row.
- One process computes one shard at a time, with the cores that it may use (`OMP_NUM_THREADS`). Workers of Ray and Dask
  have one; start Dask's with `--nthreads 1`. In Python: [`predict_in_shards`](python.md).
"""


def large(value: float) -> str:
    """Return a number with two digits or more, and without an exponent where it is short."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def power(value: float) -> str:
    """Return a number as a digit times a power of ten."""
    digits = int(math.log10(value))
    return f"{value / 10**digits:.0f} × 10<sup>{digits}</sup>"


def cluster_of(cores: int, dispatch_s: float, workers: int) -> Cluster:
    """Return a cluster of machines of 16 cores, of which so many workers are simulated."""
    return Cluster(
        workers=workers,
        cores=workers,
        bytes_s=PRICES.machine_bytes_s * workers / MACHINE_CORES,
        latency_s=PRICES.latency_s,
        ahead=READERS,
        dispatch_s=dispatch_s * cores / workers,
        slow=PRICES.slow,
        slowness=PRICES.slowness,
        lost=PRICES.lost,
    )


def simulated(exponent: int, cores: int, found: Found, *, folders: int = 1) -> Outcome:
    """Return the outcome for 10**exponent images in several folders, each with a driver and scheduler of its own.

    Simulated is a slice of the cluster with its part of the images.
    """
    workers, rates = min(cores, SLICE), Rates(**found["rates"])
    images, parts = 10**exponent * workers // cores, folders * workers / cores
    rates = replace(rates, listing_s=rates.listing_s / parts)
    cluster = cluster_of(cores, found["dispatch_s"] / folders, workers)
    return simulate(rates, cluster, images, min(SHARD, images // workers // 4))


def scales(found: Found, step: Found) -> list[str]:
    """Return the table of scales."""
    rates = Rates(**found["rates"])
    trained_s = step["cores"] / step["train"]["photographs"]["images_per_second"]["convscope_step float32"]
    head = ["", *(f"10<sup>{exponent}</sup> images, {cores:,} cores" for exponent, cores in SCALES.items())]
    hours = {"read and decode": rates.decode_s, "network": rates.predict_s, "train, an epoch": trained_s}
    rows = [[f"{name}, core-hours", *(large(10**p * each / 3600) for p in SCALES)] for name, each in hours.items()]
    sizes = {
        "images": rates.image_bytes,
        f"cache at {SIDE} px": 3 * SIDE**2,
        "results": rates.row_bytes,
        "lists": rates.list_bytes,
    }
    rows += [[f"{name}, terabytes", *(large(10**p * each / 1e12) for p in SCALES)] for name, each in sizes.items()]
    rows.append(["listing by one process, hours", *(large(10**p * rates.listing_s / 3600) for p in SCALES)])
    for name, most in (("one folder", math.inf), (f"a folder for each {power(FOLDER)} images", FOLDER)):
        folders = [max(1, int(10**exponent / most)) for exponent in SCALES]
        outcomes = [simulated(*scale, found, folders=one) for scale, one in zip(SCALES.items(), folders, strict=True)]
        cells = [f"{large(one.seconds / 3600)} ({one.bound}; workers {100 * one.busy:.0f} %)" for one in outcomes]
        rows.append([f"predict into {name}, simulated, hours", *cells])
    each, _ = image_seconds(rates, Cluster(workers=MACHINE_CORES, cores=MACHINE_CORES))
    rows.append(
        [
            "network of a machine, Gbit/s",
            *[large(8e-9 * rates.image_bytes * MACHINE_CORES / each)] * len(SCALES),
        ]
    )
    rows += [[f"{name}, US dollars", *(large(10**p * one) for p in SCALES)] for name, one in dollars(rates).items()]
    return table(head, rows)


def dollars(rates: Rates) -> dict[str, float]:
    """Return what an image costs."""
    return {
        "cores": (rates.decode_s + rates.predict_s) / 3600 * PRICES.core_hour,
        "requests": PRICES.million_requests / 1e6,
        "images stored for a month": rates.image_bytes / 1e9 * PRICES.gigabyte_month,
    }


def breaks(found: Found) -> list[str]:
    """Return what breaks, in the order in which it does, and what to do."""
    rates = Rates(**found["rates"])
    each, _ = image_seconds(rates, Cluster(workers=MACHINE_CORES, cores=MACHINE_CORES))
    line = len(json.dumps([[to_json(Shard(images=SHARD, digest=16 * "0"))]], indent=1)) - len("[\n []\n]")
    limits = [
        (DAY_S / rates.listing_s, "images: one process lists them for a day", "one `--shards` folder a prefix, or list "
         "once and give the names on standard input"),
        (LARGEST_MANIFEST / line * SHARD, "images: the manifest has its largest size, 256 MiB",
         "`--shard-size 100000`, or several folders"),
        (DAY_S / (rates.decode_s + rates.predict_s) * MACHINE_CORES, "images: a machine of 16 cores computes for a day",
         "`--cluster`, or `--part`"),
    ]  # fmt: skip
    rows = [[power(count), what, cure] for count, what, cure in sorted(limits)]
    rows.append(
        [
            power(SHARD * each / found["dispatch_s"]),
            "workers: the scheduler of Dask has no time left",
            "`--shard-size 100000`, or `--part`, which has none",
        ]
    )
    return table(["at", "breaks", "do"], rows)


def checked(found: Found) -> str:
    """Return how far the simulation agrees with local clusters."""
    low, high = WANTED
    share = min(found["share_before"], found["share_after"])
    clock, processors = found["ratio"], found["processor_ratio"]
    ratios = ", ".join(f"{_command(name)} {ratio:.2f}{_ratio(processors.get(name))}" for name, ratio in clock.items())
    busy = f" Other programs took {100 * (1 - share):.0f} % of this machine: seconds on the clock say nothing here."
    return f"""
## Agreement of the simulation

Measured by simulated seconds of whole commands, {found["images"]:,} images in shards of {found["size"]:,}, on the clock
(in brackets by what processors computed): {ratios}. {low} to {high} is agreement.{"" if share >= QUIET else busy}
"""


def _command(name: str) -> str:
    return name.replace("--part", "`--part`")


def _ratio(value: float | None) -> str:
    return "" if value is None else f" ({value:.2f})"


def one_image(scan: Found) -> str:
    """Return the section on an image that is scanned in shards of tiles."""
    networks = [one for one in scan["networks"] if one["side"] == 32]
    hours = [scan["threads"] * (HUGE - 31) ** 2 / one["positions_s"]["dense, tiles"] / 3600 for one in networks]
    least, most = hours.index(min(hours)), hours.index(max(hours))
    tiles, size = math.ceil((HUGE - 31) / TILE) ** 2, TILE**2 * CLASSES
    shards = math.ceil(tiles / min(SHARD, LARGEST_PART // size))
    return f"""
## One huge image

A shard of [`scan`](scan.md) is some tiles.
{HUGE:,} x {HUGE:,} pixels at stride 1 are {tiles:,} tiles in {shards:,} shards, and
{HUGE**2 * CLASSES / 1e9:,.0f} GB for {CLASSES} classes in 8 bits. Windows of 32 pixels take, at
[measured rates](results/scan.md), from {large(hours[least])} core-hours (`{networks[least]["layout"]}`) to
{large(hours[most])} (`{networks[most]["layout"]}`).
"""


def page() -> str:
    """Return the page."""
    found, scan, step = (json.loads(path.read_text(encoding="utf-8")) for path in (RESULT, SCAN, STEP))
    rates = Rates(**found["rates"])
    costs = dollars(rates)
    dearest = max(costs, key=lambda name: costs[name])
    return f"""{HEAD}
## From a million to a trillion

From rates of one machine: a photograph of {rates.image_bytes / 1e3:.0f} kB takes {1e3 * rates.decode_s:.1f} ms of a
core to read and decode and {1e3 * rates.predict_s:.1f} ms for the network, of {SIDE} pixels; a process starts in
{rates.start_s:.1f} s; Dask hands over a shard in {1e3 * found["dispatch_s"]:.1f} ms. Assumed: {PRICES.core_hour}
dollars a core-hour, {PRICES.gigabyte_month} a gigabyte and month, {PRICES.million_requests} a million requests;
{8e-9 * PRICES.machine_bytes_s:.0f} Gbit/s for a machine of {MACHINE_CORES} cores, {1e3 * PRICES.latency_s:.0f} ms until
a file begins; {100 * PRICES.slow:.0f} % of the workers {PRICES.slowness:g} times slower; {100 * PRICES.lost:.1f} % of
the shards lost once.
{chr(10).join(scales(found, step))}
Dearest are the {dearest}, {costs[dearest] / costs["cores"]:.1f} times the cores.
{one_image(scan)}
## What breaks first
{chr(10).join(breaks(found))}{checked(found)}
Measured with `{found["command"]}` on {found["processor"]}, {found["cores"]} cores,
{found["date"]}. Training: `{step["command"]}`, {step["date"]}
([decision 20](decisions/0020-shards.md)).
"""


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
