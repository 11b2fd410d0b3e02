"""A network as a graph of layers: plain data, checked when it is made, without weights.

What a network computes is said here once. A layout, an ONNX file and a torch module become a graph; plan, computation,
inference, ONNX, cost, receptive fields, invariance, units, features, figures and page walk it and ask its layers.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convscope.core.errors import DataError, LayoutError
from convscope.core.records import from_json, to_json
from convscope.core.text import printable
from convscope.layers.geometry import MapShape, ReceptiveField
from convscope.layers.kinds import LAYERS
from convscope.layers.layer import Fields, Layer, TensorShapes
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.layers.planned import PlannedLayer

IMAGE = "image"
"""The name of a network's input."""
LARGEST_NODES = 5_000
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Node:
    """One layer in its place.

    Attributes:
        name: unique, for example ``conv1`` or ``layer1.0.conv2``; what is before the last dot is the block it is in.
        layer: what it computes.
        inputs: names of the nodes that it reads, all before it; ``image`` is the network's input.
        nonlinearity: of its values, as `nonlinearity_of` takes it.

    Raises:
        LayoutError: the name, or the number of inputs, is out of range.
        ParameterError: the nonlinearity is unknown.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    nonlinearity: str = "linear"

    def __post_init__(self) -> None:
        """Validate what can be validated without the other nodes."""
        if not 1 <= len(self.name) <= _LONGEST_NAME or printable(self.name) != self.name or self.name == IMAGE:
            raise LayoutError(f"A node must have a name of 1 to {_LONGEST_NAME} letters. Got {self.name[:40]!r}.")
        least, most = self.layer.LEAST_INPUTS, self.layer.MOST_INPUTS
        if not least <= len(self.inputs) <= most:
            raise LayoutError(f"{self.name} must have {least} to {most} inputs. Got {len(self.inputs)}.")
        nonlinearity_of(self.nonlinearity)

    @property
    def block(self) -> str:
        """The name of what the node is a part of; empty at the top."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Nodes in an order in which they can be computed; the last one is the output.

    Attributes:
        nodes: at least one.
        image: shape of the network's input.

    Raises:
        LayoutError: a name is given twice, an input does not come before, shapes do not fit, or there are too many.

    Examples:
        >>> from convscope.layers.kinds import Linear, Pooling
        >>> graph = Graph(image=MapShape(maps=3, rows=8, columns=8), nodes=(
        ...     Node(name="pool", layer=Pooling(code="APg"[:2]), inputs=("image",)),
        ...     Node(name="classifier", layer=Linear(units=2), inputs=("pool",)),
        ... ))
        >>> [str(shape) for shape in graph.shapes.values()]
        ['3 maps of 8x8', '3 values', '2 values']
    """

    nodes: tuple[Node, ...]
    image: MapShape

    def __post_init__(self) -> None:
        """Validate order and shapes."""
        if not 1 <= len(self.nodes) <= LARGEST_NODES:
            raise LayoutError(f"A network must have 1 to {LARGEST_NODES:,} layers. Got {len(self.nodes):,}.")
        if min(self.image.maps, self.image.rows, self.image.columns) < 1:
            raise LayoutError(f"An image must have values. Got {self.image}.")
        _ = self.shapes

    @functools.cached_property
    def shapes(self) -> Mapping[str, MapShape]:
        """The shape of the image and of every node's values, by name."""
        shapes = {IMAGE: self.image}
        for node in self.nodes:
            if node.name in shapes:
                raise LayoutError(f"Two layers have the name {node.name!r}.")
            missing = [name for name in node.inputs if name not in shapes]
            if missing:
                raise LayoutError(f"{node.name} reads {missing[0][:40]!r}, which does not come before it.")
            try:
                shapes[node.name] = node.layer.shape([shapes[name] for name in node.inputs])
            except LayoutError as error:
                raise LayoutError(f"{node.name}: {error}") from None
        return shapes

    def inputs_of(self, node: Node) -> list[MapShape]:
        """Return the shapes that `node` reads."""
        return [self.shapes[name] for name in node.inputs]

    @functools.cached_property
    def fields(self) -> Mapping[str, Fields]:
        """The receptive fields of the image's pixels and of every node, by name."""
        fields: dict[str, Fields] = {IMAGE: (ReceptiveField(), ReceptiveField())}
        for node in self.nodes:
            fields[node.name] = node.layer.fields([fields[name] for name in node.inputs], self.inputs_of(node))
        return fields

    @functools.cached_property
    def tensors(self) -> TensorShapes:
        """The shape of every tensor of the network, by the name of its node and its own."""
        return {
            f"{node.name}.{name}": shape
            for node in self.nodes
            for name, shape in node.layer.tensors(self.inputs_of(node)).items()
        }

    @functools.cached_property
    def readers(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the nodes that read the image or a node, by its name."""
        readers: dict[str, list[str]] = {name: [] for name in self.shapes}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node.name)
        return {name: tuple(names) for name, names in readers.items()}

    @property
    def output(self) -> Node:
        """The node whose values are the network's output."""
        return self.nodes[-1]

    @functools.cached_property
    def by_name(self) -> Mapping[str, Node]:
        """Every node by its name."""
        return {node.name: node for node in self.nodes}

    def planned(self, node: Node) -> PlannedLayer:
        """Return shape, cost and receptive fields of a node."""
        return node.layer.planned(node.name, self.inputs_of(node), self.fields[node.name])

    def ancestors(self, name: str) -> frozenset[str]:
        """Return the names of all nodes that the values of a node depend on, with its own."""
        wanted = {name}
        for node in reversed(self.nodes):
            if node.name in wanted:
                wanted.update(node.inputs)
        return frozenset(wanted - {IMAGE})

    def descendants(self, name: str) -> frozenset[str]:
        """Return the names of all nodes whose values depend on those of `name`, without it."""
        reached = {name}
        for node in self.nodes:
            if reached.intersection(node.inputs):
                reached.add(node.name)
        return frozenset(reached - {name})

    def up_to(self, name: str) -> "Graph":
        """Return the graph whose output is the node `name`, with what that depends on.

        Raises:
            LayoutError: there is no such node.
        """
        if name not in self.by_name:
            raise LayoutError(f"The network has no layer {name!r}.")
        wanted = self.ancestors(name)
        return Graph(nodes=tuple(node for node in self.nodes if node.name in wanted), image=self.image)

    @functools.cached_property
    def live_values(self) -> tuple[int, ...]:
        """For each node, the values of one image that are stored while it is computed, its own included."""
        last = {name: index for index, node in enumerate(self.nodes) for name in node.inputs}
        stored = {IMAGE: self.image.values}
        live = []
        for index, node in enumerate(self.nodes):
            stored[node.name] = self.shapes[node.name].values
            live.append(sum(stored.values()))
            for name in {*node.inputs, node.name}:
                if last.get(name, -1) <= index:
                    stored.pop(name, None)
        return tuple(live)

    def live(self) -> int:
        """Return the largest number of values of one image that must be stored at once to compute the output."""
        return max(self.live_values)


def graph_json(graph: Graph) -> dict[str, Any]:
    """Return the graph as what JSON can hold."""
    return {
        "image": to_json(graph.image),
        "nodes": [
            {
                "name": node.name,
                "kind": node.layer.KIND,
                "layer": to_json(node.layer),
                "inputs": list(node.inputs),
                "nonlinearity": node.nonlinearity,
            }
            for node in graph.nodes
        ],
    }


def graph_from_json(value: Any) -> Graph:
    """Return the graph that `graph_json` wrote.

    Raises:
        DataError: the value describes no graph.
        LayoutError: its layers cannot follow each other.
    """
    if not isinstance(value, dict) or set(value) != {"image", "nodes"} or not isinstance(value["nodes"], list):
        raise DataError("A graph must have an image and nodes.")
    if len(value["nodes"]) > LARGEST_NODES:
        raise LayoutError(f"A network must have 1 to {LARGEST_NODES:,} layers. Got {len(value['nodes']):,}.")
    return Graph(image=from_json(MapShape, value["image"]), nodes=tuple(map(_node, value["nodes"])))


def _node(value: Any) -> Node:
    if not isinstance(value, dict) or set(value) != {"name", "kind", "layer", "inputs", "nonlinearity"}:
        raise DataError("A node must have name, kind, layer, inputs and nonlinearity.")
    texts = [value["name"], value["kind"], value["nonlinearity"]]
    inputs = value["inputs"]
    if not isinstance(inputs, list) or not all(isinstance(text, str) for text in [*texts, *inputs]):
        raise DataError("Name, kind, nonlinearity and inputs of a node must be texts.")
    if value["kind"] not in LAYERS:
        raise DataError(f"There is no kind of layer {value['kind'][:40]!r}.")
    layer = from_json(LAYERS[value["kind"]], value["layer"])  # type: ignore[type-var]  # every kind is a dataclass
    return Node(name=value["name"], layer=layer, inputs=tuple(inputs), nonlinearity=value["nonlinearity"])
