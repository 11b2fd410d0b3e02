"""A trained network as an ONNX graph: pixels in, probabilities out; what other programs compute it from.

The graph says what the network computes as it predicts, with normalization in the weights. Its input ``images`` is
uint8 N H W C, as everywhere here; its output ``probabilities`` is float32 N K.
"""

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.onnx_graph import OnnxGraph
from convscope.layers.pooling_operators import OnnxPooling

from .build import Network
from .folding import Connections, WeightedSums, fold
from .int8 import Int8
from .stages import PoolingStage

INPUT, OUTPUT = "images", "probabilities"


def onnx_bytes(network: Network, int8: Int8 | None = None) -> bytes:
    """Return `network` as the content of an ONNX file.

    Args:
        network: trained.
        int8: ranges of its values, if sums are to be computed from whole numbers of 8 bits.

    Raises:
        ParameterError: it has a part that ONNX has no operation for.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> len(onnx_bytes(network)) > 1_000    # 4 × 9 weights and 2 × 64, 4 bytes each
        True
    """
    folded, planned = fold(network), network.plan
    graph = OnnxGraph()
    value = _standardized(graph, folded.mean, folded.std)
    shape = planned.channels, planned.height, planned.width
    flat, sums = False, 0
    for index, layer in enumerate(folded.layers):
        if isinstance(layer, PoolingStage):
            value = _pooled(graph, value, layer, shape)
        elif isinstance(layer, WeightedSums):
            value = _sums(graph, value, layer, int8, sums)
        else:
            value = value if flat else graph.node("Flatten", value)
            last = index == len(folded.layers) - 1
            value, flat = _connections(graph, value, layer, None if last else int8, sums), True
        sums += not isinstance(layer, PoolingStage)
        if index < len(folded.layers) - 1:
            shape = planned.layers[index].maps, planned.layers[index].rows, planned.layers[index].columns
            following = folded.layers[index + 1]
            if int8 and isinstance(following, PoolingStage) and following.code == "MP":
                value = int8.rounded(graph, value, sums)  # the largest of whole numbers is one of them
    if folded.sigmoids:
        value = graph.node("Neg", graph.node("Softplus", graph.node("Neg", value)))  # the logarithm of the sigmoid
    graph.node("Softmax", value, axis=1, name=OUTPUT)
    pixels: list[int | str] = ["N", planned.height, planned.width, planned.channels]
    return graph.model({INPUT: ("uint8", pixels)}, {OUTPUT: ("float32", ["N", planned.classes])})


def _standardized(graph: OnnxGraph, mean: NDArray[np.float32], std: NDArray[np.float32]) -> str:
    """Return the name of the standardized images, N C H W."""
    with np.errstate(all="ignore"):  # what comes to no number is refused before it is used
        scale, shift = (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
    scaled = graph.node("Mul", graph.node("Cast", INPUT, to=1), graph.constant(scale))
    shifted = graph.node("Add", scaled, graph.constant(shift))
    return graph.node("Transpose", shifted, perm=[0, 3, 1, 2])  # N H W C -> N C H W


def _pooled(graph: OnnxGraph, value: str, layer: PoolingStage, shape: tuple[int, int, int]) -> str:
    """Return the name of the pooled maps; `shape` is maps, rows and columns of the input."""
    return layer.kind.onnx(OnnxPooling(graph=graph, window=layer.window, stride=layer.stride, shape=shape), value)


def _sums(graph: OnnxGraph, below: str, layer: WeightedSums, int8: Int8 | None, number: int) -> str:
    if layer.weights.shape[:2] != (1, 1):
        raise ParameterError(
            "The layout must have no locally connected stage (U) to become an ONNX graph, which has no operation for "
            "it. "
            f"Got one of {counted(layer.weights.shape[2], 'unit')}. Use the torch back end."
        )
    weights = layer.weights[0, 0]
    below = int8.rounded(graph, below, number) if int8 else below
    inputs = (
        int8.weighted(graph, weights, layer.biases, number)
        if int8
        else (graph.constant(weights), graph.constant(layer.biases))
    )
    pads = [layer.before, layer.before, layer.after, layer.after]
    value = graph.node("Conv", below, *inputs, pads=pads, strides=[layer.stride] * 2)
    if layer.residual:
        value = graph.node("Add", int8.rounded_sum(graph, value, number) if int8 else value, below)
    return NONLINEARITIES[layer.nonlinearity].onnx(graph, value)


def _connections(graph: OnnxGraph, below: str, layer: Connections, int8: Int8 | None, number: int) -> str:
    if int8:
        below = int8.rounded(graph, below, number)
        value = graph.node("Gemm", below, *int8.weighted(graph, layer.weights, layer.biases, number), transB=1)
    else:
        value = graph.node("Gemm", below, graph.constant(layer.weights), graph.constant(layer.biases), transB=1)
    return NONLINEARITIES[layer.nonlinearity].onnx(graph, value)
