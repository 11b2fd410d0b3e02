"""Numbers as text that stands in a page."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encoded(values: NDArray[Any], kind: str) -> str:
    """Return `values` as base64 of numbers of `kind`, for example ``<f4``: float32, the lowest byte first.

    ``<f3`` is the upper three bytes of float32, rounded: to 16 binary digits.

    Examples:
        >>> encoded(np.array([1, 2]), "u1")
        'AQI='
    """
    if kind == "<f3":
        words = np.ascontiguousarray(values, dtype="<f4").view("<u4").reshape(-1)
        kept = ((words.astype("<u8") + 0x80) >> 8).astype("<u4")  # a carry goes into the exponent, as it should
        values, kind = kept.view("u1").reshape(-1, 4)[:, :3], "u1"
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")
