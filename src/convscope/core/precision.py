"""The precision of convolutions and matrix products, in training and in prediction: decided here, and only here."""

import contextlib
from typing import Literal, get_args

from .errors import choose
from .machine import machine

Precision = Literal["float32", "bfloat16"]
"""What torch computes in."""
PrecisionChoice = Literal["auto", "float32", "bfloat16"]
"""What the user may ask for; ``auto`` is bfloat16 where the processor multiplies it natively, else float32."""
BackendPrecision = Literal["auto", "float32", "bfloat16", "int8"]
"""What a back end may be asked for."""


def choose_precision(asked: str) -> Precision:
    """Return what torch computes in where `asked` is a `PrecisionChoice`.

    Raises:
        ParameterError: `asked` is none of them.
    """
    choose("precision", asked, get_args(PrecisionChoice))
    if asked == "auto":
        return "bfloat16" if machine().bfloat16 else "float32"
    return "bfloat16" if asked == "bfloat16" else "float32"


def autocast(precision: Precision) -> contextlib.AbstractContextManager[None]:
    """Return a context that computes convolutions and products in `precision`; float32 changes nothing.

    torch's cache of the weights in bfloat16 stays off. It is emptied only where the outermost autocast ends: within
    one of the caller, or of `convscope.core.machine.usual_settings`, every step would compute with the weights of the
    first.
    """
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
