"""Families of a network's maps in a sliding window: classes of window positions that are computed alike, in integers.

Let a window begin at pixel t. The value at its position p of a map is D[t + a(p)] where a(p) is the position's distance
in pixels and D a map over the whole image: the same map for all positions whose taps read the same maps at the same
distances. Such a class of positions, down or across, is a family. Without padding there is one family a layer: plain
dense application, with strides turned into dilation. Zeros at the border of the window make further families.
"""

import collections
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from convscope.layers.sliding import Run, SideTaps
from convscope.networks.graph import IMAGE, Graph

MOST_FAMILIES = 4_096  # of one layer along a side: more are never worth it
Signature = tuple[tuple[tuple[int, int] | None, ...], ...]  # of each input and tap: family, distance in pixels


@dataclass(frozen=True, kw_only=True)
class Family:
    """One class of the positions of a map along a side.

    Its values lie at pixels t + `base` + k × `grid`, for windows that begin at t.

    Attributes:
        positions: of the window's map, in order.
        base: distance of its first position from the beginning of the window, in pixels.
        grid: pixels between neighboring values.
        reach: pixels from its first position in the window to its last.
        runs: of each input, what a value reads.
        taps: of each input, the number of taps, padding included.
    """

    positions: tuple[int, ...]
    base: int
    grid: int
    reach: int
    runs: tuple[tuple[Run, ...], ...] = ()
    taps: tuple[int, ...] = ()

    def length(self, windows: int, stride: int) -> int:
        """Return how many values so many neighboring windows need, `stride` pixels apart."""
        return (stride * (windows - 1) + self.reach) // self.grid + 1

    @property
    def read(self) -> int:
        """Taps of the first input that are not padding."""
        return sum(run.count for run in self.runs[0]) if self.runs else 0


Sides = Mapping[str, tuple[Family, ...]]
"""The families of the image and of each node along one side, by name."""


class _Side:
    """Builds the families along one side of a graph."""

    def __init__(self, taps: Mapping[str, SideTaps], stride: int) -> None:
        self.taps, self.stride = taps, stride
        self.step: dict[str, int] = {}
        self.family_of: dict[str, dict[int, int]] = {}
        self.families: dict[str, tuple[Family, ...]] = {}

    def add_image(self, needed: set[int]) -> None:
        self.step[IMAGE] = 1
        self.family_of[IMAGE] = dict.fromkeys(needed, 0)
        self.families[IMAGE] = (self._family(sorted(needed), 1),)

    def _family(self, positions: Sequence[int], step: int) -> Family:
        anchors = [position * step for position in positions]
        grid = math.gcd(self.stride, *(anchor - anchors[0] for anchor in anchors))
        return Family(positions=tuple(positions), base=anchors[0], grid=grid, reach=anchors[-1] - anchors[0])

    def add(self, name: str, inputs: Sequence[str], needed: set[int]) -> bool:
        """Add the families of a node; False if there are too many."""
        positions = sorted(needed)
        self.step[name] = step = self._step_of(name, inputs, positions)
        members: dict[Signature, list[int]] = {}
        for position in positions:
            members.setdefault(self._signature(name, inputs, position, position * step), []).append(position)
        if len(members) > MOST_FAMILIES:
            return False
        self.family_of[name], families = {}, []
        for number, (signature, own) in enumerate(members.items()):
            self.family_of[name].update(dict.fromkeys(own, number))
            bare = self._family(own, step)
            runs = tuple(self._runs(below, taps, bare) for below, taps in zip(inputs, signature, strict=True))
            counts = tuple(map(len, signature))
            families.append(replace(bare, runs=runs, taps=counts))
        self.families[name] = tuple(families)
        return True

    def _step_of(self, name: str, inputs: Sequence[str], positions: Sequence[int]) -> int:
        """Return the pixels between neighboring positions: the distance by which most taps move from one to the next.

        Any number would give the right values; this one lets most positions share a family.
        """
        moves: collections.Counter[int] = collections.Counter()
        for position, following in itertools.pairwise(positions):
            for below, taps in zip(inputs, self.taps[name], strict=True):
                for one, other in zip(taps[position], taps[following], strict=False):
                    if one is not None and other is not None and following == position + 1:
                        moves[(other - one) * self.step[below]] += 1
        return moves.most_common(1)[0][0] if moves else 0

    def _signature(self, name: str, inputs: Sequence[str], position: int, anchor: int) -> Signature:
        return tuple(
            tuple(
                None if tap is None else (self.family_of[below][tap], tap * self.step[below] - anchor)
                for tap in taps[position]
            )
            for below, taps in zip(inputs, self.taps[name], strict=True)
        )

    def _runs(self, below: str, taps: Sequence[tuple[int, int] | None], own: Family) -> tuple[Run, ...]:
        """Return the taps of one input as runs, in positions of the families that they read."""
        runs: list[Run] = []
        for index, tap in enumerate(taps):
            if tap is None:
                continue
            family = self.families[below][tap[0]]
            start, stride = (own.base + tap[1] - family.base) // family.grid, own.grid // family.grid
            if runs and runs[-1].family == tap[0] and runs[-1].first + runs[-1].count == index:
                last = runs[-1]
                step = start - (last.start + (last.count - 1) * last.step)
                if last.count == 1 or step == last.step:
                    runs[-1] = Run(
                        first=last.first,
                        count=last.count + 1,
                        family=last.family,
                        start=last.start,
                        step=step,
                        stride=stride,
                    )
                    continue
            runs.append(Run(first=index, count=1, family=tap[0], start=start, step=0, stride=stride))
        return tuple(runs)


def families(graph: Graph, stride: int) -> tuple[Sides, Sides] | None:
    """Return the families down and across for windows `stride` pixels apart; None if a layer cannot slide.

    Examples:
        >>> from convscope.layers.kinds import Convolution, Linear
        >>> from convscope.layers.geometry import Window
        >>> from convscope.layers.geometry import MapShape
        >>> from convscope.networks.graph import Node
        >>> same = Window(kernel=3, before=1, after=1)
        >>> graph = Graph(image=MapShape(maps=1, rows=8, columns=8), nodes=(
        ...     Node(name="conv", layer=Convolution(units=2, rows=same, columns=same), inputs=("image",)),
        ...     Node(name="classifier", layer=Linear(units=2), inputs=("conv",)),
        ... ))
        >>> down, across = families(graph, 1)
        >>> [len(down[name]) for name in ("image", "conv", "classifier")]  # the border above, the middle, that below
        [1, 3, 1]
    """
    taps = {}
    for node in graph.nodes:
        found = node.layer.taps(graph.inputs_of(node))
        if found is None:
            return None
        taps[node.name] = found
    output = graph.shapes[graph.output.name]
    sides = []
    for side, positions in enumerate((output.rows, output.columns)):
        built = _Side({name: both[side] for name, both in taps.items()}, stride)
        needed = _needed(graph, built.taps, positions)
        built.add_image(needed[IMAGE])
        for node in graph.nodes:
            if needed[node.name] and not built.add(node.name, node.inputs, needed[node.name]):
                return None
        sides.append(built.families)
    return sides[0], sides[1]


def _needed(graph: Graph, taps: Mapping[str, SideTaps], positions: int) -> dict[str, set[int]]:
    """Return the positions of each map along a side that the output depends on."""
    needed: dict[str, set[int]] = {name: set() for name in graph.shapes}
    needed[graph.output.name] = set(range(positions))
    for node in reversed(graph.nodes):
        for below, own in zip(node.inputs, taps[node.name], strict=True):
            needed[below].update(tap for position in needed[node.name] for tap in own[position] if tap is not None)
    needed[IMAGE] = needed[IMAGE] or {0}
    return needed
