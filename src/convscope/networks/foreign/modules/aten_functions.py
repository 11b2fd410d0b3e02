"""ATen's functions of one and of two numbers."""

import functools
import math
from typing import Any, Literal

import torch

from convscope.networks.foreign.building import functions
from convscope.networks.foreign.building.unsupported import InexpressibleError
from convscope.networks.foreign.building.views import Value

from .aten_call import AtenCall, Operator


def _function(call: AtenCall, *, text: str) -> Value:
    return functions.activation(call.builder, call.value("self" if "self" in call else "input"), text, name=call.name)


def _elementary(call: AtenCall, *, function: str) -> Value:
    return functions.elementary(call.builder, call.value("self"), function, name=call.name)


def _gelu(call: AtenCall) -> Value:
    return _function(call, text="gelu" if call["approximate"] == "none" else "gelutanh")


def _leaky(call: AtenCall) -> Value:
    slope = call.get("negative_slope")
    if slope is None:  # a random one while training, the mean of its bounds in prediction
        slope = (call["lower"] + call["upper"]) / 2
    return functions.prelu(call.builder, call.value("self"), torch.tensor(slope), name=call.name)


def _prelu(call: AtenCall) -> Value:
    return functions.prelu(call.builder, call.value("self"), call.constant("weight"), name=call.name)


def _elu(call: AtenCall) -> Value:
    numbers = {key: call[key] for key in ("alpha", "scale", "input_scale") if key in call}
    if set(numbers.values()) != {1}:
        raise InexpressibleError(f"its factors are {', '.join(map(str, numbers.values()))} in place of 1")
    return _function(call, text="elu")


def _softplus(call: AtenCall) -> Value:
    if (call["beta"], call["threshold"]) != (1, 20):
        raise InexpressibleError(
            f"its beta is {call['beta']} and its threshold {call['threshold']}, in place of 1 and 20"
        )
    return _function(call, text="softplus")


def _clip(call: AtenCall) -> Value:
    low, high = call.get("min", call.get("min_val")), call.get("max", call.get("max_val"))
    limits = (-math.inf if low is None else float(low), math.inf if high is None else float(high))
    return functions.clip(call.builder, call.value("self"), *limits, name=call.name)


def _power(call: AtenCall) -> Value:
    if isinstance(call["exponent"], Value):
        raise InexpressibleError("its exponent depends on the image")
    return functions.power(call.builder, call.value("self"), float(call["exponent"]), name=call.name)


def _negative(call: AtenCall) -> Value:
    return functions.multiply(call.builder, call.value("self"), -1, name=call.name)


def _softmax(call: AtenCall, *, logarithm: bool = False) -> Value:
    return functions.softmax(call.builder, call.value("self"), call["dim"], logarithm=logarithm, name=call.name)


def _addition(call: AtenCall) -> Value:
    return functions.add(call.builder, call["self"], _times(call, call["other"], call["alpha"]), name=call.name)


def _subtraction(call: AtenCall) -> Value:
    return functions.subtract(call.builder, call["self"], _times(call, call["other"], call["alpha"]), name=call.name)


def _turned_subtraction(call: AtenCall) -> Value:
    return functions.subtract(call.builder, call["other"], _times(call, call["self"], call["alpha"]), name=call.name)


def _times(call: AtenCall, value: Any, number: float) -> Any:
    return value if number == 1 else functions.multiply(call.builder, value, number)


def _multiplication(call: AtenCall) -> Value:
    return functions.multiply(call.builder, call["self"], call["other"], name=call.name)


def _division(call: AtenCall) -> Value:
    if call.get("rounding_mode") is not None:
        raise InexpressibleError("it rounds")
    return functions.divide(call.builder, call["self"], call["other"], name=call.name)


def _extreme(call: AtenCall, *, which: Literal["maximum", "minimum"]) -> Value:
    return functions.extreme(call.builder, call["self"], call["other"], which, name=call.name)


_NONLINEARITIES = {
    "relu": "relu",
    "relu6": "relu6",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "abs": "abs",
    "silu": "silu",
    "hardswish": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "mish": "mish",
}
_ELEMENTARY = {
    "erf": "erf",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "reciprocal": "reciprocal",
    "square": "square",
    "selu": "selu",
    "log_sigmoid": "logsigmoid",
}
FUNCTIONS: dict[str, Operator] = {
    **{name: functools.partial(_function, text=text) for name, text in _NONLINEARITIES.items()},
    **{name: functools.partial(_elementary, function=function) for name, function in _ELEMENTARY.items()},
    "gelu": _gelu,
    "leaky_relu": _leaky,
    "rrelu": _leaky,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "elu": _elu,
    "celu": _elu,
    "softplus": _softplus,
    "hardtanh": _clip,
    "clamp": _clip,
    "clip": _clip,
    "clamp_min": _clip,
    "clamp_max": _clip,
    "pow": _power,
    "neg": _negative,
    "softmax": _softmax,
    "_softmax": _softmax,
    "log_softmax": functools.partial(_softmax, logarithm=True),
    "_log_softmax": functools.partial(_softmax, logarithm=True),
    "add": _addition,
    "sub": _subtraction,
    "rsub": _turned_subtraction,
    "mul": _multiplication,
    "div": _division,
    "true_divide": _division,
    "maximum": functools.partial(_extreme, which="maximum"),
    "minimum": functools.partial(_extreme, which="minimum"),
}
