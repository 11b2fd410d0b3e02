"""A network as an ONNX file: what other programs compute it from.

The file says what the network computes as it predicts, with normalization in the weights. It takes pixels, uint8
N H W C, and gives probabilities, as everywhere here; or, with the preprocessing outside, standardized images, float32
N C H W, and gives logits.
"""

import json
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import choose
from convscope.layers.layer import OnnxWriter
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.folding import fold, ready
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.image_network import ImageNetwork
from convscope.networks.int8 import Int8

from .onnx_writer import OPSET, OnnxGraph, Sides

INPUT, OUTPUT, LOGITS = "images", "probabilities", "logits"
Where = Literal["inside", "outside"]


def onnx_bytes(
    network: ImageNetwork,
    int8: Int8 | None = None,
    *,
    opset: int = OPSET,
    preprocessing: Where = "inside",
    classes: tuple[str, ...] = (),
) -> bytes:
    """Return `network` as the content of an ONNX file.

    Args:
        network: trained.
        int8: ranges of its values, if sums are to be computed from whole numbers of 8 bits.
        opset: version of the operators.
        preprocessing: whether the file standardizes pixels and gives probabilities, or that is left to who uses it.
        classes: their names, written beside the network.

    Raises:
        ParameterError: it has a part that ONNX has no operation for, or not in that version.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> len(onnx_bytes(network)) > 1_000    # 4 × 9 weights and 2 × 64, 4 bytes each
        True
    """
    inside = choose("preprocessing", preprocessing, get_args(Where)) == "inside"
    arithmetic = ready(network) if inside else fold(network)
    graph, planned = OnnxGraph(opset, reserved=(INPUT, OUTPUT, LOGITS)), network.plan
    mean, std = arithmetic.mean.numpy(), arithmetic.std.numpy()
    values = {IMAGE: _standardized(graph, mean, std) if inside else INPUT}
    for node in arithmetic.graph.nodes:
        value = values[node.name] = _exported(graph, int8, arithmetic, node, values)
        graph.call(value, node.name)
    output = arithmetic.graph.output
    shape = arithmetic.graph.shapes[output.name]
    maps: Sides = ["N", shape.maps, shape.rows, shape.columns]
    is_vector = shape.rows * shape.columns == 1
    logits = graph.node("Flatten", values[output.name]) if is_vector else values[output.name]
    if inside and is_vector:
        if arithmetic.gives_margins:
            logits = graph.node("Neg", graph.node("Softplus", graph.node("Neg", logits)))  # the sigmoid's logarithm
        graph.node("Softmax", logits, axis=1, name=OUTPUT)
    else:
        graph.node("Identity", logits, name=LOGITS)
    pixels: Sides = ["N", planned.height, planned.width, planned.channels]
    floats: Sides = ["N", planned.channels, planned.height, planned.width]
    return graph.model(
        {INPUT: ("uint8", pixels) if inside else ("float32", floats)},
        {OUTPUT if inside and is_vector else LOGITS: ("float32", ["N", planned.classes] if is_vector else maps)},
        _about(arithmetic, classes, inside=inside),
    )


def _about(network: GraphNetwork, classes: tuple[str, ...], *, inside: bool) -> dict[str, str]:
    """Return what a file says beside the network: names that its operators do not have, and what is left outside."""
    layers = [[node.name, node.layer.KIND] for node in network.graph.nodes]
    about: dict[str, Any] = {"layers": layers} | ({"classes": classes} if classes else {})
    if not inside:
        about |= {"mean": network.mean.tolist(), "std": network.std.tolist()}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in about.items()}


def _exported(graph: OnnxGraph, int8: Int8 | None, network: GraphNetwork, node: Node, values: dict[str, str]) -> str:
    """Return the name of the values of a node."""
    writer: OnnxWriter = graph if int8 is None else int8.writer(graph, network.graph, node)
    tensors = {name: value.detach().numpy() for name, value in network.tensors_of(node).items()}
    inputs = [values[name] for name in node.inputs]
    with graph.layer(node.name, tensors):
        value = node.layer.export(writer, inputs, tensors, network.graph.inputs_of(node))
        value = nonlinearity_of(node.nonlinearity).onnx(writer, value)
        return value if int8 is None else int8.pooled(graph, network.graph, node, value)


def _standardized(graph: OnnxGraph, mean: NDArray[np.float32], std: NDArray[np.float32]) -> str:
    """Return the name of the standardized images, N C H W.

    Pixels are put into that order first: bytes are moved faster than floats, and ONNX Runtime takes one channel after
    the other, 100 times as long where each is a single value.
    """
    with np.errstate(all="ignore"):  # what comes to no number is refused before it is used
        scale, shift = (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
    pixels = graph.node("Cast", graph.node("Transpose", INPUT, perm=[0, 3, 1, 2]), to=1)  # N H W C -> N C H W
    scaled = graph.node("Mul", pixels, graph.constant(scale[:, None, None]))
    return graph.node("Add", scaled, graph.constant(shift[:, None, None]))
