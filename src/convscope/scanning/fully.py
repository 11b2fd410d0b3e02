"""A network whose answer are maps, such as a segmentation, applied to an image of any size in tiles that join exactly.

A tile reads what its values depend on, by the exact receptive fields, from a pixel that is a multiple of every stride.
Zeros are put around the image only, as if it had been computed as a whole.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.forks import computing
from convscope.core.machine import memory_format
from convscope.layers.geometry import MapShape
from convscope.layers.kinds import Flatten, InstanceBased, Linear, LocallyConnected, Pooling, Resize
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.model import Model, as_tensor

from .grid import Box, Grid
from .reach import BYTES, Reach, can_stream
from .streaming import Strips, stripes
from .ways import COPIES, TILES, USUAL_TILE, Answers, Applied, Way

_NEARLY = 1.01  # times the least MACs: then larger tiles count, which have longer sums


def at_size(graph: Graph, rows: int, columns: int) -> Graph:
    """Return the graph on images of another size; what is resized, is by the same factor.

    Raises:
        DataError: a layer reads the whole image, or a factor does not fit the size.
    """
    shapes = {IMAGE: MapShape(maps=graph.image.maps, rows=rows, columns=columns)}
    nodes: list[Node] = []
    for node in graph.nodes:
        layer, below = node.layer, graph.inputs_of(node)[0]
        whole = isinstance(layer, Pooling) and layer.rows is None
        single = isinstance(layer, (Linear, Flatten, InstanceBased)) and below.rows * below.columns > 1
        if whole or single or isinstance(layer, LocallyConnected) or (isinstance(layer, Resize) and layer.corners):
            raise DataError(
                f"A network whose answer are maps must look at parts of an image to be scanned. Got {node.name} "
                f"({layer.notation}), which reads the whole image."
            )
        if isinstance(layer, Resize):
            here = shapes[node.inputs[0]]
            sides = Fraction(here.rows * layer.rows, below.rows), Fraction(here.columns * layer.columns, below.columns)
            if any(side.denominator > 1 for side in sides):
                raise DataError(f"{node.name} cannot resize {here} by the same factor. Use another size.")
            layer = replace(layer, rows=int(sides[0]), columns=int(sides[1]))
        nodes.append(replace(node, layer=layer))
        shapes[node.name] = layer.shape([shapes[name] for name in node.inputs])
    return Graph(nodes=tuple(nodes), image=shapes[IMAGE])


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The strides of a network of maps.

    Attributes:
        own: pixels between neighboring values of its maps.
        align: every tile begins at a multiple of it.
    """

    own: int
    align: int


def steps_of(graph: Graph) -> Steps:
    """Return the strides of a graph, the same down and across.

    Raises:
        DataError: they differ, or are below one pixel.
    """
    down, across = graph.fields[graph.output.name]
    numerators = [Fraction(field.stride).numerator for fields in graph.fields.values() for field in fields]
    if down.stride != across.stride or down.stride != int(down.stride):
        raise DataError(f"A network to scan must have one stride, of whole pixels. Got {down.stride}, {across.stride}.")
    return Steps(own=int(down.stride), align=math.lcm(*numerators))


@final
class AppliedFully(Applied):
    """A network of maps, in tiles.

    Args:
        model: gives maps.
        size: rows and columns of the image, multiples of `align`.

    Attributes:
        stripe: tiles side by side that are computed together, strip by strip; 0 for each tile by itself.
        way: its cost is that of the stripes, see `in_stripes`.
    """

    def __init__(self, model: Model, size: tuple[int, int]) -> None:
        self._network = fold(model.network)
        self._network.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one
        self.steps, self._size = steps_of(self._network.graph), size
        self.stripe, self.way = 0, Way(name="tiles", macs=0, window_macs=0)
        self._reach = Reach(graph=at_size(self._network.graph, *size))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the maps of the whole image."""
        rows, columns = (self._reach.size(self._reach.graph.output.name, axis) for axis in (0, 1))
        return rows, columns

    @property
    def streams(self) -> bool:
        """Whether it can be computed in strips."""
        return can_stream(self._reach.graph)

    def strips(self, memory: int) -> tuple[int, int, int]:
        """Return the side of the tiles, how many side by side, and the bytes, of the strips that memory has room for.

        The widest stripes of each side are compared by MACs. The least strips may need more than the memory.
        """
        found = []
        for tile in (tile for tile in TILES if tile <= USUAL_TILE):
            if tile < max(self.shape) + 16 or tile == TILES[-1]:
                stripe, needed = self._widest(tile, memory)
                if needed <= memory or tile == TILES[-1]:
                    spans = stripes(self.shape[1], stripe * tile)
                    macs = sum(self._reach.macs(self._reach.needed(span, 1)) for span in spans)
                    found.append((macs, tile, stripe, needed))
        least = min(macs for macs, *_ in found)
        return next((tile, stripe, needed) for macs, tile, stripe, needed in found if macs <= _NEARLY * least)

    def _widest(self, tile: int, memory: int) -> tuple[int, int]:
        """Return the tiles of the widest stripe that the memory has room for, at least one, and the bytes it takes."""
        tiles, parts, output = -(-self.shape[1] // tile), 1, self._reach.graph.output.name
        while True:
            stripe = -(-tiles // parts)
            spans = list(stripes(self.shape[1], stripe * tile))
            columns = self._reach.needed(spans[len(spans) // 2], 1)
            values = self._reach.values(self._reach.added(tile, columns), columns)
            answers = self._reach.graph.shapes[output].maps * tile * stripe * tile
            sides = (tile * self.steps.own + field.size for field in self._reach.graph.fields[output])
            region = math.prod(sides) * self._reach.graph.image.maps  # read for the key of a tile
            needed = int(BYTES * (COPIES * values + 2 * answers) + 2 * region)
            if needed <= memory or stripe == 1:
                return stripe, needed
            parts = min(tiles, max(parts + 1, parts * needed // memory))

    def in_stripes(self, stripe: int, grid: Grid) -> None:
        """Set the tiles that are computed together, and with them the cost."""
        self.stripe = stripe
        total, alone = self.macs(grid)
        self.way = Way(name="strips" if stripe else "tiles", macs=total // grid.positions, window_macs=alone)

    def begin(self, grid: Grid, read: Callable[[Box], NDArray[np.uint8]]) -> Answers:
        """Return what gives the maps of tile after tile."""
        if not self.stripe:
            return super().begin(grid, read)
        return Strips(self._network, self._reach, tile=grid.tile, wide=self.stripe * grid.tile, read=read)

    def order(self, grid: Grid, tiles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return tiles, ascending, stripe by stripe."""
        return tiles[np.argsort(tiles % grid.tiles[1] // (self.stripe or grid.tiles[1]), kind="stable")]

    def macs(self, grid: Grid) -> tuple[int, int]:
        """Return the multiply-accumulate operations of all tiles, and of one position by itself."""
        middle = Box(row=grid.shape[0] // 2, column=grid.shape[1] // 2, rows=1, columns=1)
        if self.stripe:
            spans = stripes(grid.shape[1], self.stripe * grid.tile)
            total = sum(self._reach.macs(self._reach.needed(span, 1)) for span in spans)
        else:
            total = sum(self._alone(self.pixels(grid, box)) for _, box in grid.every_box())
        return total, self._alone(self.pixels(grid, middle))

    def _alone(self, pixels: Box) -> int:
        """Return the operations of a rectangle of pixels by itself."""
        graph = self._reach.graph
        whole = sum(node.layer.macs(graph.inputs_of(node)) for node in graph.nodes)
        return whole * pixels.count // (graph.image.rows * graph.image.columns)

    def pixels(self, grid: Grid, box: Box) -> Box:
        """Return the pixels that some positions depend on."""
        sides = []
        fields = self._network.graph.fields[self._network.graph.output.name]
        for field, first, count, size in zip(
            fields, (box.row, box.column), (box.rows, box.columns), self._size, strict=True
        ):
            start = max(0, field.first(first)) // self.steps.align * self.steps.align
            end = math.floor(field.start + (first + count - 1) * field.stride) + field.size
            end = min(size, -(-max(end, start + 1) // self.steps.align) * self.steps.align)
            sides.append((start, end - start))
        return Box(row=sides[0][0], column=sides[1][0], rows=sides[0][1], columns=sides[1][1])

    def answers(self, grid: Grid, box: Box, region: NDArray[np.uint8]) -> Tensor:
        """Return the maps at some positions, K R C, from the pixels that they depend on."""
        pixels = self.pixels(grid, box)
        row, column = box.row - pixels.row // self.steps.own, box.column - pixels.column // self.steps.own
        return self.logits(region)[:, row : row + box.rows, column : column + box.columns]

    def logits(self, region: NDArray[np.uint8]) -> Tensor:
        """Return the maps of a region by itself."""
        graph = at_size(self._network.graph, *region.shape[:2])
        with torch.inference_mode(), computing():
            values = {IMAGE: self._network.standardize(as_tensor(region)[None])}
            left = {name: len(readers) for name, readers in graph.readers.items()}
            for node in graph.nodes:
                values[node.name] = self._network.compute(node, [values[name] for name in node.inputs])
                for name in node.inputs:
                    left[name] -= 1
                    if not left[name]:
                        values.pop(name, None)
        return values[graph.output.name][0].float()

    def values(self, windows: int) -> int:
        """Return the numbers in memory for a tile."""
        box = self.pixels(
            Grid(image=self._size, window=(1, 1), stride=1, tile=16),
            Box(row=0, column=0, rows=windows, columns=windows),
        )
        graph = self._network.graph
        return 2 * graph.live() * box.rows * box.columns // (graph.image.rows * graph.image.columns)
