"""A network applied densely: its answer for every window of a region, each value computed once for all windows."""

import enum
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from convscope.layers.geometry import Window
from convscope.layers.kinds import Convolution
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.layers.sliding import Run, SlidingInput, added, tapped, taps_of
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork

from .families import Family, Sides, families

_ADDITION = 40
"""What adding two maps costs, in weighted sums over one channel: it waits for memory."""


class Sharing(enum.IntEnum):
    """What the families of a node share: nothing, the sums over rows of taps, or the single taps of these rows too."""

    NOTHING = 0
    ROWS = 1
    TAPS = 2


class Part(NamedTuple):
    """A family of a node, or what several of its families share: the sum over one row of its taps, or one tap alone.

    Attributes:
        name: of the node.
        row, column: numbers of the family; of a sum over a row of taps, `row` is that of the family below, and of one
            tap both are.
        tap: number of the row of taps; −1 of a whole family.
        spot: number of the tap in its row; −1 of the whole row.
    """

    name: str
    row: int
    column: int
    tap: int = -1
    spot: int = -1


_PIXELS = Part(IMAGE, 0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class DensePlan:
    """How a network is computed for all windows at once.

    Attributes:
        graph: of one window, with a vector as output.
        stride: pixels between neighboring windows.
        down, across: the families along each side.
        sharing: what the families of each node share.
    """

    graph: Graph
    stride: int
    down: Sides
    across: Sides
    sharing: Mapping[str, Sharing]

    @property
    def is_single(self) -> bool:
        """Whether every layer has one family: no zeros at the window's border."""
        return all(len(side[node]) == 1 for side in (self.down, self.across) for node in side)

    @functools.cached_property
    def order(self) -> tuple[Part, ...]:
        """All parts, each behind those that it reads, depth first, so that they can be given up early."""
        order: dict[Part, None] = {}
        waiting: list[tuple[Part, bool]] = [(Part(self.graph.output.name, 0, 0), False)]
        while waiting:
            part, is_ready = waiting.pop()
            if part in order or part.name == IMAGE:
                continue
            if is_ready:
                order[part] = None
                continue
            waiting.append((part, True))
            waiting.extend((read, False) for read in reversed(self.reads(part)))
        return tuple(order)

    @functools.cached_property
    def uses(self) -> Mapping[Part, int]:
        """How many parts read each of them."""
        uses: dict[Part, int] = {}
        for part in self.order:
            for read in self.reads(part):
                uses[read] = uses.get(read, 0) + 1
        return uses

    def reads(self, part: Part) -> list[Part]:
        """Return the parts that a part reads, each once."""
        inputs = self.graph.by_name[part.name].inputs
        if part.spot >= 0:
            return [Part(inputs[0], part.row, part.column)]
        across, sharing = self.across[part.name][part.column], self.sharing[part.name]
        if part.tap >= 0 and sharing is Sharing.TAPS:
            return [part._replace(column=family, spot=spot) for family, spot in taps_of(across.runs[0])]
        if part.tap >= 0:
            return list(dict.fromkeys(Part(inputs[0], part.row, run.family) for run in across.runs[0]))
        down = self.down[part.name][part.row]
        read = dict.fromkeys(self.rows_of(part) if sharing else ())
        for index, below in enumerate(inputs):
            if index or not sharing:
                pairs = ((one, other) for other in across.runs[index] for one in down.runs[index])
                read |= dict.fromkeys(Part(below, one.family, other.family) for one, other in pairs)
        return list(read)

    def rows_of(self, part: Part) -> list[Part]:
        """Return the sums over rows of taps that make a family."""
        down = self.down[part.name][part.row]
        return [part._replace(row=family, tap=tap) for family, tap in taps_of(down.runs[0])]

    @functools.cached_property
    def macs(self) -> int:
        """Multiply-accumulate operations for each window."""
        return sum(self._macs(node) for node in self.graph.nodes if node.name in self.down)

    def _macs(self, node: Node) -> int:
        inputs = self.graph.inputs_of(node)
        taps, total = node.layer.taps(inputs), node.layer.macs(inputs)
        if not total or taps is None:
            return 0
        shape = self.graph.shapes[node.name]
        full = max(map(len, taps[0][0])) * max(map(len, taps[1][0])) * shape.rows * shape.columns
        rows, columns = (self._taps(side[node.name]) for side in (self.down, self.across))
        sharing = self.sharing[node.name]
        if sharing:
            rows = len(_different(self.down[node.name])) * (self.stride // self.down[node.name][0].grid)
        if sharing is Sharing.TAPS:
            columns = len(_different(self.across[node.name])) * (self.stride // self.across[node.name][0].grid)
        return total * rows * columns // full

    def share(self, windows: int) -> float:
        """Return the share of the arithmetic for windows × windows neighboring windows that their edge does not cost.

        Examples:
            >>> from convscope.networks.build import Network
            >>> from convscope.networks.layout import Layout
            >>> network = Network(Layout.parse("24C5v-MP2-96C3v-MPg"), height=64, width=64, channels=1, classes=10)
            >>> plan = dense_plan(network.graph, 1)
            >>> round(plan.share(256), 2), round(plan.share(512), 2)
            (0.69, 0.82)
        """
        total = 0.0
        for node in self.graph.nodes:
            if node.name in self.down and (macs := self._macs(node)):
                rows, columns = (
                    sum(one.length(windows, self.stride) * one.grid for one in side[node.name]) / len(side[node.name])
                    for side in (self.down, self.across)
                )
                total += macs * rows * columns / (windows * self.stride) ** 2
        return self.macs / max(1.0, total)

    def _taps(self, side: tuple[Family, ...]) -> int:
        """Return the taps along a side that are read for each window, in all families."""
        return sum(family.read * (self.stride // family.grid) for family in side)

    def values(self, windows: int) -> int:
        """Return the largest number of values stored at once for windows × windows neighboring windows."""
        left = dict(self.uses)
        stored, most = self._size(_PIXELS, windows), 0
        for part in self.order:
            stored += self._size(part, windows)
            most = max(most, stored)
            for read in self.reads(part):
                left[read] -= 1
                if not left[read]:
                    stored -= self._size(read, windows)
        return most

    def largest(self, windows: int) -> int:
        """Return the number of values of the largest part for windows × windows neighboring windows."""
        return max(self._size(part, windows) for part in self.order)

    def _size(self, part: Part, windows: int) -> int:
        rows, columns = self.lengths(part, (windows, windows))
        return self.graph.shapes[part.name].maps * rows * columns

    def lengths(self, part: Part, windows: tuple[int, int]) -> tuple[int, int]:
        """Return rows and columns of a part for so many windows."""
        rows, columns = (
            part.name if tap < 0 else self.graph.by_name[part.name].inputs[0] for tap in (part.tap, part.spot)
        )
        return (
            self.down[rows][part.row].length(windows[0], self.stride),
            self.across[columns][part.column].length(windows[1], self.stride),
        )


def dense_plan(graph: Graph, stride: int) -> DensePlan | None:
    """Return how the network is applied densely; None if a layer cannot slide.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("24C5v-MP2-48C3v-MP2-192N"), height=32, width=32, channels=1, classes=10)
        >>> dense_plan(network.graph, 1).macs, network.plan.macs  # for each position
        (344664, 2297088)
    """
    found = families(graph, stride)
    if found is None or (graph.shapes[graph.output.name].rows, graph.shapes[graph.output.name].columns) != (1, 1):
        return None
    down, across = found
    sharing = {node.name: _sharing(graph, node, down, across) for node in graph.nodes if node.name in down}
    return DensePlan(graph=graph, stride=stride, down=down, across=across, sharing=sharing)


def _different(side: tuple[Family, ...]) -> set[tuple[int, int]]:
    """Return the different taps of all families along a side: family below, and number of the tap."""
    return {tap for family in side for tap in taps_of(family.runs[0])}


def _sharing(graph: Graph, node: Node, down: Sides, across: Sides) -> Sharing:
    """Return what it is cheapest that the families of a node share."""
    if not isinstance(node.layer, Convolution):
        return Sharing.NOTHING
    sides = tuple((side[node.name], side[node.inputs[0]]) for side in (down, across))
    windows = (node.layer.rows, node.layer.columns)
    if not all(_is_regular(*side, window) for side, window in zip(sides, windows, strict=True)):
        return Sharing.NOTHING
    channels = graph.inputs_of(node)[0].maps // node.layer.groups
    (rows, row_taps, row_runs, different), (columns, taps, runs, spots) = (
        (len(own), sum(one.read for one in own), sum(len(one.runs[0]) for one in own), len(_different(own)))
        for own, _ in sides
    )
    added = (row_taps - rows) * columns
    costs = (
        row_taps * taps * channels + _ADDITION * (row_runs * runs - rows * columns),
        different * taps * channels + _ADDITION * (added + different * (runs - columns)),
        different * spots * channels + _ADDITION * (added + different * (taps - columns)),
    )
    return Sharing(costs.index(min(costs)))


def _is_regular(own: tuple[Family, ...], below: tuple[Family, ...], window: Window) -> bool:
    """Return whether all values along a side are equally far apart, and each reads the middle tap."""
    middle = window.kernel // 2
    return all(one.grid == own[0].grid for one in (*own, *below)) and all(
        any(run.first <= middle < run.first + run.count for run in family.runs[0]) for family in own
    )


def dense_logits(network: GraphNetwork, plan: DensePlan, image: Tensor) -> Tensor:
    """Return the logits of every window, 1 K R C, from a standardized region of an image, 1 C H W.

    The region begins with the first window and ends with the last one.
    """
    below = plan.graph.image
    rows, columns = (
        (size - side) // plan.stride + 1
        for size, side in zip(image.shape[2:], (below.rows, below.columns), strict=True)
    )
    computing = _Computing(network, plan, (rows, columns))
    return computing.run(image)


class _Computing:
    """One run through a plan."""

    def __init__(self, network: GraphNetwork, plan: DensePlan, windows: tuple[int, int]) -> None:
        self.network, self.plan, self.windows = network, plan, windows
        self.stored: dict[Part, Tensor] = {}

    def run(self, image: Tensor) -> Tensor:
        """Return the logits; parts are given up when nothing reads them any more."""
        plan, left = self.plan, dict(self.plan.uses)
        down, across = plan.down[IMAGE][0], plan.across[IMAGE][0]
        self.stored[_PIXELS] = image[:, :, down.base :: down.grid, across.base :: across.grid]
        result = image
        for part in plan.order:
            result = self._family(part) if part.tap < 0 else self._taps(part)
            self.stored[part] = result
            for read in plan.reads(part):
                left[read] -= 1
                if not left[read] and read != _PIXELS:
                    del self.stored[read]
        return result

    def _taps(self, part: Part) -> Tensor:
        """Return the sum over one row of taps, at all rows of the family below; or one tap, at all its values."""
        node, across = self.plan.graph.by_name[part.name], self.plan.across[part.name]
        if part.spot < 0 and self.plan.sharing[part.name] is Sharing.TAPS:
            runs = across[part.column].runs[0]
            return added(self._read(self.plan.reads(part), 3, runs, self.plan.lengths(part, self.windows)[1]))
        rows = (Run(first=part.tap, count=1, family=part.row, start=0, step=0, stride=1),)
        one = Run(first=part.spot, count=1, family=part.column, start=0, step=0, stride=1)
        columns = across[part.column].runs[0] if part.spot < 0 else (one,)
        source = self._input(node, 0, part, (rows, columns))
        sums = node.layer.some_taps(source, self.network.tensors_of(node))
        return sums if sums is not None else self.stored[_PIXELS]

    def _family(self, part: Part) -> Tensor:
        node = self.plan.graph.by_name[part.name]
        down, across = self.plan.down[part.name][part.row].runs, self.plan.across[part.name][part.column].runs
        rows: Sequence[Tensor] = ()
        if self.plan.sharing[part.name]:
            rows = self._read(self.plan.rows_of(part), 2, down[0], self.plan.lengths(part, self.windows)[0])
        sources = [self._input(node, index, part, runs) for index, runs in enumerate(zip(down, across, strict=True))]
        values = node.layer.dense(sources, self.network.tensors_of(node), rows)
        kind = nonlinearity_of(node.nonlinearity)
        return kind.written(values, values) if node.layer.GIVES_NEW else kind.apply(values)

    def _read(self, parts: Sequence[Part], axis: int, runs: tuple[Run, ...], size: int) -> list[Tensor]:
        """Return the parts that the taps of some runs name, each where it is read along an axis."""
        taps = [(run, tap) for run in runs for tap in range(run.count)]
        along = (slice(None),) * axis
        return [
            tapped(self.stored[part][(*along, run.span(size))], axis, run, tap, size)
            for part, (run, tap) in zip(parts, taps, strict=True)
        ]

    def _input(self, node: Node, index: int, part: Part, runs: tuple[tuple[Run, ...], tuple[Run, ...]]) -> SlidingInput:
        below, (rows, columns) = node.inputs[index], runs
        down, across = self.plan.down[node.name], self.plan.across[node.name]
        pairs = ((one.family, other.family) for one in rows for other in columns)
        return SlidingInput(
            maps={pair: self.stored[found] for pair in pairs if (found := Part(below, *pair)) in self.stored},
            rows=rows,
            columns=columns,
            taps=(
                down[part.row if part.tap < 0 else 0].taps[index],
                across[part.column if part.spot < 0 else 0].taps[index],
            ),
            size=self.plan.lengths(part, self.windows),
            zero=self.stored[_PIXELS].new_zeros(1, self.plan.graph.shapes[below].maps, 1, 1),
        )
