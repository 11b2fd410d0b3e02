"""A network as an ONNX graph: pixels in, probabilities out; what other programs compute it from.

The graph says what the network computes as it predicts, with normalization in the weights. Its input ``images`` is
uint8 N H W C, as everywhere here; its output ``probabilities`` is float32 N K.
"""

import numpy as np
from numpy.typing import NDArray

from convscope.layers.layer import OnnxWriter
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.layers.onnx_graph import OnnxGraph

from .folding import ready
from .graph import IMAGE, Node
from .graph_network import GraphNetwork
from .image_network import ImageNetwork
from .int8 import Int8

INPUT, OUTPUT = "images", "probabilities"


def onnx_bytes(network: ImageNetwork, int8: Int8 | None = None) -> bytes:
    """Return `network` as the content of an ONNX file.

    Args:
        network: trained.
        int8: ranges of its values, if sums are to be computed from whole numbers of 8 bits.

    Raises:
        ParameterError: it has a part that ONNX has no operation for.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> len(onnx_bytes(network)) > 1_000    # 4 × 9 weights and 2 × 64, 4 bytes each
        True
    """
    arithmetic = ready(network)
    graph, planned = OnnxGraph(), network.plan
    values = {IMAGE: _standardized(graph, arithmetic.mean.numpy(), arithmetic.std.numpy())}
    for node in arithmetic.graph.nodes:
        writer = graph if int8 is None else int8.writer(graph, arithmetic.graph, node)
        value = _exported(writer, arithmetic, node, values)
        values[node.name] = value if int8 is None else int8.pooled(graph, arithmetic.graph, node, value)
    logits = graph.node("Flatten", values[arithmetic.graph.output.name])
    if arithmetic.temperature is None:
        logits = graph.node("Neg", graph.node("Softplus", graph.node("Neg", logits)))  # the logarithm of the sigmoid
    graph.node("Softmax", logits, axis=1, name=OUTPUT)
    pixels: list[int | str] = ["N", planned.height, planned.width, planned.channels]
    return graph.model({INPUT: ("uint8", pixels)}, {OUTPUT: ("float32", ["N", planned.classes])})


def _exported(writer: OnnxWriter, network: GraphNetwork, node: Node, values: dict[str, str]) -> str:
    """Return the name of the values of a node."""
    tensors = {name: value.detach().numpy() for name, value in network.tensors_of(node).items()}
    inputs = [values[name] for name in node.inputs]
    value = node.layer.export(writer, inputs, tensors, network.graph.inputs_of(node))
    return nonlinearity_of(node.nonlinearity).onnx(writer, value)


def _standardized(graph: OnnxGraph, mean: NDArray[np.float32], std: NDArray[np.float32]) -> str:
    """Return the name of the standardized images, N C H W."""
    with np.errstate(all="ignore"):  # what comes to no number is refused before it is used
        scale, shift = (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
    scaled = graph.node("Mul", graph.node("Cast", INPUT, to=1), graph.constant(scale))
    shifted = graph.node("Add", scaled, graph.constant(shift))
    return graph.node("Transpose", shifted, perm=[0, 3, 1, 2])  # N H W C -> N C H W
