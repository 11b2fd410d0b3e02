"""Sums from whole numbers of 8 bits: which range each value has, and how it is rounded.

Values become whole numbers 0…255, one range a map stack, from the least and largest that calibration images give;
weights -63…63, one scale a unit. Weights have 7 bits everywhere, because processors without VNNI add two products of 8
bits in 16, which may overflow: so all processors give the same answers. The classifier's sums stay in float32.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import ParameterError
from convscope.layers.kinds import Convolution, Linear, Pooling
from convscope.layers.layer import Attribute, OnnxWriter

from .folding import ready
from .graph import Graph, Node
from .image_network import ImageNetwork

_STEPS, _WEIGHT_STEPS = 255, 63
_BATCH = 64
Range = tuple[float, float]
_SUMS = (Convolution, Linear)


@dataclass(frozen=True, kw_only=True)
class Int8:
    """Least and largest value of each sum's input and of what it gives, by the name of its node."""

    inputs: Mapping[str, Range]
    outputs: Mapping[str, Range]

    def writer(self, writer: OnnxWriter, graph: Graph, node: Node) -> OnnxWriter:
        """Return a writer that rounds what `node` reads and its weights, if it is a sum; the classifier keeps float32.

        The input of the classifier is rounded nevertheless when it is of 8 bits already.
        """
        last = node is graph.output and isinstance(node.layer, Linear)
        return _RoundingWriter(writer, self, node) if node.name in self.inputs and not last else writer

    def pooled(self, writer: OnnxWriter, graph: Graph, node: Node, value: str) -> str:
        """Return `value` rounded, if a max pooling reads it: the largest of whole numbers is one of them."""
        readers = graph.readers[node.name]
        if len(readers) != 1 or not isinstance(graph.by_name[readers[0]].layer, Pooling):
            return value
        pooling = graph.by_name[readers[0]]
        after = [name for name in graph.readers[pooling.name] if name in self.inputs]
        if not isinstance(pooling.layer, Pooling) or pooling.layer.code != "MP" or len(after) != 1:
            return value
        return _rounded(writer, value, self.inputs[after[0]])


class _RoundingWriter:
    """Writes one sum: its input, weights and biases are rounded, and the sum where something is added to it."""

    def __init__(self, writer: OnnxWriter, int8: Int8, node: Node) -> None:
        self._writer, self._constants = writer, dict[str, NDArray[Any]]()
        self._inputs, self._outputs = int8.inputs[node.name], int8.outputs[node.name]
        self._rounded: dict[str, str] = {}

    def constant(self, values: NDArray[Any]) -> str:
        """Keep an array until it is known how it is rounded."""
        if values.dtype != np.float32:
            return self._writer.constant(values)
        name = f"kept{len(self._constants)}"
        self._constants[name] = values
        return name

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Attribute) -> str:
        """Add an operator; of sums, with rounded inputs, and of their addition, with what is added."""
        if kind in ("Conv", "Gemm"):
            weights, biases = (self._constants[constant] for constant in inputs[1:])
            below = self._rounded[inputs[0]] = _rounded(self._writer, inputs[0], self._inputs)
            inputs = (below, *rounded_weights(self._writer, weights, biases, self._inputs))
        elif kind == "Add":
            inputs = (_rounded(self._writer, inputs[0], self._outputs), self._rounded.get(inputs[1], inputs[1]))
        else:
            inputs = tuple(
                self._writer.constant(self._constants[each]) if each in self._constants else each for each in inputs
            )
        return self._writer.node(kind, *inputs, name=name, **attributes)


def rounded_weights(
    writer: OnnxWriter, weights: NDArray[np.float32], biases: NDArray[np.float32], between: Range
) -> tuple[str, str]:
    """Return the names of rounded weights and biases; units are the first axis.

    Args:
        writer: where the constants go.
        weights: of the sums.
        biases: one a unit.
        between: least and largest value of what is summed.
    """
    step = _scale(between)[0]
    scale = np.abs(weights).reshape(len(weights), -1).max(1).clip(1e-12) / _WEIGHT_STEPS
    scale = np.maximum(scale, np.abs(biases) / (2.0**31 - 129) / step).astype(np.float32)  # the bias has 32 bits
    whole = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.int8)
    fine = scale * step  # of the sums: a bias is rounded as they are
    rounded = np.clip(np.rint(biases / fine), -(2.0**31) + 1, 2.0**31 - 128).astype(np.int32)
    zeros = np.zeros(len(scale), np.int8)
    return (
        writer.node("DequantizeLinear", *map(writer.constant, (whole, scale, zeros)), axis=0),
        writer.node("DequantizeLinear", *map(writer.constant, (rounded, fine, zeros.astype(np.int32))), axis=0),
    )


def _scale(between: Range) -> tuple[np.float32, np.uint8]:
    """Return the width of a step and the whole number that stands for 0, which is always within the range."""
    low, high = min(0.0, between[0]), max(0.0, between[1])
    width = max(high - low, 1e-6) / _STEPS
    return np.float32(width), np.uint8(round(-low / width))


def _rounded(writer: OnnxWriter, value: str, between: Range) -> str:
    width, zero = (writer.constant(np.asarray(number)) for number in _scale(between))
    return writer.node("DequantizeLinear", writer.node("QuantizeLinear", value, width, zero), width, zero)


def calibrated(network: ImageNetwork, images: NDArray[np.uint8]) -> Int8:
    """Return the ranges that `images`, uint8 N H W C, give in `network`.

    Raises:
        ParameterError: there are no images, or the classifier is no weighted sums.
    """
    if not len(images):
        raise ParameterError("`calibration` must have at least one image. Got none. Give some training images.")
    arithmetic = ready(network)
    inputs: dict[str, Range] = {}
    outputs: dict[str, Range] = {}
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH]))
            for node, below, _ in arithmetic.steps(arithmetic.standardize(batch)):
                if isinstance(node.layer, _SUMS):
                    sums = node.layer.compute(below[:1], arithmetic.tensors_of(node))
                    _widen(inputs, node.name, below[0])
                    _widen(outputs, node.name, sums)
    return Int8(inputs=inputs, outputs=outputs)


def _widen(ranges: dict[str, Range], name: str, values: Tensor) -> None:
    low, high = ranges.get(name, (float("inf"), float("-inf")))
    ranges[name] = min(low, float(values.min())), max(high, float(values.max()))
