"""The precision of convolutions and matrix products, in training and in prediction: decided here, and only here."""

import contextlib
from typing import Literal, get_args

from .errors import choose
from .machine import machine

Precision = Literal["float32", "bfloat16"]
"""What torch computes in."""
PrecisionChoice = Literal["auto", "float32", "bfloat16"]
"""What the user may ask for; ``auto`` is bfloat16 where the device multiplies it natively, else float32."""
BackendPrecision = Literal["auto", "float32", "bfloat16", "int8"]
"""What a back end may be asked for."""


def choose_precision(asked: str, device: str = "cpu") -> Precision:
    """Return what torch computes in on `device` where `asked` is a `PrecisionChoice`.

    Raises:
        ParameterError: `asked` is none of them.
    """
    choose("precision", asked, get_args(PrecisionChoice))
    if asked == "auto":
        native = machine().bfloat16 if device == "cpu" else device == "cuda"
        return "bfloat16" if native else "float32"
    return "bfloat16" if asked == "bfloat16" else "float32"


def autocast(precision: Precision, device: str = "cpu") -> contextlib.AbstractContextManager[None]:
    """Return a context that computes convolutions and products on `device` in `precision`; float32 changes nothing.

    torch's cache of bfloat16 weights stays off: it is emptied only when the outermost autocast ends, so within one of
    the caller, or of `convscope.core.machine.usual_settings`, every step would use the weights of the first.
    """
    import torch

    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
