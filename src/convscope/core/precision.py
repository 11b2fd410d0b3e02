"""In which precision convolutions and matrix products are computed while a network learns."""

import contextlib
from typing import Literal

Precision = Literal["float32", "bfloat16"]


def autocast(precision: Precision) -> contextlib.AbstractContextManager[None]:
    """Return a context in which convolutions and products are computed in bfloat16, or in which nothing changes.

    torch's cache of the weights in bfloat16 stays off. It is emptied only where the outermost autocast ends: within
    one of the caller, or of `convscope.core.machine.usual_settings`, every step would compute with the weights of the
    first.
    """
    import torch

    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False)
