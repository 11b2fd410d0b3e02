"""Occlusion by locality beside forward passes and captum, and the faithfulness of the methods on trained networks.

    python benchmarks/explain.py FOLDER FOLDER

Scope: random weights, one image of noise, patches of a seventh of its side, half a patch apart; processor time of one
thread, the median of two; the logits of both ways must agree to 1e-4. Captum only where it is installed. Then, for
each run folder that is named, `convscope.explain` on test images of the dataset that it was trained on.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from results_file import write
from torch import Tensor

import convscope
from convscope.attribution.locality import logits_without
from convscope.attribution.occlusion import values_of
from convscope.core.records import to_json
from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.layout import Layout

CASES = (
    ("16C5-MP2-32C5-MP2-64N", 28),
    ("16C3-16C3-MP2-32C3-32C3-MP2-64C3-64C3-APg", 96),
    ("16C3/2-16C3-MP2-32C3-32C3-MP2-64C3-64C3-MP2-128C3-APg", 224),
)
BATCH = 64


def processor_seconds(work: Callable[[], Tensor], repeats: int) -> tuple[Tensor, float]:
    """Return what `work` gives, and its median processor time in seconds."""
    found, times = work(), []  # the first one warms up
    for _ in range(repeats):
        started = time.process_time()
        found = work()
        times.append(time.process_time() - started)
    return found, statistics.median(times)


def measure(text: str, side: int, repeats: int) -> dict[str, Any]:
    """Return the times of one network."""
    network = fold(Network(Layout.parse(text), height=side, width=side, channels=3, classes=10, seed=0).eval())
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32))
    patch = side // 7
    firsts = torch.tensor(sorted({*range(0, side - patch + 1, patch // 2), side - patch}))
    patches = torch.cartesian_prod(firsts, firsts)

    def local() -> Tensor:
        stored = values_of(network, image)
        return torch.cat([logits_without(network, stored, some, patch) for some in torch.split(patches, BATCH)])

    def whole() -> Tensor:
        found = []
        for some in torch.split(patches, BATCH):
            without = image.repeat(len(some), 1, 1, 1)
            for one, (row, column) in zip(without, some.tolist(), strict=True):
                one[:, row : row + patch, column : column + patch] = 0
            found.append(network(without))
        return torch.cat(found)

    def captum() -> Tensor:
        from captum.attr import Occlusion  # type: ignore[import-not-found,import-untyped,unused-ignore]

        strides, window = (3, patch // 2, patch // 2), (3, patch, patch)
        found: Tensor = Occlusion(network).attribute(
            image, window, strides=strides, target=0, perturbations_per_eval=BATCH
        )
        return found

    with torch.inference_mode():
        (one, local_s), (other, whole_s) = (processor_seconds(way, repeats) for way in (local, whole))
        difference = float((one - other).abs().max())
        if difference > 1e-4:
            raise SystemExit(f"the two ways differ by {difference} for {text}")
        try:
            captum_s: float | None = processor_seconds(captum, repeats)[1]
        except ImportError:
            captum_s = None
    row = {"layout": text, "side": side, "patches": len(patches), "difference": difference}
    row |= {"local_s": local_s, "forward_s": whole_s, "captum_s": captum_s}
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="FOLDER", help="of trained networks")
    parser.add_argument("--images", type=int, default=50, help="on which faithfulness is measured")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", default="explain")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    occlusion = [measure(text, side, arguments.repeats) for text, side in CASES]
    faithfulness = []
    for run in arguments.runs:
        side = convscope.load(run).preprocessing
        image = np.zeros((1, side.height, side.width, side.channels), np.uint8)
        found = convscope.explain(run, image, faithfulness=arguments.images, progress=True).faithfulness
        faithfulness.append({**to_json(found), "data": "FOLDER"} if found else None)
    scope = (__doc__ or "").strip().splitlines()[0]
    print(write(arguments.output, scope, {"occlusion": occlusion, "faithfulness": faithfulness}))


if __name__ == "__main__":
    main()
