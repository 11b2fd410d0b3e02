"""A network of any shape as a diagram: a row per layer, or a block of a large one, with its branches at the side."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from convscope.core.text import counted
from convscope.layers.kinds import Convolution
from convscope.networks.blocks import Block, blocks_of
from convscope.networks.graph import IMAGE, Graph, Node

from .style import Theme, drawing, figure, short_name

MOST_ROWS = 32
_ROW, _PLANE, _LANE = 0.46, 0.38, 0.22  # inches
_NAME, _KIND, _SHAPE, _COUNTS, _LANES = 0.75, 3.5, 6.15, 7.45, 9.0  # where each column begins
_LONGEST_NAME, _LONGEST_KIND = 34, 34
_NOUNS = {"add": "sum", "multiply": "product", "concatenate": "concatenation", "resize": "resizing"}
_ROW_NUMBER = 1  # of the first layer; the image is row 0


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Values that wait for a row that is not the next: from row `start` to row `end`, drawn in a lane of its own."""

    start: int
    end: int
    lane: int


def draw_diagram(graph: Graph, *, title: str, theme: Theme) -> Figure:
    """Return the diagram of a network: the image, then each layer or block with what it is, gives and costs.

    A line leads from each row to the next that reads it. What is read later too, as by a residual connection, goes
    through a lane at the right. Squares are as large as the maps (by the square root of the side).

    Args:
        graph: of the network.
        title: names it.
        theme: the colors.
    """
    blocks = blocks_of([node.name for node in graph.nodes], MOST_ROWS)
    edges = edges_of(graph, blocks)
    branches = branches_of(edges)
    lanes = max((branch.lane for branch in branches), default=-1) + 1
    width, height = _LANES + lanes * _LANE + 0.3, (len(blocks) + 1) * _ROW + 1.0
    with drawing(theme):
        drawn = figure(width, height, theme)
        axes = drawn.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(-(len(blocks) + 0.7) * _ROW, 0.95 * _ROW)
        for start, end in sorted(edges):
            if end == start + 1:
                axes.add_patch(
                    _arrow((0.35, -start * _ROW - _PLANE / 2), (0.35, -end * _ROW + _PLANE / 2), theme.quiet)
                )
        for branch in branches:
            _draw_branch(axes, branch, theme)
        _heads(axes, theme)
        _row(axes, 0, ("image", "", _size(graph, IMAGE), ""), _side(graph, IMAGE), theme)
        for number, block in enumerate(blocks, start=_ROW_NUMBER):
            nodes = [graph.nodes[index] for index in block.layers]
            texts = block.name, kinds_text(graph, nodes), _size(graph, nodes[-1].name), _counts(graph, nodes)
            _row(axes, number, texts, _side(graph, nodes[-1].name), theme)
        planned = [graph.planned(node) for node in graph.nodes]
        total = (
            f"{title}: {counted(len(graph.nodes), 'layer')}, {sum(one.parameters for one in planned):,} parameters, "
            f"{sum(one.macs for one in planned):,} MACs an image"
        )
        drawn.suptitle(total, x=0.01, ha="left", fontsize=11, parse_math=False)
    return drawn


def edges_of(graph: Graph, blocks: Sequence[Block]) -> set[tuple[int, int]]:
    """Return which rows read which: the image is row 0, the blocks follow."""
    row_of = {IMAGE: 0}
    for number, block in enumerate(blocks, start=_ROW_NUMBER):
        row_of |= {graph.nodes[index].name: number for index in block.layers}
    pairs = {(row_of[name], row_of[node.name]) for node in graph.nodes for name in node.inputs}
    return {(start, end) for start, end in pairs if start < end}


def branches_of(edges: set[tuple[int, int]]) -> list[Branch]:
    """Return the edges that skip rows, short ones first, each in the first lane where it crosses no other.

    Examples:
        >>> branches = branches_of({(0, 1), (0, 2), (1, 3), (2, 4), (3, 4)})
        >>> [(branch.start, branch.end, branch.lane) for branch in branches]
        [(0, 2, 0), (1, 3, 1), (2, 4, 0)]
    """
    lanes: list[list[tuple[int, int]]] = []
    placed = []
    for start, end in sorted(edges, key=lambda edge: (edge[1] - edge[0], edge)):
        if end == start + 1:
            continue
        free = (lane for lane, taken in enumerate(lanes) if all(end <= first or start >= last for first, last in taken))
        lane = next(free, len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((start, end))
        placed.append(Branch(start=start, end=end, lane=lane))
    return placed


def kinds_text(graph: Graph, nodes: Sequence[Node]) -> str:
    """Return what some layers are: their notations, or how many there are of each kind."""
    notations = [_kind(graph, node) for node in nodes]
    text = ", ".join(notations)
    if len(text) <= _LONGEST_KIND:
        return text
    numbers = Counter(_NOUNS.get(node.layer.KIND, node.layer.KIND.replace("-", " ")) for node in nodes)
    depthwise = sum(
        isinstance(node.layer, Convolution) and node.layer.is_depthwise(graph.inputs_of(node)[0].maps) for node in nodes
    )
    most = ", ".join(counted(number, kind) for kind, number in numbers.most_common(2))
    return most + (f" ({depthwise} depthwise)" if depthwise else "")


def _kind(graph: Graph, node: Node) -> str:
    bend = "" if node.nonlinearity == "linear" else f" {node.nonlinearity}"
    layer = node.layer
    depthwise = isinstance(layer, Convolution) and layer.is_depthwise(graph.inputs_of(node)[0].maps)
    return layer.notation + (" (depthwise)" if depthwise else "") + bend


def _size(graph: Graph, name: str) -> str:
    shape = graph.shapes[name]
    return (
        f"{shape.maps:,} @ {shape.columns}×{shape.rows}"
        if shape.rows * shape.columns > 1
        else counted(shape.maps, "value")
    )


def _side(graph: Graph, name: str) -> tuple[float, float]:
    """Return height and width of the square of a map, as parts of the largest."""
    largest = max(max(shape.rows, shape.columns) for shape in graph.shapes.values())
    shape = graph.shapes[name]
    return (shape.rows / largest) ** 0.5, (shape.columns / largest) ** 0.5


def _counts(graph: Graph, nodes: Sequence[Node]) -> str:
    parameters = sum(graph.planned(node).parameters for node in nodes)
    return f"{parameters:,} parameters" if parameters else ""


def _heads(axes: Axes, theme: Theme) -> None:
    for x, text in ((_NAME, "layer or block"), (_KIND, "what it is"), (_SHAPE, "gives"), (_COUNTS, "learned")):
        axes.text(x, 0.72 * _ROW, text, fontsize=7, color=theme.quiet, va="center")


def _row(axes: Axes, number: int, texts: tuple[str, str, str, str], side: tuple[float, float], theme: Theme) -> None:
    """Draw the square of the maps and the texts of a row."""
    y = -number * _ROW
    height, width = max(0.05, _PLANE * side[0]), max(0.05, _PLANE * side[1])
    look: dict[str, Any] = {"facecolor": theme.paper, "edgecolor": theme.series[0], "linewidth": 1.2}
    axes.add_patch(Rectangle((0.35 - width / 2, y - height / 2), width, height, zorder=2, **look))
    name, kind, size, counts = texts
    plain: dict[str, Any] = {"va": "center", "fontsize": 8, "parse_math": False}
    axes.text(_NAME, y, short_name(name, _LONGEST_NAME), fontweight="bold", **plain)
    axes.text(_KIND, y, short_name(kind, _LONGEST_KIND + 6), color=theme.quiet, **plain)
    axes.text(_SHAPE, y, size, **plain)
    axes.text(_COUNTS, y, counts, color=theme.quiet, **plain)


def _draw_branch(axes: Axes, branch: Branch, theme: Theme) -> None:
    """Draw a lane from a row down to another."""
    color = theme.series[branch.lane % len(theme.series)]
    x, begin = _LANES + branch.lane * _LANE, _LANES - 0.2
    top, bottom = -(branch.start + 0.12) * _ROW, -(branch.end - 0.12) * _ROW
    axes.plot([begin, x, x], [top, top, bottom], color=color, linewidth=1.3, solid_joinstyle="round")
    axes.add_patch(_arrow((x, bottom), (begin, bottom), color))


def _arrow(start: tuple[float, float], end: tuple[float, float], color: str) -> FancyArrowPatch:
    look: dict[str, Any] = {"color": color, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    return FancyArrowPatch(start, end, arrowstyle="->", mutation_scale=8, **look)
