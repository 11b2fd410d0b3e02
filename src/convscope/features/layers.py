"""The layers of any network by name: which ones end a stage or a block, and the network up to one of them."""

from collections.abc import Iterator, Sequence

import numpy as np

from convscope.core.errors import ParameterError, did_you_mean
from convscope.core.machine import memory_format
from convscope.layers.kinds import Convolution, InstanceBased, Linear, LocallyConnected
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork
from convscope.networks.layer_names import blocks_with, layer_index

_SUMS = (Convolution, LocallyConnected, Linear, InstanceBased)


def trunk(graph: Graph) -> tuple[Node, ...]:
    """Return the layers that every path from the image to the output passes, in order.

    The inside of a residual block or of parallel branches is not among them; the sum or concatenation behind it is.
    """
    last_reader = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    passed, furthest = [], last_reader[IMAGE]
    for index, node in enumerate(graph.nodes):
        if furthest <= index:  # nothing that is before this layer is read behind it
            passed.append(node)
        furthest = max(furthest, last_reader.get(node.name, index))
    return tuple(passed)


def stage_ends(graph: Graph) -> tuple[str, ...]:
    """Return the names of the layers that end a stage, in order, those from the classifier on left out.

    A stage ends with the last layer of the trunk before the size of the maps changes, and with every fully connected
    layer.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-4C3-MP2-6N"), height=8, width=8, channels=1, classes=2)
        >>> stage_ends(network.graph)
        ('convolution2', 'pooling1', 'linear1')
    """
    return tuple(
        node.name
        for node, after in _followed(_before_classifier(graph))
        if after is None or _size(graph, node) != _size(graph, after) or isinstance(node.layer, Linear)
    )


def block_ends(graph: Graph, most: int) -> tuple[str, ...]:
    """Return the names of at most `most` layers that end a stage or a named block, the last one among them."""
    ends = set(stage_ends(graph))
    names = [
        node.name
        for node, after in _followed(_before_classifier(graph))
        if node.name in ends or after is None or node.block != after.block
    ]
    if len(names) <= most:
        return tuple(names)
    return tuple(names[index] for index in np.linspace(0, len(names) - 1, most).round().astype(int))


def stage_layers(network: ImageNetwork) -> tuple[str, ...]:
    """Return the name of the last layer of every stage, beginning with the ``image``, which is stage 0."""
    graph, layout = network.graph, network.layout
    if layout is None:
        return (IMAGE, *stage_ends(graph))
    count = len(layout.stages)
    lasts = [index for index in range(count) if index + 1 == count or not layout.is_joined(index + 1)]
    return (IMAGE, *(graph.nodes[index].name for index in lasts))


def find_layer(graph: Graph, name: str) -> str:
    """Return the name of the layer that `name` means, as `layer_named` finds it.

    Raises:
        ParameterError: there is none.
    """
    every = range(len(graph.nodes))
    found = None if name == IMAGE else layer_index(graph, name, every)
    if name == IMAGE or found is not None:
        return IMAGE if found is None else graph.nodes[found].name
    names = [node.name for node in graph.nodes]
    raise ParameterError(
        f"`layer` must be a layer of the network, from {names[0]} to {names[-1]}. Got {name[:100]!r}."
        f"{did_you_mean(name, [*names, *blocks_with(graph, every)])} `convscope features MODEL --layer-names` lists "
        "them."
    )


def network_up_to(network: ImageNetwork, name: str) -> GraphNetwork:
    """Return the arithmetic of `network` up to the layer `name`, whose values are its output.

    Raises:
        ParameterError: the network is optimized for inference, and is that of a layout.
    """
    if network.only_predicts and network.layout is not None:
        raise ParameterError(
            "The values of a layer by name must be those of a model as it was trained. Got one that is optimized for "
            "inference. Use the model that it was made from."
        )
    whole = fold(network)
    graph = whole.graph.up_to(name)
    tensors = {key: value for key, value in whole.tensors.items() if key in graph.tensors}
    cut = whole.like(graph, tensors)
    cut.precision = whole.precision
    return cut.to(memory_format=memory_format())  # type: ignore[call-overload, no-any-return]  # torch lacks this one


def _before_classifier(graph: Graph) -> Sequence[Node]:
    """Return the trunk from the first sums to the last that give one map or value per class, without these."""
    nodes, classes = trunk(graph), graph.shapes[graph.output.name].maps
    last = len(nodes) - 1
    for index, node in enumerate(nodes):
        if isinstance(node.layer, _SUMS) and graph.shapes[node.name].maps == classes:
            last = index
    names = [node.name for node in graph.nodes]
    first = next((index for index, node in enumerate(graph.nodes) if isinstance(node.layer, _SUMS)), 0)
    return [node for node in nodes[:last] if names.index(node.name) >= first]


def _followed(nodes: Sequence[Node]) -> Iterator[tuple[Node, Node | None]]:
    """Give every node with the next one, None behind the last."""
    return zip(nodes, (*nodes[1:], None), strict=False)  # of none, none


def _size(graph: Graph, node: Node) -> tuple[int, int]:
    shape = graph.shapes[node.name]
    return shape.rows, shape.columns
