"""Graphs of layers: checked when they are made, computed as torch computes them, cut, stored and computed anew."""

import json
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import Add, Concatenate, Convolution, Linear, Multiply, Pooling, Resize
from convscope.networks.graph import IMAGE, LARGEST_NODES, Graph, Node, graph_from_json, graph_json
from convscope.networks.graph_network import GraphNetwork
from tests.checks.laws import LAWS

SHAPE = MapShape(maps=2, rows=6, columns=5)
BEND = {"linear": lambda x: x, "relu": functional.relu, "tanh": torch.tanh}
few = settings(LAWS, max_examples=40)


def used_nodes(nodes: Sequence[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes that `output` depends on, in order, with it last."""
    wanted = {output}
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(node.inputs)
    used = [node for node in nodes if node.name in wanted]
    return tuple(used)


def node(name: str, layer: object, *inputs: str, **settings: str) -> Node:
    return Node(name=name, layer=layer, inputs=inputs or (IMAGE,), **settings)  # type: ignore[arg-type]


def square(kernel: int, stride: int = 1) -> dict[str, Window]:
    window = Window(kernel=kernel, stride=stride, before=kernel // 2, after=kernel // 2)
    return {"rows": window, "columns": window}


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph of up to nine layers with branches that meet, and a classifier."""
    nodes: list[Node] = []
    shapes = {IMAGE: SHAPE}
    for number in range(draw(st.integers(1, 8))):
        below = draw(st.sampled_from(list(shapes)))
        alike = [name for name, shape in shapes.items() if shape == shapes[below]]
        sized = [name for name, shape in shapes.items() if (shape.rows, shape.columns) == _side(shapes[below])]
        made = draw(
            st.sampled_from(
                [
                    (Convolution(units=draw(st.integers(1, 3)), **square(draw(st.sampled_from([1, 3])))), (below,)),
                    (Convolution(units=shapes[below].maps, groups=shapes[below].maps, **square(3, 2)), (below,)),
                    (Pooling(code="MP", **square(3, 2)), (below,)),
                    (Resize(rows=shapes[below].rows * 2, columns=3, mode="nearest"), (below,)),
                    (Add(), (below, draw(st.sampled_from(alike)))),
                    (Multiply(), (below, draw(st.sampled_from(alike)))),
                    (Concatenate(), (below, draw(st.sampled_from(sized)))),
                ]
            )
        )
        bend = draw(st.sampled_from(sorted(BEND)))
        one = node(f"block{number // 3}.{number}", made[0], *made[1], nonlinearity=bend)
        shapes[one.name] = one.layer.shape([shapes[name] for name in one.inputs])
        nodes.append(one)
    nodes.append(node("classifier", Linear(units=3), draw(st.sampled_from(list(shapes)))))
    return Graph(nodes=tuple(nodes), image=SHAPE)


def _side(shape: MapShape) -> tuple[int, int]:
    return shape.rows, shape.columns


def network_of(graph: Graph) -> GraphNetwork:
    generator = torch.Generator().manual_seed(3)
    tensors = {name: torch.randn(shape, generator=generator) * 0.5 for name, shape in graph.tensors.items()}
    return GraphNetwork(graph, tensors).eval()


def by_torch(graph: Graph, tensors: dict[str, Tensor], image: Tensor) -> dict[str, Tensor]:
    """Return the values of all nodes, computed by functions of torch."""
    values = {IMAGE: image}
    for one in graph.nodes:
        values[one.name] = BEND[one.nonlinearity](_one(one, [values[name] for name in one.inputs], tensors))
    return values


def _one(one: Node, inputs: list[Tensor], tensors: dict[str, Tensor]) -> Tensor:
    weight, bias = tensors.get(f"{one.name}.weight"), tensors.get(f"{one.name}.bias")
    match one.layer:
        case Convolution() as layer:
            pad, stride = layer.rows.before, layer.rows.stride
            return functional.conv2d(inputs[0], weight, bias, stride, pad, groups=layer.groups)
        case Pooling():
            return functional.max_pool2d(inputs[0], 3, 2, 1)
        case Resize() as layer:
            return functional.interpolate(inputs[0], (layer.rows, layer.columns))
        case Linear():
            return functional.linear(inputs[0].flatten(1), weight, bias)[..., None, None]
        case Add():
            return inputs[0] + inputs[1]
        case Multiply():
            return inputs[0] * inputs[1]
    return torch.cat(inputs, 1)


def images(count: int = 2) -> Tensor:
    return torch.randn(count, SHAPE.maps, SHAPE.rows, SHAPE.columns, generator=torch.Generator().manual_seed(1))


@few
@given(graphs())
def test_every_layer_has_the_values_of_torch(graph: Graph) -> None:
    network = network_of(graph)
    expected = by_torch(graph, network.tensors, images())
    with torch.no_grad():
        found = {one.name: values for one, values in network.values(images())}
        assert list(found) == [one.name for one in graph.nodes]
        for name, values in found.items():
            torch.testing.assert_close(values, expected[name], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(network(images()), expected["classifier"][:, :, 0, 0], rtol=1e-4, atol=1e-4)


@few
@given(graphs())
def test_it_comes_back_from_its_file(graph: Graph) -> None:
    assert graph_from_json(json.loads(json.dumps(graph_json(graph)))) == graph


@few
@given(graphs(), st.data())
def test_what_is_cut_off_changes_nothing_before_it(graph: Graph, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([one.name for one in graph.nodes]))
    network = network_of(graph)
    part = graph.up_to(name)
    assert part.output.name == name
    assert {one.name for one in part.nodes} == graph.ancestors(name)
    assert part.nodes == used_nodes(graph.nodes, name)
    own = GraphNetwork(part, {key: network.tensors[key] for key in part.tensors})
    with torch.no_grad():
        *_, (_, values) = own.values(images())
        whole = {one.name: values for one, values in network.values(images())}
    torch.testing.assert_close(values, whole[name])


@few
@given(graphs(), st.data())
def test_descendants_are_what_changes(graph: Graph, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(graph.shapes)))
    found = graph.descendants(name)
    assert name not in found
    for one in graph.nodes:
        assert (one.name in found) == (name in graph.ancestors(one.name) - {one.name} or name in _reads(graph, one))


def _reads(graph: Graph, one: Node) -> set[str]:
    """Return what a node depends on, the image included."""
    seen: set[str] = set()
    waiting = list(one.inputs)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        waiting += graph.by_name[name].inputs if name != IMAGE else ()
    return seen


@few
@given(graphs(), st.data())
def test_recomputing_what_depends_on_a_change_is_computing_all(graph: Graph, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from([one.name for one in graph.nodes]), min_size=1, max_size=2))
    network = network_of(graph)
    with torch.no_grad():
        stored = {IMAGE: images(), **{one.name: values for one, values in network.values(images())}}
        changed = {name: torch.ones_like(stored[name]) for name in names}
        values = {IMAGE: images()}
        for one in graph.nodes:
            values[one.name] = network.compute(one, [values[name] for name in one.inputs])
            if one.name in changed:
                values[one.name] = changed[one.name]
        found = network.recomputed(stored, changed)
    torch.testing.assert_close(found, values["classifier"][:, :, 0, 0])


@few
@given(graphs())
def test_the_live_values_are_the_most_that_are_made_and_still_read(graph: Graph) -> None:
    nodes = graph.nodes
    names = [IMAGE, *(one.name for one in nodes)]
    unread = set() if graph.readers[IMAGE] else {IMAGE}
    held = []
    for index, one in enumerate(nodes):
        read = {name for later in nodes[index:] for name in later.inputs} | unread
        held.append(sum(graph.shapes[name].values for name in names[: index + 1] if name in read))
        held[-1] += graph.shapes[one.name].values
    assert graph.live() == max(held)


@few
@given(graphs())
def test_the_plan_adds_up_its_layers(graph: Graph) -> None:
    planned = network_of(graph).plan
    assert planned.parameters == sum(tensor.numel() for tensor in network_of(graph).tensors.values())
    assert [layer.name for layer in planned.layers] == [one.name for one in graph.nodes]
    assert planned.values == SHAPE.values + sum(graph.shapes[one.name].values for one in graph.nodes)


CONVOLUTION = Convolution(units=2, **square(3))


@pytest.mark.parametrize(
    ("nodes", "word"),
    [
        ((), "1 to"),
        ((node("a", CONVOLUTION), node("a", CONVOLUTION)), "Two layers"),
        ((node("a", Add(), "b", IMAGE), node("b", CONVOLUTION, "a")), "come before"),
        ((node("a", CONVOLUTION, "a"),), "come before"),
        ((node("a", CONVOLUTION, "elsewhere"),), "elsewhere"),
        ((node("a", Convolution(units=3, **square(3))), node("b", Add(), "a", IMAGE)), "b: .*one shape"),
        ((node("a", Convolution(units=3, groups=3, **square(3))),), "a: .*multiple of 3"),
        ((node("a", Convolution(units=1, rows=Window(kernel=9), columns=Window(kernel=1))),), "a: .*kernel"),
    ],
    ids=["none", "duplicate", "cycle", "itself", "missing", "shapes", "groups", "window"],
)
def test_what_is_no_graph_is_refused(nodes: tuple[Node, ...], word: str) -> None:
    with pytest.raises(LayoutError, match=word):
        Graph(nodes=nodes, image=SHAPE)


def test_too_many_nodes_and_an_empty_image_are_refused() -> None:
    with pytest.raises(LayoutError, match=f"{LARGEST_NODES:,}"):
        Graph(nodes=(node("a", CONVOLUTION),) * (LARGEST_NODES + 1), image=SHAPE)
    with pytest.raises(LayoutError, match="must have values"):
        Graph(nodes=(node("a", CONVOLUTION),), image=MapShape(maps=0))


@pytest.mark.parametrize(
    ("make", "kind", "word"),
    [
        (lambda: node("", CONVOLUTION), LayoutError, "name"),
        (lambda: node("a\nb", CONVOLUTION), LayoutError, "name"),
        (lambda: node(IMAGE, CONVOLUTION), LayoutError, "name"),
        (lambda: node("a", Add(), IMAGE), LayoutError, "2 to"),
        (lambda: node("a", CONVOLUTION, IMAGE, IMAGE, IMAGE), LayoutError, "1 to 2"),
        (lambda: node("a", CONVOLUTION, nonlinearity="bends"), ParameterError, "bends"),
    ],
)
def test_what_is_no_node_is_refused(make: Callable[[], Node], kind: type[Exception], word: str) -> None:
    with pytest.raises(kind, match=word):
        make()


PLAIN = graph_json(Graph(nodes=(node("a", CONVOLUTION),), image=SHAPE))


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": None},
        {"nodes": [{}]},
        {"nodes": [{**PLAIN["nodes"][0], "kind": "attention"}]},
        {"nodes": [{**PLAIN["nodes"][0], "inputs": [1]}]},
        {"nodes": [{**PLAIN["nodes"][0], "layer": {"units": 2}}]},
        {"image": [1, 2, 3]},
        {"more": 1},
    ],
    ids=["none", "empty", "kind", "inputs", "layer", "image", "more"],
)
def test_files_of_something_else_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(DataError):
        graph_from_json({**PLAIN, **change})


def test_a_layer_that_is_not_there_cannot_be_the_last() -> None:
    with pytest.raises(LayoutError, match="'b'"):
        Graph(nodes=(node("a", CONVOLUTION),), image=SHAPE).up_to("b")


def test_tensors_of_another_shape_are_refused_by_name() -> None:
    graph = Graph(nodes=(node("a", CONVOLUTION),), image=SHAPE)
    with pytest.raises(LayoutError, match="a.weight"):
        GraphNetwork(graph, {"a.weight": torch.zeros(1), "a.bias": torch.zeros(2)})
    with pytest.raises(LayoutError, match="a.bias"):
        GraphNetwork(graph, {"a.weight": torch.zeros(graph.tensors["a.weight"])})


def test_blocks_are_named_by_what_stands_before_the_last_dot() -> None:
    assert node("layer1.0.conv2", CONVOLUTION).block == "layer1.0"
    assert node("conv1", CONVOLUTION).block == ""
