"""Networks of more layers than a row of columns can show, with the structure and the names of those of the field."""

from collections.abc import Iterator

from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import Add, Concatenate, Convolution, Linear, Multiply, Pooling, Resize
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Graph, Node


class _Nodes:
    """Nodes in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, name: str, layer: Layer, *inputs: str, nonlinearity: str = "linear") -> str:
        self.nodes.append(Node(name=name, layer=layer, inputs=inputs, nonlinearity=nonlinearity))
        return name

    def convolution(
        self, name: str, below: str, units: int, kernel: int = 3, *, stride: int = 1, groups: int = 1, relu: bool = True
    ) -> str:
        window = Window(kernel=kernel, stride=stride, before=kernel // 2, after=(kernel - 1) // 2)
        layer = Convolution(units=units, rows=window, columns=window, groups=groups)
        return self.add(name, layer, below, nonlinearity="relu" if relu else "linear")

    def graph(self, side: int = 32) -> Graph:
        return Graph(nodes=tuple(self.nodes), image=MapShape(maps=3, rows=side, columns=side))


def _head(made: _Nodes, below: str, classes: int = 5) -> None:
    pooled = made.add("avgpool", Pooling(code="AP"), below)
    made.add("fc", Linear(units=classes), pooled)


def resnet18() -> Graph:
    """Return the 31 layers of ResNet18 with a sixteenth of its maps (He et al., 2016)."""
    made = _Nodes()
    below = made.convolution("conv1", IMAGE, 4, 7, stride=2)
    half = Window(kernel=3, stride=2, before=1, after=1)
    below = made.add("maxpool", Pooling(code="MP", rows=half, columns=half), below)
    for number, units in enumerate((4, 8, 16, 32), 1):
        for place in range(2):
            name, stride = f"layer{number}.{place}", 2 if number > 1 and place == 0 else 1
            first = made.convolution(f"{name}.conv1", below, units, stride=stride)
            second = made.convolution(f"{name}.conv2", first, units, relu=False)
            if stride == 2:
                below = made.convolution(f"{name}.downsample.0", below, units, 1, stride=2, relu=False)
            below = made.add(f"{name}.add", Add(), second, below, nonlinearity="relu")
    _head(made, below)
    return made.graph()


def _inverted(made: _Nodes, name: str, below: str, maps: int, units: int, stride: int, gate: bool) -> str:
    """Add a block of MobileNetV2 (Sandler et al., 2018), with a gate as in EfficientNet (Tan and Le, 2019)."""
    wide = made.convolution(f"{name}.conv_pw", below, 2 * maps, 1)
    apart = made.convolution(f"{name}.conv_dw", wide, 2 * maps, stride=stride, groups=2 * maps)
    if gate:
        mean = made.add(f"{name}.se.pool", Pooling(code="AP"), apart)
        narrow = made.convolution(f"{name}.se.reduce", mean, 2, 1)
        expanded = made.add(f"{name}.se.expand", _pointwise(2 * maps), narrow, nonlinearity="sigmoid")
        apart = made.add(f"{name}.se.mul", Multiply(), expanded, apart)
    linear = made.convolution(f"{name}.conv_pwl", apart, units, 1, relu=False)
    return made.add(f"{name}.add", Add(), linear, below) if stride == 1 and maps == units else linear


def _pointwise(units: int) -> Convolution:
    return Convolution(units=units, rows=Window(kernel=1), columns=Window(kernel=1))


def efficientnet(*, gate: bool = False) -> Graph:
    """Return the 16 blocks of EfficientNet-lite0, or with a gate B0, with few maps."""
    made = _Nodes()
    below, maps = made.convolution("conv_stem", IMAGE, 4, stride=2), 4
    stages = ((4, 1, 1), (6, 2, 2), (6, 2, 2), (8, 3, 2), (8, 3, 1), (10, 4, 2), (12, 1, 1))
    for number, (units, blocks, stride) in enumerate(stages):
        for place in range(blocks):
            first = stride if place == 0 else 1
            below, maps = _inverted(made, f"blocks.{number}.{place}", below, maps, units, first, gate), units
    _head(made, made.convolution("conv_head", below, 20, 1))
    return made.graph()


def densenet() -> Graph:
    """Return a DenseNet of blocks of 6, 12 and 8 layers (Huang et al., 2017)."""
    made = _Nodes()
    below = made.convolution("features.conv0", IMAGE, 4, stride=2)
    for block, count in enumerate((6, 12, 8), 1):
        name, maps = f"features.denseblock{block}", [below]
        for place in range(1, count + 1):
            joined = maps[0] if place == 1 else made.add(f"{name}.denselayer{place}.cat", Concatenate(), *maps)
            inner = made.convolution(f"{name}.denselayer{place}.conv1", joined, 8, 1)
            maps.append(made.convolution(f"{name}.denselayer{place}.conv2", inner, 2))
        below = made.add(f"{name}.cat", Concatenate(), *maps)
        if block < 3:
            below = made.convolution(f"features.transition{block}.conv", below, 6, 1)
            half = Window(kernel=2, stride=2)
            below = made.add(f"features.transition{block}.pool", Pooling(code="AP", rows=half, columns=half), below)
    _head(made, below)
    return made.graph()


def unet(depths: int = 4, *, classes: bool = False) -> Graph:
    """Return a U-Net with resizing (Ronneberger et al., 2015), or one that classifies whole images."""
    made = _Nodes()
    half, kept, below = Window(kernel=2, stride=2), list[str](), IMAGE
    for depth in range(depths):
        name = f"down{depth}" if depth else "inc"
        if depth:
            below = made.add(f"{name}.pool", Pooling(code="MP", rows=half, columns=half), below)
        below = made.convolution(f"{name}.conv.0", below, 4 + 2 * depth)
        below = made.convolution(f"{name}.conv.3", below, 4 + 2 * depth)
        kept.append(below)
    for depth in reversed(range(depths - 1)):
        name, side = f"up{depths - 1 - depth}", 32 // 2**depth
        larger = made.add(f"{name}.up", Resize(rows=side, columns=side), below)
        joined = made.add(f"{name}.cat", Concatenate(), kept[depth], larger)
        below = made.convolution(f"{name}.conv.0", joined, 4 + 2 * depth)
        below = made.convolution(f"{name}.conv.3", below, 4 + 2 * depth)
    below = made.convolution("outc", below, 3, 1, relu=False)
    if classes:
        _head(made, below)
    return made.graph()


def chain(count: int) -> Graph:
    """Return a network of layers one after the other, whose names say nothing."""
    made, below = _Nodes(), IMAGE
    for number in range(count - 1):
        below = made.convolution(f"conv_{number}", below, 2, stride=2 if number in (10, 20) else 1)
    made.add(f"linear_{count - 1}", Linear(units=3), below)
    return made.graph(16)


def without_names(graph: Graph) -> Graph:
    """Return the same network with names that are only numbers."""
    names = {IMAGE: IMAGE, **{node.name: f"{node.layer.KIND}_{at}" for at, node in enumerate(graph.nodes)}}
    nodes = tuple(
        Node(
            name=names[node.name],
            layer=node.layer,
            inputs=tuple(names[name] for name in node.inputs),
            nonlinearity=node.nonlinearity,
        )
        for node in graph.nodes
    )
    return Graph(nodes=nodes, image=graph.image)


def placed(graph: Graph) -> Iterator[dict[str, object]]:
    """Give each layer as the page knows it before any weights: name, kind, inputs and shape."""
    numbers = {IMAGE: -1, **{node.name: at for at, node in enumerate(graph.nodes)}}
    for node in graph.nodes:
        shape = graph.shapes[node.name]
        yield {
            "path": node.name,
            "kind": node.layer.KIND,
            "inputs": [numbers[name] for name in node.inputs],
            "maps": shape.maps,
            "rows": shape.rows,
            "columns": shape.columns,
        }
