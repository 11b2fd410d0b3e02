"""Nonlinearities by name. To add one, add one record to `NONLINEARITIES`."""

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from convscope.core.errors import ParameterError, choose

from .family import check_described
from .layer import OnnxWriter


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
        into: the function, written into its second argument, which may be the first; None where PyTorch has no kernel.

    Raises:
        ParameterError: `oracle`, `formula` or `phrase` is empty.
    """

    apply: Callable[[Tensor], Tensor]
    increasing: bool
    gain: float
    onnx: Callable[[OnnxWriter, str], str]
    oracle: str
    formula: str
    phrase: str
    into: Callable[[Tensor, Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        """Validate the texts."""
        check_described(self, "oracle", "formula", "phrase")

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self.apply is _identity

    def written(self, values: Tensor, out: Tensor) -> Tensor:
        """Return the function of `values`: in `out`, which may be `values` itself where they are needed no more."""
        if self.into is not None:
            return self.into(values, out)
        found = self.apply(values)
        return found if out is values else out.copy_(found)


def _identity(maps: Tensor) -> Tensor:
    return maps


def _relu_into(maps: Tensor, out: Tensor) -> Tensor:
    return torch.clamp_min(maps, 0, out=out)


def _relu_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Relu", value)


def _tanh_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Tanh", value)


def _sigmoid_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Sigmoid", value)


def _elu_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Elu", value, alpha=1.0)


def _gelu_operator(graph: OnnxWriter, value: str) -> str:
    root, one, half = (graph.constant(np.array(number, np.float32)) for number in (math.sqrt(0.5), 1.0, 0.5))
    doubled = graph.node("Add", graph.node("Erf", graph.node("Mul", value, root)), one)  # 2 Φ(x)
    return graph.node("Mul", graph.node("Mul", value, doubled), half)


def _abs_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Abs", value)


def _no_operator(_: OnnxWriter, value: str) -> str:
    return value


def _silu_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Mul", value, graph.node("Sigmoid", value))


def _hardsigmoid_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("HardSigmoid", value, alpha=1 / 6, beta=0.5)


def _hardswish_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Mul", value, _hardsigmoid_operator(graph, value))


def _relu6_operator(graph: OnnxWriter, value: str) -> str:
    limits = (graph.constant(np.array(limit, np.float32)) for limit in (0.0, 6.0))
    return graph.node("Clip", value, *limits)


def _gelutanh_operator(graph: OnnxWriter, value: str) -> str:
    numbers = (math.sqrt(2 / math.pi), 0.044715, 1.0, 0.5)
    root, third, one, half = (graph.constant(np.array(number, np.float32)) for number in numbers)
    cube = graph.node("Mul", graph.node("Mul", value, value), value)
    inner = graph.node("Mul", graph.node("Add", value, graph.node("Mul", cube, third)), root)
    return graph.node("Mul", graph.node("Mul", value, graph.node("Add", graph.node("Tanh", inner), one)), half)


def _mish_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Mul", value, graph.node("Tanh", graph.node("Softplus", value)))


def _softplus_operator(graph: OnnxWriter, value: str) -> str:
    return graph.node("Softplus", value)


@dataclass(frozen=True)
class _Leaky:
    """The values of a leaky ReLU of any slope."""

    slope: float = 0.01

    def __call__(self, maps: Tensor) -> Tensor:
        return nn.functional.leaky_relu(maps, self.slope)


@dataclass(frozen=True)
class _LeakyOperator:
    """The operator of a leaky ReLU of any slope."""

    slope: float = 0.01

    def __call__(self, graph: OnnxWriter, value: str) -> str:
        return graph.node("LeakyRelu", value, alpha=self.slope)


def _gelutanh(maps: Tensor) -> Tensor:
    return nn.functional.gelu(maps, approximate="tanh")


NONLINEARITIES: dict[str, NonlinearityKind] = {
    "relu": NonlinearityKind(
        apply=nn.functional.relu,
        increasing=True,
        gain=2**0.5,
        onnx=_relu_operator,
        oracle="relu",
        formula="max(0, x)",
        phrase="negative values become 0",
        into=_relu_into,
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
    "silu": NonlinearityKind(
        apply=nn.functional.silu,
        increasing=False,
        gain=1.68,
        onnx=_silu_operator,
        oracle="silu",
        formula="x / (1 + e⁻ˣ)",
        phrase="each value is multiplied by its own sigmoid",
    ),
    "relu6": NonlinearityKind(
        apply=nn.functional.relu6,
        increasing=True,
        gain=2**0.5,
        onnx=_relu6_operator,
        oracle="relu6",
        formula="min(6, max(0, x))",
        phrase="negative values become 0, and those above 6 become 6",
    ),
    "hardswish": NonlinearityKind(
        apply=nn.functional.hardswish,
        increasing=False,
        gain=1.77,
        onnx=_hardswish_operator,
        oracle="hardswish",
        formula="x min(6, max(0, x + 3)) / 6",
        phrase="each value is multiplied by a straight line from 0 at −3 to 1 at 3",
    ),
    "hardsigmoid": NonlinearityKind(
        apply=nn.functional.hardsigmoid,
        increasing=True,
        gain=6.0,
        onnx=_hardsigmoid_operator,
        oracle="hardsigmoid",
        formula="min(6, max(0, x + 3)) / 6",
        phrase="values from −3 to 3 are spread from 0 to 1 along a straight line",
    ),
    "leakyrelu": NonlinearityKind(
        apply=_Leaky(),
        increasing=True,
        gain=2**0.5,
        onnx=_LeakyOperator(),
        oracle="leakyrelu",
        formula="x if x > 0, else x / 100",
        phrase="negative values become a hundredth",
    ),
    "gelutanh": NonlinearityKind(
        apply=_gelutanh,
        increasing=False,
        gain=1.53,
        onnx=_gelutanh_operator,
        oracle="gelutanh",
        formula="x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2",
        phrase="each value is multiplied by nearly the fraction of a normal distribution below it",
    ),
    "mish": NonlinearityKind(
        apply=nn.functional.mish,
        increasing=False,
        gain=1.59,
        onnx=_mish_operator,
        oracle="mish",
        formula="x tanh(ln(1 + eˣ))",
        phrase="negative values shrink smoothly towards 0",
    ),
    "softplus": NonlinearityKind(
        apply=nn.functional.softplus,
        increasing=True,
        gain=1.5,
        onnx=_softplus_operator,
        oracle="softplus",
        formula="ln(1 + eˣ)",
        phrase="negative values become small positive ones",
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
LEAKY = "leakyrelu"


@functools.cache
def nonlinearity_of(text: str) -> NonlinearityKind:
    """Return the nonlinearity that `text` names: a key of `NONLINEARITIES`, for ``leakyrelu`` with a slope if any.

    Raises:
        ParameterError: there is none of that name, or the slope is no number from 0 to 1.

    Examples:
        >>> nonlinearity_of("leakyrelu:0.1").apply(torch.tensor([-2.0, 3.0]))
        tensor([-0.2000,  3.0000])
    """
    name, colon, parameter = text.partition(":")
    if name != LEAKY or not colon:
        choose("nonlinearity", text, NONLINEARITIES)
        return NONLINEARITIES[text]
    try:
        slope = float(parameter)
    except ValueError:
        slope = math.nan
    if not 0 <= slope <= 1:
        raise ParameterError(f"The slope of {LEAKY} must be a number from 0 to 1. Got {parameter[:40]!r}.")
    return dataclasses.replace(
        NONLINEARITIES[LEAKY],
        apply=_Leaky(slope),
        onnx=_LeakyOperator(slope),
        formula=f"x if x > 0, else {slope:g} x",
        phrase=f"negative values are multiplied by {slope:g}",
    )
