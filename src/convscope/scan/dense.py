"""A network applied densely: its answer for every window of a region, each value computed once for all windows."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from convscope.layers.nonlinearity import nonlinearity_of
from convscope.layers.sliding import SlidingInput
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork

from .families import Sides, families

Key = tuple[str, int, int]
"""A family: its node, and its numbers down and across."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DensePlan:
    """How a network is computed for all windows at once.

    Attributes:
        graph: of one window, with a vector as output.
        stride: pixels between neighbouring windows.
        down, across: the families along each side.
        order: the families in an order in which they can be computed and given up early.
    """

    graph: Graph
    stride: int
    down: Sides
    across: Sides
    order: tuple[Key, ...]

    @property
    def is_single(self) -> bool:
        """Whether every layer has one family: no zeros at the window's border."""
        return len(self.order) == len({name for name, _, _ in self.order})

    @functools.cached_property
    def macs(self) -> int:
        """Multiply-accumulate operations for each window."""
        return sum(self._macs(node) for node in self.graph.nodes if node.name in self.down)

    def _macs(self, node: Node) -> int:
        inputs = self.graph.inputs_of(node)
        taps = node.layer.taps(inputs)
        total = node.layer.macs(inputs)
        if not total or taps is None:
            return 0
        shape = self.graph.shapes[node.name]
        full = max(map(len, taps[0][0])) * max(map(len, taps[1][0])) * shape.rows * shape.columns
        rows, columns = (
            sum(family.read * (self.stride // family.grid) for family in side[node.name])
            for side in (self.down, self.across)
        )
        return total * rows * columns // full

    def values(self, windows: int) -> int:
        """Return the largest number of values stored at once for windows × windows neighbouring windows."""
        left = dict(self.uses)
        stored, most = self._size((IMAGE, 0, 0), windows), 0
        for key in self.order:
            stored += self._size(key, windows)
            most = max(most, stored)
            for read in self.read_by(key):
                left[read] -= 1
                if not left[read]:
                    stored -= self._size(read, windows)
        return most

    def _size(self, key: Key, windows: int) -> int:
        name, row, column = key
        rows = self.down[name][row].length(windows, self.stride)
        return self.graph.shapes[name].maps * rows * self.across[name][column].length(windows, self.stride)

    def read_by(self, key: Key) -> list[Key]:
        """Return the families that a family reads, each once."""
        return _read_by(self.graph, self.down, self.across, key)

    @functools.cached_property
    def uses(self) -> Mapping[Key, int]:
        """How many families read each of them."""
        uses: dict[Key, int] = {}
        for key in self.order:
            for read in self.read_by(key):
                uses[read] = uses.get(read, 0) + 1
        return uses


def dense_plan(graph: Graph, stride: int) -> DensePlan | None:
    """Return how the network is applied densely; None if a layer cannot slide.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.folding import graph_of
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("24C5v-MP2-48C3v-MP2-192N"), height=32, width=32, channels=1, classes=10)
        >>> dense_plan(graph_of(network), 1).macs, network.plan.macs  # for each position
        (344664, 2297088)
    """
    found = families(graph, stride)
    if found is None or (graph.shapes[graph.output.name].rows, graph.shapes[graph.output.name].columns) != (1, 1):
        return None
    down, across = found
    order = _ordered(graph, down, across)
    return DensePlan(graph=graph, stride=stride, down=down, across=across, order=order)


def _read_by(graph: Graph, down: Sides, across: Sides, key: Key) -> list[Key]:
    name, row, column = key
    if name == IMAGE:
        return []
    read = [
        (below, first.family, second.family)
        for index, below in enumerate(graph.by_name[name].inputs)
        for first in down[name][row].runs[index]
        for second in across[name][column].runs[index]
    ]
    return list(dict.fromkeys(read))


def _ordered(graph: Graph, down: Sides, across: Sides) -> tuple[Key, ...]:
    """Return the families below the output, each behind those that it reads, depth first."""
    order: dict[Key, None] = {}
    waiting: list[tuple[Key, bool]] = [((graph.output.name, 0, 0), False)]
    while waiting:
        key, is_ready = waiting.pop()
        if key in order or key[0] == IMAGE:
            continue
        if is_ready:
            order[key] = None
            continue
        waiting.append((key, True))
        waiting.extend((read, False) for read in reversed(_read_by(graph, down, across, key)))
    return tuple(order)


def dense_logits(network: GraphNetwork, plan: DensePlan, image: Tensor) -> Tensor:
    """Return the logits of every window, 1 K R C, from a standardized region of an image, 1 C H W.

    The region begins with the first window and ends with the last one.
    """
    sides = graph_sides(plan.graph)
    windows = tuple((size - side) // plan.stride + 1 for size, side in zip(image.shape[2:], sides, strict=True))
    left = dict(plan.uses)
    left[IMAGE, 0, 0] = len(plan.order) + 1  # it stays
    base = plan.down[IMAGE][0].base, plan.across[IMAGE][0].base
    grid = plan.down[IMAGE][0].grid, plan.across[IMAGE][0].grid
    stored: dict[str, dict[tuple[int, int], Tensor]] = {name: {} for name in plan.graph.shapes}
    stored[IMAGE][0, 0] = image[:, :, base[0] :: grid[0], base[1] :: grid[1]]
    result = image
    for key in plan.order:
        result = _family(network, plan, key, stored, windows)
        stored[key[0]][key[1:]] = result
        for read in plan.read_by(key):
            left[read] -= 1
            if not left[read]:
                del stored[read[0]][read[1:]]
    return result


def graph_sides(graph: Graph) -> tuple[int, int]:
    """Return rows and columns of the window."""
    return graph.image.rows, graph.image.columns


def _family(
    network: GraphNetwork,
    plan: DensePlan,
    key: Key,
    stored: Mapping[str, Mapping[tuple[int, int], Tensor]],
    windows: tuple[int, ...],
) -> Tensor:
    """Return the values of one family."""
    name, row, column = key
    node = plan.graph.by_name[name]
    down, across = plan.down[name][row], plan.across[name][column]
    size = down.length(windows[0], plan.stride), across.length(windows[1], plan.stride)
    sources = [
        SlidingInput(
            maps=stored[below],
            rows=down.runs[index],
            columns=across.runs[index],
            taps=(down.taps[index], across.taps[index]),
            size=size,
            zero=stored[IMAGE][0, 0].new_zeros(1, plan.graph.shapes[below].maps, 1, 1),
        )
        for index, below in enumerate(node.inputs)
    ]
    values = node.layer.dense(sources, network.tensors_of(node))
    return nonlinearity_of(node.nonlinearity).apply(values)
