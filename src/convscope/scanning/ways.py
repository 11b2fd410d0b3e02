"""The ways to compute a classifier at every position: all windows at once, or window by window; and their cost."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.forks import computing
from convscope.core.machine import memory_format
from convscope.networks.folding import fold
from convscope.networks.image_network import ImageNetwork
from convscope.networks.inference import optimize_for_inference
from convscope.networks.model import Model, as_tensor

from .dense import DensePlan, dense_logits, dense_plan
from .grid import Box, Grid

TILES = (512, 448, 384, 256, 192, 128, 96, 64, 48, 32, 16)
"""Sides of tiles, in positions."""
USUAL_TILE, _ENOUGH = 256, 0.95
"""A larger tile brings nothing, unless its edge costs less: 24C5v-MP2-48C3v-MP2-96C3v-MPg with a window of 64 pixels
reaches 0.86 of the rate at its own stride in tiles of 256, 0.87 in those of 384 and 0.93 in those of 512."""
MOST_BYTES = 1 << 30
"""The size of a tile: with more, each sum waits for fresh pages (a third slower on 24C5-MP2-48C3-MP2-96C3-MPg)."""
_BATCH = 256
_BYTES = 4
COPIES = 2.2
"""How much the memory grows by for each number of a plan: sums that are not yet added, other orders, fragments.

Measured on the default layouts: 1.0 to 2.3 times what is stored at once and the largest part together.
"""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a network is computed at every position.

    Attributes:
        name: ``dense`` where every layer has one family, ``families`` where zeros at the window's border make more,
            ``windows`` for window by window; ``tiles`` or ``strips`` of a network of maps.
        macs: for each position.
        window_macs: of one window by itself.
    """

    name: str
    macs: int
    window_macs: int

    @property
    def ratio(self) -> float:
        """How many times less arithmetic it is than window by window."""
        return self.window_macs / max(1, self.macs)


Answers = Callable[[Box, NDArray[np.uint8]], Tensor]
"""Gives the logits of the positions of a tile, K R C, from the pixels that they depend on."""


class Applied(ABC):
    """A network that is applied to regions of an image.

    Attributes:
        way: how, and what it costs.
    """

    way: Way

    @abstractmethod
    def logits(self, region: NDArray[np.uint8]) -> Tensor:
        """Return the logits of all windows in a region, uint8 H W C: K R C."""

    def pixels(self, grid: Grid, box: Box) -> Box:
        """Return the pixels that some positions depend on."""
        return grid.pixels(box)

    def answers(self, grid: Grid, box: Box, region: NDArray[np.uint8]) -> Tensor:
        """Return the logits of some positions, K R C, from the pixels that they depend on."""
        return self.logits(region)

    def begin(self, grid: Grid, read: Callable[[Box], NDArray[np.uint8]]) -> Answers:
        """Return what gives the logits of tile after tile; `read` gives further pixels."""
        return lambda box, region: self.answers(grid, box, region)

    def order(self, grid: Grid, tiles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return tiles, ascending, in the order in which they are computed."""
        return tiles

    def share(self, windows: int) -> float:
        """Return the share of the arithmetic for a tile of windows × windows that its edge does not cost."""
        return 1.0

    @abstractmethod
    def values(self, windows: int) -> int:
        """Return the numbers in memory for a tile of windows × windows."""


@final
class AppliedDensely(Applied):
    """A network whose windows are computed all at once."""

    def __init__(self, model: Model, plan: DensePlan, way: Way) -> None:
        self.plan, self.way = plan, way
        self._network = fold(model.network)
        self._network.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one

    def logits(self, region: NDArray[np.uint8]) -> Tensor:
        """Return the logits of all windows in a region."""
        with torch.inference_mode(), computing():
            return dense_logits(self._network, self.plan, self._network.standardize(as_tensor(region)[None]))[0]

    def share(self, windows: int) -> float:
        """Return the share of the arithmetic that the edge of a tile does not cost."""
        return self.plan.share(windows)

    def values(self, windows: int) -> int:
        """Return the numbers in memory for a tile."""
        return int(COPIES * (self.plan.values(windows) + self.plan.largest(windows)))


@final
class AppliedByWindow(Applied):
    """A network whose windows are computed one by one, in batches."""

    def __init__(self, model: Model, stride: int) -> None:
        self._model, self._stride = model, stride
        alone = fold(model.network).plan.macs
        self.way = Way(name="windows", macs=alone, window_macs=alone)
        self._network = optimize_for_inference(model.network)
        self._batch = min(_BATCH, model.batch)

    def logits(self, region: NDArray[np.uint8]) -> Tensor:
        """Return the logits of all windows in a region."""
        size = self._model.preprocessing.size
        views = np.lib.stride_tricks.sliding_window_view(region, size, axis=(0, 1))
        views = views[:: self._stride, :: self._stride].transpose(0, 1, 3, 4, 2)  # R C h w channels
        rows, columns = views.shape[:2]
        result = torch.empty(rows * columns, len(self._model.classes), device=self._network.device)
        for start in range(0, rows * columns, self._batch):
            places = np.unravel_index(np.arange(start, min(start + self._batch, rows * columns)), (rows, columns))
            result[start : start + self._batch] = window_logits(self._network, views[places])
        return result.T.reshape(-1, rows, columns)

    def values(self, windows: int) -> int:
        """Return the numbers in memory for a tile."""
        return 2 * self._batch * self._model.network.plan.stored_values + windows * windows * len(self._model.classes)


def window_logits(network: ImageNetwork, windows: NDArray[np.uint8]) -> Tensor:
    """Return the logits of windows by themselves, N K, from uint8 N H W C."""
    with torch.inference_mode(), computing():
        return network(as_tensor(np.ascontiguousarray(windows)))  # type: ignore[no-any-return]  # modules return Any


def applied(model: Model, stride: int, *, way: str = "") -> Applied:
    """Return the network as it is applied, by the way of least arithmetic; never more than window by window.

    Args:
        model: classifies images.
        stride: pixels between neighboring positions.
        way: where it was chosen before; empty to choose.

    Raises:
        DataError: a weight of the network becomes infinite where it is folded.
    """
    folded = fold(model.network)
    alone = folded.plan.macs
    plan = None if way == "windows" else dense_plan(folded.graph, stride)
    if plan is None or (not way and plan.macs > alone):
        return AppliedByWindow(model, stride)
    name = "dense" if plan.is_single else "families"
    return AppliedDensely(model, plan, Way(name=name, macs=plan.macs, window_macs=alone))


def own_stride(model: Model) -> int:
    """Return the pixels between neighboring values of the network's last map: its own stride."""
    graph = fold(model.network).graph
    strides = [
        int(field.stride)
        for name, fields in graph.fields.items()
        for field, side in zip(fields, (graph.shapes[name].rows, graph.shapes[name].columns), strict=True)
        if side > 1
    ]
    return max(1, min(*model.preprocessing.size, max(strides, default=1)))


def fitting_tile(
    used: Applied, memory: int, *, region_bytes: int, bands_bytes: int, most: int, reach: int = 0
) -> tuple[int, int]:
    """Return the largest side of a tile that the memory has room for, a multiple of 16, and its bytes.

    The least tile may need more than the memory.

    Args:
        used: the network.
        memory: bytes for all of it.
        region_bytes: of a pixel as it is read.
        bands_bytes: of a position as it is stored, and of its probabilities.
        most: positions along the longer side of the result.
        reach: positions around a tile that are computed with it.
    """
    largest = max(TILES) if used.share(USUAL_TILE) < _ENOUGH else USUAL_TILE
    tile = needed = 0
    for tile in (tile for tile in TILES if tile <= largest):
        side = tile + 2 * reach
        needed = _BYTES * used.values(side) + 2 * side * side * (region_bytes + bands_bytes)
        if needed <= min(memory, MOST_BYTES) and tile < most + 16:
            break
    return tile, needed
