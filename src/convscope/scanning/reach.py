"""What the layers of a network read along both sides of an image: which rows and columns, for which of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution, Padding, Pooling, Resize, TransposedConvolution
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Graph, Node

Span = tuple[int, int]
"""The first of some rows (or columns) of a layer, and the one behind the last."""
BYTES = 4
_FAST_BYTES = 1 << 28
"""The size of a strip's values: every strip costs calls, and copies of its last rows. On two threads a U-Net on 2,048
columns reaches 0.64 of the speed of the whole in strips of 32 rows, 0.76 of 64, 0.80 of 128 and 0.87 of 256."""
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
                total += int(each * length(rows[node.name]) * length(columns[node.name]))
        return total

    def values(self, added: int, columns: Mapping[str, Span]) -> int:
        """Return the largest number of values stored at once while so many rows of the output are added."""
        size = self.size(self.graph.output.name, 0)
        end = min(size, (size // 2 // added + 1) * added)
        have = {name: span[1] for name, span in self.needed((0, end), 0).items()}
        before = self.needed((0, end - added), 0) if end > added else {}
        had = {name: before[name][1] if before else 0 for name in have}
        wide = {name: self.graph.shapes[name].maps * length(span) for name, span in columns.items()}
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

    def narrowed(self, node: Node, spans: tuple[Span, Span]) -> tuple[Node, list[tuple[Span, Span]], tuple[int, int]]:
        """Return a layer that gives some of its rows and columns, what it reads, and where the first one is."""
        reads = [
            (self.read(node, index, spans[0], 0), self.read(node, index, spans[1], 1))
            for index in range(len(node.inputs))
        ]
        sides = [self._side(node, axis, spans[axis], reads[0][axis]) for axis in (0, 1)]
        settings = {name: value for side, _ in sides for name, value in side.items()}
        if settings:
            node = replace(node, layer=replace(node.layer, **settings))  # type: ignore[type-var]  # all are records
        return node, reads, (sides[0][1], sides[1][1])

    def _side(self, node: Node, axis: int, span: Span, read: Span) -> tuple[dict[str, Any], int]:
        """Return the settings of a layer along a side that sees a part of it, and which of its values is the first."""
        layer, below, name = node.layer, self.size(node.inputs[0], axis), ("rows", "columns")[axis]
        window = _window(layer, axis)
        if isinstance(layer, (Convolution, Pooling)) and window is not None:
            first = span[0] * window.stride - window.before
            last = (span[1] - 1) * window.stride - window.before + window.extent
            before, after = max(0, -first), max(0, last - below)
            if isinstance(layer, Convolution) and window.stride == 1:
                # Zeros on both sides alike are faster than maps that are padded first.
                both = max(before, after)
                return {name: replace(window, before=both, after=both)}, both - before
            return {name: replace(window, before=before, after=after)}, 0
        if isinstance(layer, TransposedConvolution) and window is not None:
            plain = {name: replace(window, before=0, after=0), f"extra_{name}": 0}
            return plain, span[0] + window.before - read[0] * window.stride
        if isinstance(layer, Padding):
            ends, before = (("top", "bottom"), ("left", "right"))[axis], (layer.top, layer.left)[axis]
            return {ends[0]: read[0] - span[0] + before, ends[1]: span[1] - before - read[1]}, 0
        if isinstance(layer, Resize):
            scale = Fraction(self.size(node.name, axis), below)
            return {name: int(length(read) * scale)}, span[0] - int(read[0] * scale)
        return {}, 0


def _window(layer: Layer, axis: int) -> Window | None:
    """Return the window of a layer along a side; None if it has none."""
    found = getattr(layer, ("rows", "columns")[axis], None)
    return found if isinstance(found, Window) else None


def length(span: Span) -> int:
    """Return how many rows (or columns) a span has."""
    return span[1] - span[0]
