"""Precision of convolutions and matrix products during training."""

import contextlib
from typing import Literal

Precision = Literal["float32", "bfloat16"]


def autocast(precision: Precision) -> contextlib.AbstractContextManager[None]:
    """Return a context that computes convolutions and matrix products in bfloat16, or changes nothing.

    torch's cache of bfloat16 weights stays off: it is emptied only when the outermost autocast ends, so within one of
    the caller, or of `convscope.core.machine.usual_settings`, every step would use the weights of the first.
    """
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
