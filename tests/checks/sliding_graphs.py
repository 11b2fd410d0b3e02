"""Random graphs that end in one answer for an image, with branches, gates, frames and every kind that can slide."""

from hypothesis import assume
from hypothesis import strategies as st

from convscope.core.errors import ConvscopeError
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import (
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    LocalResponse,
    Multiply,
    Nonlinearity,
    Padding,
    Pooling,
    ScaleAndShift,
    Softmax,
)
from convscope.layers.layer import Layer
from convscope.layers.pooling import POOLINGS
from convscope.networks.graph import IMAGE, Graph, Node

Draw = st.DrawFn
small = st.integers(1, 3)


class _Growing:
    """A graph that is being drawn."""

    def __init__(self, image: MapShape) -> None:
        self.image, self.nodes = image, []
        self.last = IMAGE

    def add(self, layer: Layer, *inputs: str, nonlinearity: str = "linear") -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name=name, layer=layer, inputs=inputs or (self.last,), nonlinearity=nonlinearity))
        self.last = name
        return name

    @property
    def shapes(self) -> dict[str, MapShape]:
        if not self.nodes:
            return {IMAGE: self.image}
        return dict(Graph(nodes=tuple(self.nodes), image=self.image).shapes)

    @property
    def shape(self) -> MapShape:
        return self.shapes[self.last]


@st.composite
def sliding_graphs(draw: Draw) -> Graph:
    """Draw a graph whose output is a vector."""
    image = MapShape(
        maps=draw(st.sampled_from((1, 3))), rows=draw(st.integers(3, 14)), columns=draw(st.integers(3, 14))
    )
    graph = _Growing(image)
    try:
        for _ in range(draw(st.integers(1, 5))):
            draw(st.sampled_from(_PARTS))(draw, graph)
        _end(draw, graph)
        return Graph(nodes=tuple(graph.nodes), image=image)
    except ConvscopeError:
        assume(False)
        raise


def _window(draw: Draw, *, kernel: int = 4, padded: bool = True) -> Window:
    width = draw(st.integers(1, kernel))
    before, after = (draw(st.integers(0, width - 1)), draw(st.integers(0, width - 1))) if padded else (0, 0)
    dilation = draw(st.sampled_from((1, 1, 2)))
    return Window(kernel=width, stride=draw(small), before=before, after=after, dilation=dilation)


def _convolution(draw: Draw, graph: _Growing) -> None:
    maps = graph.shape.maps
    groups = draw(st.sampled_from((1, maps)))
    layer = Convolution(units=groups * draw(small), rows=_window(draw), columns=_window(draw), groups=groups)
    graph.add(layer, nonlinearity=draw(st.sampled_from(("relu", "tanh"))))


def _pooling(draw: Draw, graph: _Growing) -> None:
    code = draw(st.sampled_from(sorted(POOLINGS)))
    if code not in ("MP", "AP"):
        window = Window(kernel=draw(small), stride=draw(small))
        graph.add(Pooling(code=code, rows=window, columns=window))
        return
    sides = []
    for _ in range(2):
        kernel = draw(st.integers(1, 4))
        before, after = draw(st.integers(0, kernel // 2)), draw(st.integers(0, kernel // 2))
        sides.append(Window(kernel=kernel, stride=draw(small), before=before, after=after))
    count = code == "AP" and draw(st.booleans())
    graph.add(Pooling(code=code, rows=sides[0], columns=sides[1], ceil=draw(st.booleans()), count_padding=count))


def _residual(draw: Draw, graph: _Growing) -> None:
    below, maps = graph.last, graph.shape.maps
    same = Window(kernel=3, before=1, after=1)
    inside = Convolution(units=maps, rows=same, columns=same)
    if draw(st.booleans()):
        graph.add(inside, below, below, nonlinearity="relu")
    else:
        graph.add(Add(), graph.add(inside, nonlinearity="relu"), below)


def _branches(draw: Draw, graph: _Growing) -> None:
    below, kernel = graph.last, draw(st.sampled_from((2, 3)))
    same = Window(kernel=kernel, stride=2, before=(kernel - 1) // 2, after=kernel // 2)
    first = graph.add(Convolution(units=2, rows=same, columns=same), below)
    second = graph.add(Pooling(code="MP", rows=same, columns=same), below)
    graph.add(Concatenate(), first, second)


def _gate(draw: Draw, graph: _Growing) -> None:
    below, maps = graph.last, graph.shape.maps
    graph.add(Pooling(code="AP"))
    gate = graph.add(Linear(units=draw(st.sampled_from((1, maps)))), nonlinearity="sigmoid")
    graph.add(Multiply(), *((below, gate) if draw(st.booleans()) else (gate, below)))


def _frame(draw: Draw, graph: _Growing) -> None:
    mode = draw(st.sampled_from(("constant", "reflect", "edge", "wrap")))
    numbers = st.integers(-1 if mode == "constant" else 0, 2)
    top, left, bottom, right = (draw(numbers) for _ in range(4))
    value = 0.5 if mode == "constant" else 0.0
    graph.add(Padding(top=top, left=left, bottom=bottom, right=right, mode=mode, value=value))


def _local(draw: Draw, graph: _Growing) -> None:
    maps = graph.shape.maps
    layers: tuple[Layer, ...] = (
        Nonlinearity(function="tanh"),
        ScaleAndShift(),
        ChannelNormalization(epsilon=0.1),
        LocalResponse(size=2, alpha=0.1),
        Softmax(),
        ChannelSelection(start=maps - 1, count=maps, step=-1),
        ChannelShuffle(groups=maps),
    )
    graph.add(draw(st.sampled_from(layers)))


def _end(draw: Draw, graph: _Growing) -> None:
    ending = draw(st.sampled_from(("units", "pool", "flat", "convolution")))
    if ending == "pool":
        graph.add(Pooling(code=draw(st.sampled_from(sorted(POOLINGS)))))
    elif ending == "flat":
        graph.add(Flatten())
    elif ending == "convolution":
        rows, columns = Window(kernel=graph.shape.rows), Window(kernel=graph.shape.columns)
        graph.add(Convolution(units=2, rows=rows, columns=columns))
    graph.add(Linear(units=3))


_PARTS = (_convolution, _convolution, _pooling, _pooling, _residual, _branches, _gate, _frame, _local)
