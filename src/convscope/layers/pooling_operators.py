"""Poolings as ONNX operators, one function a kind; the values are those of the modules in `windows`."""

from dataclasses import dataclass

import numpy as np

from .geometry import output_size
from .layer import OnnxWriter
from .windows import binomial


@dataclass(frozen=True, kw_only=True)
class OnnxPooling:
    """A pooling in an ONNX graph.

    Attributes:
        graph: where operators are added.
        window: side of the window; None for the whole map.
        stride: distance between neighboring windows.
        shape: maps, rows and columns of the input.
    """

    graph: OnnxWriter
    window: int | None
    stride: int
    shape: tuple[int, int, int]

    def windowed(self, operator: str, value: str) -> str:
        """Add `operator` (``MaxPool`` or ``AveragePool``) over each window, or over the whole map."""
        if self.window is None:
            return self.graph.node(f"Global{operator}", value)
        return self.graph.node(operator, value, kernel_shape=[self.window] * 2, strides=[self.stride] * 2)

    def mean(self, value: str) -> str:
        """Add the mean of each window."""
        return self.windowed("AveragePool", value)

    def strided(self, value: str, stride: int) -> str:
        """Add a slice that takes every `stride`-th value, one for each window."""
        counts = [output_size(side, self.window or side, self.stride) for side in self.shape[1:]]
        ends = [(count - 1) * stride + 1 for count in counts]
        arguments = ([0, 0], ends, [2, 3], [stride] * 2)  # starts, ends, axes, steps
        return self.graph.node(
            "Slice", value, *(self.graph.constant(np.array(values, np.int64)) for values in arguments)
        )


def max_operator(pooling: OnnxPooling, value: str) -> str:
    """Add the largest value of each window."""
    return pooling.windowed("MaxPool", value)


def mean_operator(pooling: OnnxPooling, value: str) -> str:
    """Add the mean of each window."""
    return pooling.mean(value)


def subset_operator(pooling: OnnxPooling, value: str) -> str:
    """Add the first value of each window."""
    return pooling.strided(value, pooling.stride)


def root_mean_square_operator(pooling: OnnxPooling, value: str) -> str:
    """Add the root mean square of each window."""
    return pooling.graph.node("Sqrt", pooling.mean(pooling.graph.node("Mul", value, value)))


def stochastic_operator(pooling: OnnxPooling, value: str) -> str:
    """Add Σ x² / Σ x over the positive values of each window; the mean where there are none."""
    graph = pooling.graph
    chances = graph.node("Relu", value)
    total = pooling.mean(chances)
    weighted = pooling.mean(graph.node("Mul", chances, value))
    none = graph.node(
        "Sub", graph.constant(np.ones((), np.float32)), graph.node("Sign", total)
    )  # 1 without any, else 0
    expected = graph.node("Div", weighted, graph.node("Add", total, none))
    return graph.node("Add", expected, graph.node("Mul", none, pooling.mean(value)))


def blur_operator(pooling: OnnxPooling, value: str) -> str:
    """Add the binomial mean around the first position of each window, or over the whole map."""
    graph, (maps, rows, columns) = pooling.graph, pooling.shape
    if pooling.window is None:
        down, across = np.array(binomial(rows)), np.array(binomial(columns))
    else:
        reach = pooling.window - 1
        down = across = np.array(binomial(2 * reach + 1))
        if reach:
            edges = graph.constant(np.array([0, 0, reach, reach] * 2, np.int64))
            value = graph.node("Pad", value, edges, mode="edge")
    weights = np.broadcast_to((down[:, None] * across).astype(np.float32), (maps, 1, len(down), len(across)))
    value = graph.node("Conv", value, graph.constant(weights), strides=[pooling.stride] * 2, group=maps)
    return pooling.strided(value, 1) if pooling.window else value
