"""A trained network on images of another size, where its weights fit any."""

from dataclasses import replace

from convscope.core.errors import LayoutError
from convscope.networks.folding import fold
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model


def graph_of_size(graph: Graph, height: int, width: int) -> Graph | None:
    """Return the same layers on images of another size; None where the weights do not fit them.

    Examples:
        >>> from convscope.networks.pretrained.efficientnet_lite import efficientnet_lite0
        >>> str(graph_of_size(efficientnet_lite0(), 192, 160).shapes["head"])
        '1,280 maps of 5x6'
    """
    try:
        other = Graph(nodes=graph.nodes, image=replace(graph.image, rows=height, columns=width))
    except LayoutError:
        return None
    return other if other.tensors == graph.tensors else None


def with_size(model: Model, height: int, width: int) -> Model | None:
    """Return a model with its weights on images of another size; None where they do not fit them."""
    if (height, width) == model.preprocessing.size:
        return model
    before = fold(model.network)
    graph = graph_of_size(before.graph, height, width)
    if graph is None:
        return None
    network = copied(before, graph)
    return replace(model, network=network, preprocessing=replace(model.preprocessing, height=height, width=width))


def copied(network: GraphNetwork, graph: Graph | None = None) -> GraphNetwork:
    """Return a copy that can be trained, in evaluation mode; of the same layers unless `graph` has others."""
    return GraphNetwork.calibrated_as(network, graph or network.graph, network.tensors)
