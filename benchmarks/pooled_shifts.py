"""How often a pooled value stays the same when the image moves by one pixel: the old claim, on real maps.

    python benchmarks/pooled_shifts.py --data-dir SETS

The claim: of the eight one-pixel shifts, three leave the output of 2 × 2 max-pooling the same, and five that of 3 × 3.
Scope: the maps of the first convolution of a network of one stage, trained for one epoch on 10,000 images of MNIST,
on 1,000 test images; values over which nothing is (all zero before and after) are counted apart. Beside it, how far
values move: the mean of |difference| over the eight shifts, as a part of the mean of |value|.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from results_file import write
from torch import Tensor, nn

import convscope
from convscope.images.sources.opening import open_source
from convscope.layers.pooling import POOLINGS
from convscope.networks.build import ConvolutionModule, layout_network
from convscope.networks.stages import PoolingStage

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.checks.shifts import unchanged_by_shift


class Values(nn.Module):
    """Keeps the places where the largest value of the window, or of its neighborhood, is not 0."""

    def __init__(self, pooling: nn.Module, window: int) -> None:
        super().__init__()
        self.pooling, self.window = pooling, window

    def forward(self, maps: Tensor) -> Tensor:
        """Return the pooled values, NaN (never the same as anything) where a window holds no value at all."""
        values = self.pooling(maps)
        alive = nn.functional.max_pool2d(maps.abs(), self.window) > 0
        return torch.where(alive, values, torch.nan)


def main() -> None:
    """Train, take the maps, shift, count."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data-dir", type=Path, help="where the named sets are")
    given = options.parse_args()

    source = open_source("mnist", data_dir=given.data_dir)
    stack = source.stack()
    assert stack is not None
    images, labels = np.asarray(stack), source.labels
    some = images[:10_000], labels[:10_000]
    trained = convscope.train(some, layout="16C5-MP2", epochs=1, output=tempfile.mkdtemp(), force=True)
    stage = layout_network(trained.model.network).stages[0]
    assert isinstance(stage, ConvolutionModule)
    stage.pooling = None
    stage.eval()
    tested = torch.from_numpy(images[-1_000:].copy())
    with torch.inference_mode():
        maps = stage(trained.model.network.standardize(tested))[:, :, 1:-1, 1:-1]  # 26 x 26, away from the padding

    results = {}
    print(f"{'':6} {'all values':>12} {'values that are not 0':>24}    of eight one-pixel shifts")
    for window in (2, 3):
        for code in POOLINGS:
            pooling = PoolingStage(code=code, window=window, stride=window).build().eval()
            every = _of_eight(unchanged_by_shift(pooling, maps))
            living = unchanged_by_shift(Values(pooling, window), maps)
            share_alive = float(living[1, 1])  # unmoved, all is the same but what is NaN
            alive = _of_eight(living) / share_alive
            change = relative_change(pooling, maps)
            key = f"{code}{window}"
            results[key] = {"all": every, "alive": alive, "share_alive": share_alive, "change": change}
            print(f"{code}{window:<4} {8 * every:>9.2f}/8 {8 * alive:>21.2f}/8 {change:>10.3f}")
    print(
        write(
            "pooled-shifts", __doc__.strip().splitlines()[0], {"accuracy": trained.report.accuracy.fraction, **results}
        )
    )


def relative_change(pooling: nn.Module, maps: Tensor) -> float:
    """Return how far values move when the maps move by one pixel: mean |difference| ÷ mean |value|, over the eight."""
    height, width = maps.shape[2] - 2, maps.shape[3] - 2
    with torch.inference_mode():
        still = pooling(maps[:, :, 1 : 1 + height, 1 : 1 + width])
        moved = [pooling(maps[:, :, top : top + height, left : left + width]) for top, left in np.ndindex(3, 3)]
        return float(sum((shifted - still).abs().mean() for shifted in moved) / 8 / still.abs().mean())


def _of_eight(shares: np.ndarray) -> float:
    """Return the mean share over the eight shifts by one pixel."""
    return float((shares.sum() - shares[1, 1]) / 8)


if __name__ == "__main__":
    main()
