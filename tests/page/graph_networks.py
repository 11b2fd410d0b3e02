"""Small graphs with every kind of layer in every setting, with random weights: what no layout has."""

import torch

from convscope.images.preprocessing import Preprocessing
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import (
    LAYERS,
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    LocallyConnected,
    LocalResponse,
    Multiply,
    Nonlinearity,
    Padding,
    Pooling,
    Resize,
    ScaleAndShift,
    Softmax,
    TransposedConvolution,
)
from convscope.layers.layer import Layer
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

NOT_ON_PAGES = {"instance-based"}
SIDES = {"rows": 11, "columns": 14}


def _windows(kernel: int, stride: int = 1, before: int = 0, after: int = 0, dilation: int = 1) -> dict[str, Window]:
    window = Window(kernel=kernel, stride=stride, before=before, after=after, dilation=dilation)
    return {"rows": window, "columns": window}


def _oblong(stride: tuple[int, int] = (1, 1), dilation: tuple[int, int] = (1, 1)) -> dict[str, Window]:
    """Return windows and padding that differ from side to side."""
    return {
        "rows": Window(kernel=3, stride=stride[0], before=2, after=0, dilation=dilation[0]),
        "columns": Window(kernel=2, stride=stride[1], before=0, after=1, dilation=dilation[1]),
    }


LAYERS_OF_8_MAPS: dict[str, Layer] = {
    "oblong": Convolution(units=5, **_oblong()),
    "oblong strides": Convolution(units=5, **_oblong(stride=(2, 3))),
    "oblong dilation": Convolution(units=6, **_oblong(stride=(1, 2), dilation=(2, 3))),
    "groups": Convolution(units=4, groups=2, **_windows(3, before=1, after=1)),
    "groups of odd units": Convolution(units=12, groups=4, **_windows(3, 2, before=1)),
    "narrow groups": Convolution(units=20, groups=4, **_windows(5, 4)),
    "depthwise": Convolution(units=8, groups=8, **_windows(3, before=1, after=1)),
    "depthwise of stride 2": Convolution(units=8, groups=8, **_windows(3, 2, before=1, after=1)),
    "narrow depthwise": Convolution(units=8, groups=8, **_windows(5, 4)),
    "dilated depthwise": Convolution(units=8, groups=8, **_windows(3, before=2, after=2, dilation=2)),
    "depthwise with several units a map": Convolution(units=24, groups=8, **_windows(3, before=1)),
    "pointwise": Convolution(units=7, **_windows(1)),
    "pointwise of stride 2": Convolution(units=7, **_windows(1, 2)),
    "pointwise groups": Convolution(units=6, groups=2, **_windows(1)),
    "whole window": Convolution(units=5, rows=Window(kernel=SIDES["rows"]), columns=Window(kernel=SIDES["columns"])),
    "transposed": TransposedConvolution(units=3, **_windows(2, 2)),
    "transposed, cut": TransposedConvolution(
        units=4, groups=2, extra_rows=1, extra_columns=2, **_windows(4, 3, before=1, after=2)
    ),
    "transposed, dilated": TransposedConvolution(units=3, **_windows(3, 2, before=1, after=1, dilation=2)),
    "regions": LocallyConnected(units=3, window=Window(kernel=3, before=1, after=1), regions=(3, 2)),
    "padded max": Pooling(code="MP", **_windows(3, 2, before=1, after=1)),
    "padded mean": Pooling(code="AP", **_windows(3, 2, before=1, after=1)),
    "padded mean with zeros": Pooling(code="AP", count_padding=True, **_windows(3, 2, before=1, after=1)),
    "ceil max": Pooling(code="MP", ceil=True, **_windows(3, 2)),
    "ceil mean": Pooling(code="AP", ceil=True, count_padding=True, **_windows(4, 3, before=1, after=1)),
    "dilated max": Pooling(code="MP", **_windows(3, 2, dilation=2)),
    "oblong mean": Pooling(code="AP", rows=Window(kernel=2, stride=2), columns=Window(kernel=3, stride=1)),
    "nearest, larger": Resize(rows=23, columns=30),
    "nearest, smaller": Resize(rows=7, columns=5),
    "bilinear": Resize(rows=20, columns=31, mode="bilinear"),
    "bilinear, smaller": Resize(rows=7, columns=5, mode="bilinear"),
    "bilinear with corners": Resize(rows=20, columns=31, mode="bilinear", corners=True),
    "constant frame": Padding(top=1, left=2, bottom=3, right=0, value=-0.5),
    "reflected frame": Padding(top=1, left=2, bottom=3, mode="reflect"),
    "edge frame": Padding(top=3, right=2, mode="edge"),
    "wrapped frame": Padding(top=3, left=1, right=2, mode="wrap"),
    "cut": Padding(top=-2, left=1, bottom=-1),
    "selection": ChannelSelection(start=1, count=3, step=2),
    "reversed": ChannelSelection(start=7, count=8, step=-1),
    "shuffle": ChannelShuffle(groups=4),
    "scale": ScaleAndShift(),
    "normalization": ChannelNormalization(),
    "local response": LocalResponse(size=5, alpha=0.5, bias=2.0),
    "local response of 4": LocalResponse(size=4, alpha=0.5),
    "softmax": Softmax(),
    "flatten": Flatten(),
    "linear": Linear(units=37),
    "leaky": Nonlinearity(function="leakyrelu:0.3"),
    **{name: Nonlinearity(function=name) for name in NONLINEARITIES},
}


def _chain(layer: Layer, nonlinearity: str = "linear") -> tuple[Node, ...]:
    return (
        Node(
            name="stem.conv",
            layer=Convolution(units=8, **_windows(3, before=1, after=1)),
            inputs=(IMAGE,),
        ),
        Node(name="stem.layer", layer=layer, inputs=("stem.conv",), nonlinearity=nonlinearity),
        Node(name="head", layer=Linear(units=3), inputs=("stem.layer",)),
    )


def _branches() -> tuple[Node, ...]:
    """Return a network whose layers read each other in every way."""
    same = _windows(3, before=1, after=1)
    one = Convolution(units=6, **_windows(1))
    return (
        Node(name="a", layer=Convolution(units=6, **same), inputs=(IMAGE,), nonlinearity="relu6"),
        Node(name="b", layer=Convolution(units=6, **same), inputs=("a",), nonlinearity="silu"),
        Node(name="c", layer=Convolution(units=6, **same), inputs=("b", "a"), nonlinearity="relu"),
        Node(name="sum", layer=Add(), inputs=("a", "b", "c"), nonlinearity="hardswish"),
        Node(name="sum6", layer=Add(), inputs=("a", "b"), nonlinearity="relu6"),
        Node(name="se.pool", layer=Pooling(code="AP"), inputs=("sum",)),
        Node(name="se.reduce", layer=Convolution(units=2, **_windows(1)), inputs=("se.pool",), nonlinearity="relu"),
        Node(name="se.expand", layer=one, inputs=("se.reduce",), nonlinearity="sigmoid"),
        Node(name="gated", layer=Multiply(), inputs=("se.expand", "sum")),
        Node(name="one", layer=ChannelSelection(start=2, count=1), inputs=("gated",)),
        Node(name="mask", layer=Multiply(), inputs=("sum6", "one")),
        Node(name="product", layer=Multiply(), inputs=("mask", "c"), nonlinearity="leakyrelu:0.2"),
        Node(name="cat", layer=Concatenate(), inputs=("product", "one", "gated")),
        Node(name="narrow", layer=Pooling(code="AP", **_windows(5, 4)), inputs=("cat",)),
        Node(
            name="residual",
            layer=Convolution(units=13, **same),
            inputs=("narrow", "narrow"),
            nonlinearity="relu6",
        ),
        Node(
            name="local",
            layer=LocallyConnected(units=13, window=Window(kernel=1), regions=(2, 3)),
            inputs=("residual", "narrow"),
            nonlinearity="relu",
        ),
        Node(name="flat", layer=Flatten(), inputs=("local",)),
        Node(name="head", layer=Linear(units=3), inputs=("flat",)),
    )


def every_graph() -> dict[str, Model]:
    """Return a model for every setting, by what it is about."""
    nodes = {name: _chain(layer) for name, layer in LAYERS_OF_8_MAPS.items()}
    nodes["relu6 of depthwise"] = _chain(LAYERS_OF_8_MAPS["depthwise"], "relu6")
    nodes["mish of groups"] = _chain(LAYERS_OF_8_MAPS["groups"], "mish")
    nodes["relu of a pooling"] = _chain(LAYERS_OF_8_MAPS["padded mean"], "relu")
    nodes["branches"] = _branches()
    found = {name: graph_model(Graph(nodes=some, image=MapShape(maps=3, **SIDES))) for name, some in nodes.items()}
    kinds = {node.layer.KIND for some in nodes.values() for node in some}
    assert kinds == set(LAYERS) - NOT_ON_PAGES
    return found


def graph_model(graph: Graph, seed: int = 0) -> Model:
    """Return a model of the graph with random weights."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: torch.randn(shape, generator=generator) * (2 / max(1, torch.Size(shape[1:]).numel())) ** 0.5
        for name, shape in graph.tensors.items()
    }
    network = GraphNetwork(graph, tensors, mean=(0.4,) * 3, std=(0.3,) * 3).eval()
    image, classes = graph.image, network.plan.classes
    return Model(
        network=network,
        classes=tuple(f"class {place}" for place in range(classes)),
        preprocessing=Preprocessing(height=image.rows, width=image.columns, channels=image.maps),
    )
