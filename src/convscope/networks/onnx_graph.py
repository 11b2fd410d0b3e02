"""A trained network as an ONNX graph: pixels in, probabilities out; what other programs compute it from.

The graph says what the network computes as it predicts, with normalization in the weights. Its input ``images`` is
uint8 N H W C, as everywhere here; its output ``probabilities`` is float32 N K.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.core.text import counted
from convscope.layers.pooling import Pooling
from convscope.layers.windows import binomial

from .build import Network
from .folding import Connections, Sums, fold
from .int8 import Int8
from .onnx_messages import Graph

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
    graph = Graph()
    value = _standardized(graph, folded.mean, folded.std)
    shape = planned.channels, planned.height, planned.width
    flat, sums = False, 0
    for place, layer in enumerate(folded.layers):
        if isinstance(layer, Pooling):
            value = _POOLINGS[layer.code](_Windows(graph=graph, layer=layer, shape=shape), value)
        elif isinstance(layer, Sums):
            value = _sums(graph, value, layer, int8, sums)
        else:
            value = value if flat else graph.node("Flatten", value)
            last = place == len(folded.layers) - 1
            value, flat = _connections(graph, value, layer, None if last else int8, sums), True
        sums += not isinstance(layer, Pooling)
        if place < len(folded.layers) - 1:
            shape = planned.layers[place].maps, planned.layers[place].rows, planned.layers[place].columns
            following = folded.layers[place + 1]
            if int8 and isinstance(following, Pooling) and following.code == "MP":
                value = int8.rounded(graph, value, sums)  # the largest of whole numbers is one of them
    if folded.sigmoids:
        value = graph.node("Neg", graph.node("Softplus", graph.node("Neg", value)))  # the logarithm of the sigmoid
    graph.node("Softmax", value, axis=1, name=OUTPUT)
    pixels: list[int | str] = ["N", planned.height, planned.width, planned.channels]
    return graph.model({INPUT: ("uint8", pixels)}, {OUTPUT: ("float32", ["N", planned.classes])})


def _standardized(graph: Graph, mean: NDArray[np.float32], std: NDArray[np.float32]) -> str:
    """Return the name of the standardized images, N C H W."""
    with np.errstate(all="ignore"):  # what comes to no number is refused before it is used
        scale, shift = (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
    scaled = graph.node("Mul", graph.node("Cast", INPUT, to=1), graph.constant(scale))
    shifted = graph.node("Add", scaled, graph.constant(shift))
    return graph.node("Transpose", shifted, perm=[0, 3, 1, 2])  # N H W C -> N C H W


def _sums(graph: Graph, below: str, layer: Sums, int8: Int8 | None, number: int) -> str:
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
    return NONLINEAR[layer.nonlinearity](graph, value)


def _connections(graph: Graph, below: str, layer: Connections, int8: Int8 | None, number: int) -> str:
    if int8:
        below = int8.rounded(graph, below, number)
        value = graph.node("Gemm", below, *int8.weighted(graph, layer.weights, layer.biases, number), transB=1)
    else:
        value = graph.node("Gemm", below, graph.constant(layer.weights), graph.constant(layer.biases), transB=1)
    return NONLINEAR[layer.nonlinearity](graph, value)


def _gelu(graph: Graph, value: str) -> str:
    root, one, half = (graph.constant(np.array(number, np.float32)) for number in (math.sqrt(0.5), 1.0, 0.5))
    part = graph.node("Add", graph.node("Erf", graph.node("Mul", value, root)), one)
    return graph.node("Mul", graph.node("Mul", value, part), half)


def _unchanged(_: Graph, value: str) -> str:
    return value


NONLINEAR: dict[str, Callable[[Graph, str], str]] = {
    "relu": lambda graph, value: graph.node("Relu", value),
    "tanh": lambda graph, value: graph.node("Tanh", value),
    "sigmoid": lambda graph, value: graph.node("Sigmoid", value),
    "elu": lambda graph, value: graph.node("Elu", value, alpha=1.0),
    "gelu": _gelu,
    "abs": lambda graph, value: graph.node("Abs", value),
    "linear": _unchanged,
}


@dataclass(frozen=True, kw_only=True)
class _Windows:
    """What is pooled, and how; `shape` is maps, rows and columns below."""

    graph: Graph
    layer: Pooling
    shape: tuple[int, int, int]

    def windowed(self, kind: str, value: str) -> str:
        """Return the largest or the mean of each window, or of the whole map."""
        if self.layer.window is None:
            return self.graph.node(f"Global{kind}", value)
        side, stride = self.layer.window, self.layer.stride
        return self.graph.node(kind, value, kernel_shape=[side] * 2, strides=[stride] * 2)

    def every(self, value: str, stride: int) -> str:
        """Return every value `stride` apart, as many as there are windows."""
        places = [self.layer.window_over(side).places(side) for side in self.shape[1:]]
        ends = [(count - 1) * stride + 1 for count in places]
        given = [np.array(one, np.int64) for one in ([0, 0], ends, [2, 3], [stride] * 2)]
        return self.graph.node("Slice", value, *map(self.graph.constant, given))


def _largest(over: _Windows, value: str) -> str:
    return over.windowed("MaxPool", value)


def _mean(over: _Windows, value: str) -> str:
    return over.windowed("AveragePool", value)


def _root_mean_square(over: _Windows, value: str) -> str:
    return over.graph.node("Sqrt", _mean(over, over.graph.node("Mul", value, value)))


def _subset(over: _Windows, value: str) -> str:
    return over.every(value, over.layer.stride)


def _stochastic(over: _Windows, value: str) -> str:
    """Return Σ x² / Σ x over the positive values of each window; where there are none, the mean."""
    graph = over.graph
    chances = graph.node("Relu", value)
    total = _mean(over, chances)
    weighted = _mean(over, graph.node("Mul", chances, value))
    some = graph.node("Greater", total, graph.constant(np.zeros((), np.float32)))
    safe = graph.node("Where", some, total, graph.constant(np.ones((), np.float32)))
    return graph.node("Where", some, graph.node("Div", weighted, safe), _mean(over, value))


def _blurred(over: _Windows, value: str) -> str:
    """Return the binomial mean around the first place of each window, or over the whole map."""
    graph, layer, (maps, rows, columns) = over.graph, over.layer, over.shape
    if layer.window is None:
        down, across = np.array(binomial(rows)), np.array(binomial(columns))
    else:
        reach = layer.window - 1
        down = across = np.array(binomial(2 * reach + 1))
        if reach:
            edges = graph.constant(np.array([0, 0, reach, reach] * 2, np.int64))
            value = graph.node("Pad", value, edges, mode="edge")
    weights = np.broadcast_to((down[:, None] * across).astype(np.float32), (maps, 1, len(down), len(across)))
    value = graph.node("Conv", value, graph.constant(weights), strides=[layer.stride] * 2, group=maps)
    return over.every(value, 1) if layer.window else value


_POOLINGS: dict[str, Callable[[_Windows, str], str]] = {
    "MP": _largest,
    "AP": _mean,
    "SS": _subset,
    "LP": _root_mean_square,
    "ST": _stochastic,
    "BP": _blurred,
}
