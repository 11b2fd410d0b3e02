"""A network of maps over an image in strips of rows: each layer computes only the rows that it does not have yet.

Of every layer the last rows are kept, as many as the layers above it have still to read; so nothing is computed twice
from one strip to the next, however large the receptive field. Stripes of an image that is too wide for the memory are
computed one after another; only their sides are computed twice, of each layer as many columns as it takes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, final

import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.forks import computing
from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution, Padding, Pooling, Resize, TransposedConvolution
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import as_tensor

from .grid import Box

Span = tuple[int, int]
"""The first of some rows (or columns) of a layer, and the one behind the last."""
BYTES = 4
_FAST_BYTES = 1 << 26
"""Of the values of a strip: a U-Net on 2,048 columns took 0.9 s with 27 or 51 MB, 1.2 s with 99, 1.8 s with 195, and
2.1 s as a whole."""
_LEAST_ROWS = 16  # of the image: shorter strips are mostly calls


def can_stream(graph: Graph) -> bool:
    """Return whether every layer of a graph says which rows it reads."""
    return all(_can_stream(node.layer) for node in graph.nodes)


def _can_stream(layer: Layer) -> bool:
    if isinstance(layer, Pooling):
        return layer.rows is not None and not layer.ceil and layer.kind.sees != "around"
    if isinstance(layer, Padding):
        return layer.mode in ("constant", "edge")
    if isinstance(layer, TransposedConvolution):
        return layer.extra_rows <= layer.rows.after and layer.extra_columns <= layer.columns.after
    return isinstance(layer, (Convolution, Resize)) or type(layer).taps is Layer.taps


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What the layers of a network read along both sides of an image.

    Attributes:
        graph: of the whole image.
    """

    graph: Graph

    def size(self, name: str, axis: int) -> int:
        """Return the rows (axis 0) or columns (1) of a layer."""
        shape = self.graph.shapes[name]
        return (shape.rows, shape.columns)[axis]

    def read(self, node: Node, index: int, span: Span, axis: int) -> Span:
        """Return what a layer reads of one of its inputs for some of its rows or columns."""
        layer, below = node.layer, self.size(node.inputs[index], axis)
        first, end = span
        window = _window(layer, axis)
        if index == 0 and isinstance(layer, (Convolution, Pooling)) and window is not None:
            first, end = (
                first * window.stride - window.before,
                (end - 1) * window.stride - window.before + window.extent,
            )
        elif isinstance(layer, TransposedConvolution) and window is not None:
            first = -(-(first + window.before - window.extent + 1) // window.stride)
            end = (end - 1 + window.before) // window.stride + 1
        elif isinstance(layer, Padding):
            before = (layer.top, layer.left)[axis]
            first, end = min(first - before, below - 1), max(end - before, 1)
        elif isinstance(layer, Resize):
            step = Fraction(below, self.size(node.name, axis))
            whole = step.numerator  # steps of so many below are steps of whole rows here
            first = (int(first * step) - 1) // whole * whole
            end = -(-(int(end * step) + 2) // whole) * whole
        elif below == 1:  # one value for all
            first, end = 0, 1
        return max(0, first), min(below, end)

    def needed(self, span: Span, axis: int) -> dict[str, Span]:
        """Return what every layer, and the image, must have for some rows or columns of the output."""
        result = {self.graph.output.name: span}
        for node in reversed(self.graph.nodes):
            if node.name in result:
                for index, below in enumerate(node.inputs):
                    read = self.read(node, index, result[node.name], axis)
                    known = result.get(below, read)
                    result[below] = min(known[0], read[0]), max(known[1], read[1])
        return result

    def macs(self, columns: Mapping[str, Span]) -> int:
        """Return the multiply-accumulate operations of a stripe with all its rows; `columns` are from `needed`."""
        rows, total = self.needed((0, self.size(self.graph.output.name, 0)), 0), 0
        for node in self.graph.nodes:
            if node.name in columns:
                shape = self.graph.shapes[node.name]
                each = Fraction(node.layer.macs(self.graph.inputs_of(node)), shape.rows * shape.columns)
                total += int(each * _length(rows[node.name]) * _length(columns[node.name]))
        return total

    def values(self, added: int, columns: Mapping[str, Span]) -> int:
        """Return the largest number of values stored at once while so many rows of the output are added."""
        size = self.size(self.graph.output.name, 0)
        end = min(size, (size // 2 // added + 1) * added)
        have = {name: span[1] for name, span in self.needed((0, end), 0).items()}
        before = self.needed((0, end - added), 0) if end > added else {}
        had = {name: before[name][1] if before else 0 for name in have}
        wide = {name: self.graph.shapes[name].maps * _length(span) for name, span in columns.items()}
        kept = {name: (have[name] - self.kept(name, have)) * wide[name] for name in wide}
        stored, most = sum(kept.values()), 0
        for node in (None, *self.graph.nodes):
            name = IMAGE if node is None else node.name
            if name in wide:
                stored += (have[name] - had[name]) * wide[name]
                most = max(most, stored + (have[name] - had[name]) * wide[name])  # joined with what was kept
                for below in () if node is None else set(node.inputs):
                    if self.graph.readers[below][-1] == name:
                        stored -= (have[below] - had[below]) * wide[below]
        return most

    def added(self, tile: int, columns: Mapping[str, Span]) -> int:
        """Return the rows of the output that are added at once: a half of a tile, and so on, until they are fast."""
        added, step = tile, self.size(IMAGE, 0) // self.size(self.graph.output.name, 0)
        while added % 2 == 0 and added * step > _LEAST_ROWS and BYTES * self.values(added, columns) > _FAST_BYTES:
            added //= 2
        return added

    def kept(self, name: str, have: Mapping[str, int]) -> int:
        """Return the first row of a layer that is read again, when the layers have their first `have` rows."""
        firsts = [have[name]]
        for reader in self.graph.readers[name]:
            node = self.graph.by_name[reader]
            if reader in have and have[reader] < self.size(reader, 0):
                span = have[reader], have[reader] + 1
                firsts += [self.read(node, index, span, 0)[0] for index, one in enumerate(node.inputs) if one == name]
        return min(firsts)

    def compute(self, network: GraphNetwork, node: Node, spans: tuple[Span, Span], sources: list["Kept"]) -> Tensor:
        """Return some rows and columns of a layer from what is kept of its inputs."""
        read = [
            tuple(self.read(node, index, span, axis) for axis, span in enumerate(spans))
            for index in range(len(sources))
        ]
        inputs = [source.cut(*both) for source, both in zip(sources, read, strict=True)]
        sides = [self._side(node, axis, spans[axis], read[0][axis]) for axis in (0, 1)]
        settings = {name: value for side, _ in sides for name, value in side.items()}
        if settings:
            node = replace(node, layer=replace(node.layer, **settings))  # type: ignore[type-var]  # all are records
        values = network.compute(node, inputs)
        (top, left), (rows, columns) = (side[1] for side in sides), map(_length, spans)
        return values[:, :, top : top + rows, left : left + columns]

    def _side(self, node: Node, axis: int, span: Span, read: Span) -> tuple[dict[str, Any], int]:
        """Return the settings of a layer along a side that sees a part of it, and which of its values is the first."""
        layer, below, name = node.layer, self.size(node.inputs[0], axis), ("rows", "columns")[axis]
        window = _window(layer, axis)
        if isinstance(layer, (Convolution, Pooling)) and window is not None:
            first = span[0] * window.stride - window.before
            last = (span[1] - 1) * window.stride - window.before + window.extent
            return {name: replace(window, before=max(0, -first), after=max(0, last - below))}, 0
        if isinstance(layer, TransposedConvolution) and window is not None:
            plain = {name: replace(window, before=0, after=0), f"extra_{name}": 0}
            return plain, span[0] + window.before - read[0] * window.stride
        if isinstance(layer, Padding):
            ends, before = (("top", "bottom"), ("left", "right"))[axis], (layer.top, layer.left)[axis]
            return {ends[0]: read[0] - span[0] + before, ends[1]: span[1] - before - read[1]}, 0
        if isinstance(layer, Resize):
            scale = Fraction(self.size(node.name, axis), below)
            return {name: int(_length(read) * scale)}, span[0] - int(read[0] * scale)
        return {}, 0


def _window(layer: Layer, axis: int) -> Window | None:
    """Return the window of a layer along a side; None if it has none."""
    found = getattr(layer, ("rows", "columns")[axis], None)
    return found if isinstance(found, Window) else None


def _length(span: Span) -> int:
    return span[1] - span[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Kept:
    """Values of a layer, 1 C H W, and the row and column of the first one."""

    values: Tensor
    row: int
    column: int

    def cut(self, rows: Span, columns: Span) -> Tensor:
        """Return some of them."""
        return self.values[
            :, :, rows[0] - self.row : rows[1] - self.row, columns[0] - self.column : columns[1] - self.column
        ]


@final
class Stream:
    """The strips of one stripe, one after another; from any other one it begins so early that the bits are the same.

    Args:
        network: gives maps.
        reach: of the whole image.
        added: rows of the output in a strip.
        columns: of the output.
        read: gives pixels, uint8 H W C.
    """

    def __init__(
        self, network: GraphNetwork, reach: Reach, *, added: int, columns: Span, read: Callable[[Box], NDArray[Any]]
    ) -> None:
        self.columns = columns
        self._network, self._reach, self._added, self._read = network, reach, added, read
        self._wide = reach.needed(columns, 1)
        self._have: dict[str, int] = {}
        self._kept: dict[str, Kept] = {}
        self._next = -1

    def strip(self, number: int) -> Tensor:
        """Return a strip, K R C."""
        if number != self._next:
            self._next = self._start(number)
            self._have = {name: span[0] for name, span in self._reach.needed(self._span(self._next), 0).items()}
            self._kept = {}
            while self._next < number:
                self._advance()
        return self._advance()

    def rows(self, first: int, count: int) -> Tensor:
        """Return the rows of whole strips, K R C."""
        last = -(-(first + count) // self._added)
        return torch.cat([self.strip(number) for number in range(first // self._added, last)], dim=1)

    def _span(self, number: int) -> Span:
        size = self._reach.size(self._reach.graph.output.name, 0)
        return number * self._added, min(size, (number + 1) * self._added)

    def _start(self, number: int) -> int:
        """Return the strip to begin with: no value of its own, whose strips are others, reaches strip `number`."""
        reached = self._reach.needed(self._span(number), 0)
        for start in range(number - 1, 0, -1):
            needed = self._reach.needed(self._span(start), 0)
            if all(needed[name][1] <= span[0] for name, span in reached.items()):
                return start
        return 0

    def _advance(self) -> Tensor:
        needed, graph = self._reach.needed(self._span(self._next), 0), self._reach.graph
        left = {name: sum(reader in self._wide for reader in set(readers)) for name, readers in graph.readers.items()}
        with torch.inference_mode(), computing():
            for name in (IMAGE, *(node.name for node in graph.nodes if node.name in self._wide)):
                rows = self._have[name], max(self._have[name], needed[name][1])
                if _length(rows):
                    self._keep(name, self._values(name, (rows, self._wide[name])), rows)
                for below in () if name == IMAGE else set(graph.by_name[name].inputs):
                    left[below] -= 1
                    if not left[below]:
                        self._give_up(below)
        self._next += 1
        return self._kept.pop(graph.output.name).values[0].float()

    def _values(self, name: str, spans: tuple[Span, Span]) -> Tensor:
        """Return new rows of a layer or of the image."""
        if name == IMAGE:
            (row, _), (column, _) = spans
            pixels = self._read(Box(row=row, column=column, rows=_length(spans[0]), columns=_length(spans[1])))
            return self._network.standardize(as_tensor(pixels)[None])
        node = self._reach.graph.by_name[name]
        return self._reach.compute(self._network, node, spans, [self._kept[below] for below in node.inputs])

    def _keep(self, name: str, values: Tensor, rows: Span) -> None:
        before = self._kept.get(name)
        if before is not None and before.values.shape[2]:
            self._kept[name] = replace(before, values=torch.cat([before.values, values], dim=2))
        else:
            self._kept[name] = Kept(values=values, row=rows[0], column=self._wide[name][0])
        self._have[name] = rows[1]

    def _give_up(self, name: str) -> None:
        """Give up the rows that nothing reads again."""
        kept, first = self._kept[name], self._reach.kept(name, self._have)
        self._kept[name] = replace(kept, values=kept.values[:, :, first - kept.row :].clone(), row=first)


@final
class Strips:
    """The maps of tiles, cut out of the strips of their stripes.

    Args:
        network: gives maps.
        reach: of the whole image.
        tile: side of a tile.
        wide: columns of a stripe.
        read: gives pixels, uint8 H W C.
    """

    def __init__(
        self, network: GraphNetwork, reach: Reach, *, tile: int, wide: int, read: Callable[[Box], NDArray[Any]]
    ) -> None:
        self._network, self._reach, self._tile, self._wide, self._read = network, reach, tile, wide, read
        self._stream: Stream | None = None
        self._at, self._strip = (-1, -1), torch.empty(0)

    def __call__(self, box: Box, region: NDArray[Any]) -> Tensor:
        """Return the maps of a tile, K R C."""
        at = box.column // self._wide, box.row // self._tile
        first = at[0] * self._wide
        if self._stream is None or at[0] != self._at[0]:
            columns = first, min(self._reach.size(self._reach.graph.output.name, 1), first + self._wide)
            added = self._reach.added(self._tile, self._reach.needed(columns, 1))
            self._stream = Stream(self._network, self._reach, added=added, columns=columns, read=self._read)
        if at != self._at:
            self._at, self._strip = at, self._stream.rows(box.row, box.rows)
        return self._strip[:, : box.rows, box.column - first : box.column - first + box.columns]


def stripes(columns: int, wide: int) -> Iterator[Span]:
    """Give the stripes of a map, each `wide` columns."""
    return ((first, min(columns, first + wide)) for first in range(0, columns, wide))
