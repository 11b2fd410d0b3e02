"""Parameters of an estimator, checked when it is fitted (scikit-learn sets them unseen), in Python's own numbers."""

import contextlib
import operator
from typing import Any, get_args

import numpy as np

from convscope.core.devices import DeviceChoice
from convscope.core.errors import ParameterError, choose
from convscope.core.numeric import is_number
from convscope.core.precision import PrecisionChoice
from convscope.options.train import TrainOptions

_WHOLE = ("epochs", "seed", "batch", "shift", "threads")
_REAL = ("learning_rate", "rotate", "scale", "erase", "progressive_resizing")
_YES_NO = ("flip", "balance", "freeze")
_TEXTS = ("layout", "pretrain")
_REQUIRED = ("seed", "balance", "freeze")


def settings_of(parameters: dict[str, Any]) -> TrainOptions:
    """Return what the parameters of a classifier ask of training; a grid may give them as numbers of numpy.

    Raises:
        ParameterError: one of them is invalid.

    Examples:
        >>> settings_of({"epochs": np.int64(3), "seed": 0, "balance": False, "freeze": False,
        ...              "device": "auto", "precision": "auto"}).epochs
        3
    """
    for name in _REQUIRED:
        if parameters[name] is None:
            raise ParameterError(f"`{name}` must be given. Got None. Omit it to use the default.")
    values: dict[str, Any] = {name: whole_number(name, parameters.get(name)) for name in _WHOLE}
    values |= {name: _number(name, parameters.get(name)) for name in _REAL}
    values |= {name: _yes_no(name, parameters.get(name)) for name in _YES_NO}
    values["device"] = choose("device", str(parameters["device"]), get_args(DeviceChoice))
    values["precision"] = choose("precision", str(parameters["precision"]), get_args(PrecisionChoice))
    for name in _TEXTS:
        values[name] = None if parameters.get(name) is None else str(parameters[name])
    return TrainOptions(data="arrays", **values)


def whole_number(name: str, value: Any) -> int | None:
    """Return `value` as int; None stays None.

    Raises:
        ParameterError: it is no whole number.
    """
    if value is None:
        return None
    with contextlib.suppress(TypeError):
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)
    raise ParameterError(f"`{name}` must be a whole number. Got {value!r}.")


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if is_number(value):
        return float(value)
    raise ParameterError(f"`{name}` must be a number. Got {value!r}.")


def _yes_no(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    raise ParameterError(f"`{name}` must be True or False. Got {value!r}.")
