"""Nonlinearities by name. To add one, add one record to `NONLINEARITIES`."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .family import check_described
from .onnx_graph import OnnxGraph


@dataclass(frozen=True, kw_only=True)
class NonlinearityKind:
    """One nonlinearity.

    Attributes:
        apply: the function, value by value; it leaves its input unchanged.
        increasing: larger input never gives smaller output, so that it may be applied after a maximum.
        gain: the first weights' standard deviation × √inputs; it keeps the standard deviation of the values from stage
            to stage (He et al. 2015, eq. 10; Glorot and Bengio 2010; elu, gelu: 1 / √E[f(z)²] for normal z; sigmoid:
            1 / its slope at 0, else the differences between images vanish within four stages).
        onnx: adds its ONNX operators to a graph and returns the name of the result.
        oracle: the function in ``tests/oracles/stages.py`` of one number.
        formula: f(x) in Unicode.
        phrase: what it does to a value, in words.

    Raises:
        ParameterError: `oracle`, `formula` or `phrase` is empty.
    """

    apply: Callable[[Tensor], Tensor]
    increasing: bool
    gain: float
    onnx: Callable[[OnnxGraph, str], str]
    oracle: str
    formula: str
    phrase: str

    def __post_init__(self) -> None:
        """Validate the texts."""
        check_described(self, "oracle", "formula", "phrase")


def _identity(maps: Tensor) -> Tensor:
    return maps


def _relu_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Relu", value)


def _tanh_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Tanh", value)


def _sigmoid_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Sigmoid", value)


def _elu_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Elu", value, alpha=1.0)


def _gelu_operator(graph: OnnxGraph, value: str) -> str:
    root, one, half = (graph.constant(np.array(number, np.float32)) for number in (math.sqrt(0.5), 1.0, 0.5))
    doubled = graph.node("Add", graph.node("Erf", graph.node("Mul", value, root)), one)  # 2 Φ(x)
    return graph.node("Mul", graph.node("Mul", value, doubled), half)


def _abs_operator(graph: OnnxGraph, value: str) -> str:
    return graph.node("Abs", value)


def _no_operator(_: OnnxGraph, value: str) -> str:
    return value


NONLINEARITIES: dict[str, NonlinearityKind] = {
    "relu": NonlinearityKind(
        apply=nn.functional.relu,
        increasing=True,
        gain=2**0.5,
        onnx=_relu_operator,
        oracle="relu",
        formula="max(0, x)",
        phrase="negative values become 0",
    ),
    "tanh": NonlinearityKind(
        apply=torch.tanh,
        increasing=True,
        gain=1.0,
        onnx=_tanh_operator,
        oracle="tanh",
        formula="(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
        phrase="values are squeezed between −1 and 1",
    ),
    "sigmoid": NonlinearityKind(
        apply=torch.sigmoid,
        increasing=True,
        gain=4.0,
        onnx=_sigmoid_operator,
        oracle="sigmoid",
        formula="1 / (1 + e⁻ˣ)",
        phrase="values are squeezed between 0 and 1",
    ),
    "elu": NonlinearityKind(
        apply=nn.functional.elu,
        increasing=True,
        gain=1.25,
        onnx=_elu_operator,
        oracle="elu",
        formula="x if x > 0, else eˣ − 1",
        phrase="negative values become eˣ − 1",
    ),
    "gelu": NonlinearityKind(
        apply=nn.functional.gelu,
        increasing=False,
        gain=1.53,
        onnx=_gelu_operator,
        oracle="gelu",
        formula="x Φ(x), Φ the normal distribution function",
        phrase="each value is multiplied by the fraction of a normal distribution below it",
    ),
    "abs": NonlinearityKind(
        apply=torch.abs,
        increasing=False,
        gain=1.0,
        onnx=_abs_operator,
        oracle="absolute",
        formula="|x|",
        phrase="the sign is dropped",
    ),
    "linear": NonlinearityKind(
        apply=_identity,
        increasing=True,
        gain=1.0,
        onnx=_no_operator,
        oracle="linear",
        formula="x",
        phrase="no nonlinearity: values stay as they are",
    ),
}
