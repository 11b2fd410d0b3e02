"""Convolutions with units added that change nothing, so that their maps fill the blocks a processor computes in."""

from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from convscope.layers.kinds import Convolution, Linear, Pooling

from .graph import Graph, Node
from .graph_network import GraphNetwork


def in_blocks(network: GraphNetwork, block: int) -> GraphNetwork:
    """Return `network` with a multiple of `block` units in each convolution that only weighted sums read.

    The added units have weights of 0, and so has what reads them: the output is the same, to rounding. ONNX Runtime
    keeps maps in blocks of channels between convolutions and poolings, but only where they fill their blocks.

    Args:
        network: the graph of a trained network.
        block: number of channels in a block.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.folding import fold
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("6C3-MP2-5C3"), height=8, width=8, channels=1, classes=2)
        >>> [node.layer.notation for node in in_blocks(fold(network), 8).graph.nodes]
        ['8C3', 'MP2', '8C3', '2N']
    """
    graph, tensors, layers = network.graph, dict(network.tensors), {}
    for node in graph.nodes:
        reader = _reader(graph, node)
        if not isinstance(node.layer, Convolution) or node.layer.groups != 1 or len(node.inputs) != 1 or reader is None:
            continue
        missing = -node.layer.units % block
        if missing > node.layer.units:
            continue  # its readers would do more than twice the work
        layers[node.name] = replace(node.layer, units=node.layer.units + missing)
        for name in ("weight", "bias"):
            tensors[f"{node.name}.{name}"] = _longer(tensors[f"{node.name}.{name}"], missing, axis=0)
        below = graph.inputs_of(reader)[0]
        inputs = missing * (below.rows * below.columns if isinstance(reader.layer, Linear) else 1)
        tensors[f"{reader.name}.weight"] = _longer(tensors[f"{reader.name}.weight"], inputs, axis=1)
    nodes = tuple(replace(node, layer=layers.get(node.name, node.layer)) for node in graph.nodes)
    return GraphNetwork.calibrated_as(network, replace(graph, nodes=nodes), tensors)


def _reader(graph: Graph, node: Node) -> Node | None:
    """Return what alone reads the maps of `node`, with nothing but pooling between, if it is weighted sums."""
    while True:
        readers = graph.readers[node.name]
        if len(readers) != 1:
            return None
        node = graph.by_name[readers[0]]
        if not isinstance(node.layer, Pooling):
            break
    sums = isinstance(node.layer, Linear) or (isinstance(node.layer, Convolution) and node.layer.groups == 1)
    return node if sums and len(node.inputs) == 1 else None


def _longer(values: Tensor, missing: int, *, axis: int) -> Tensor:
    """Return `values` with zeros at the end of one axis."""
    return functional.pad(values.detach(), (0, 0) * (values.ndim - 1 - axis) + (0, missing))
