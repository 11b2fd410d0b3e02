"""Sums from whole numbers of 8 bits: which range each value has, and how it is rounded.

Values become whole numbers 0…255, one range a map stack, from the least and largest that calibration images give;
weights -63…63, one scale a unit. Weights have 7 bits everywhere, because processors without VNNI add two products of 8
bits in 16, which may overflow: so all processors give the same answers. The classifier's sums stay in float32.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.core.errors import ParameterError
from convscope.layers.onnx_graph import OnnxGraph

from .build import ConnectedModule, ConvolutionModule, Network
from .inference import optimize_for_inference

_STEPS, _WEIGHT_STEPS = 255, 63
_BATCH = 64
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Int8:
    """Least and largest value of each sum's input and of what it gives, in order, the classifier last."""

    inputs: tuple[Range, ...]
    outputs: tuple[Range, ...]

    def rounded(self, graph: OnnxGraph, value: str, number: int) -> str:
        """Return the name of `value` rounded as the input of sum `number`."""
        return _rounded(graph, value, self.inputs[number])

    def rounded_sum(self, graph: OnnxGraph, value: str, number: int) -> str:
        """Return the name of `value` rounded as what sum `number` gives."""
        return _rounded(graph, value, self.outputs[number])

    def weighted(
        self, graph: OnnxGraph, weights: NDArray[np.float32], biases: NDArray[np.float32], number: int
    ) -> tuple[str, str]:
        """Return the names of the rounded weights and biases of sum `number`; units are the first axis."""
        scale = np.abs(weights).reshape(len(weights), -1).max(1).clip(1e-12) / _WEIGHT_STEPS
        least = np.abs(biases) / (2.0**31 - 129) / _scale(self.inputs[number])[0]  # the bias has 32 bits
        scale = np.maximum(scale, least).astype(np.float32)
        whole = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.int8)
        fine = scale * _scale(self.inputs[number])[0]  # of the sums: a bias is rounded as they are
        rounded = np.clip(np.rint(biases / fine), -(2.0**31) + 1, 2.0**31 - 128).astype(np.int32)
        zeros = np.zeros(len(scale), np.int8)
        return (
            graph.node("DequantizeLinear", *map(graph.constant, (whole, scale, zeros)), axis=0),
            graph.node("DequantizeLinear", *map(graph.constant, (rounded, fine, zeros.astype(np.int32))), axis=0),
        )


def _scale(between: Range) -> tuple[np.float32, np.uint8]:
    """Return the width of a step and the whole number that stands for 0, which is always within the range."""
    low, high = min(0.0, between[0]), max(0.0, between[1])
    width = max(high - low, 1e-6) / _STEPS
    return np.float32(width), np.uint8(round(-low / width))


def _rounded(graph: OnnxGraph, value: str, between: Range) -> str:
    width, zero = (graph.constant(np.asarray(number)) for number in _scale(between))
    return graph.node("DequantizeLinear", graph.node("QuantizeLinear", value, width, zero), width, zero)


def calibrated(network: Network, images: NDArray[np.uint8]) -> Int8:
    """Return the ranges that `images`, uint8 N H W C, give in `network`.

    Raises:
        ParameterError: there are no images.
    """
    if not len(images):
        raise ParameterError("`calibration` must have at least one image. Got none. Give some training images.")
    optimized = optimize_for_inference(network, fused=False)
    sums = [*_summing(optimized), optimized.weighted_sums()]
    inputs: dict[nn.Module, list[Range]] = {module_: [] for module_ in sums}
    outputs: dict[nn.Module, list[Range]] = {module_: [] for module_ in sums}

    def hear(module: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        inputs[module].append((float(given[0].min()), float(given[0].max())))
        outputs[module].append((float(result.min()), float(result.max())))

    for module_ in sums:
        module_.register_forward_hook(hear)
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            optimized(torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH])))
    return Int8(inputs=_whole(inputs), outputs=_whole(outputs))


def _summing(network: Network) -> Iterator[nn.Module]:
    """Give the modules that add up what they weigh, from the image upward."""
    for stage in network.stages:
        if isinstance(stage, ConvolutionModule):
            yield stage.convolution
        elif isinstance(stage, ConnectedModule):
            yield stage.linear


def _whole(ranges: dict[nn.Module, list[Range]]) -> tuple[Range, ...]:
    """Return the range of all batches, sum by sum."""
    return tuple((min(low for low, _ in batches), max(high for _, high in batches)) for batches in ranges.values())
