"""What a score means: the precision that findings had where errors were put into a clean dataset on purpose.

The numbers are written by ``benchmarks/clean.py`` (``benchmarks/results/clean.json``).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRECISION: dict[str, tuple[tuple[float, float], ...]] = {
    "wrong label": ((-1.0, 0.0), (1.0, 1.0)),
    "near-duplicate": ((0.0, 0.0), (1.0, 1.0)),
    "outlier": ((0.0, 0.0), (10.0, 1.0)),
    "blurred": ((0.0, 0.0), (10.0, 1.0)),
    "dark": ((0.0, 0.0), (10.0, 1.0)),
    "over-exposed": ((0.0, 0.0), (10.0, 1.0)),
    "other kind": ((0.0, 0.0), (10.0, 1.0)),
}
"""By kind of problem, pairs of a raw value, increasing, and the precision of findings of this value."""


def precision_at(kind: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return the precision of findings with these raw values, 0…1, between the measured ones on straight lines.

    Examples:
        >>> 0 <= precision_at("wrong label", 0.5) <= precision_at("wrong label", 0.9) <= 1
        True
    """
    raw, precision = zip(*PRECISION[kind], strict=True)
    return np.interp(np.asarray(values, np.float64), raw, precision)


def least_value(kind: str, precision: float) -> float:
    """Return the smallest raw value whose findings have at least this precision."""
    raw, known = zip(*PRECISION[kind], strict=True)
    return float(np.interp(precision, known, raw))
