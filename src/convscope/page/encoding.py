"""Numbers as text that stands in a page."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encoded(values: NDArray[Any], kind: str) -> str:
    """Return `values` as base64 of numbers of `kind`, for example ``<f4``: float32, the lowest byte first.

    Examples:
        >>> encoded(np.array([1, 2]), "u1")
        'AQI='
    """
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")
