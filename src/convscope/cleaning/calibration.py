"""What a score means: the precision that findings had where errors were put into a clean dataset on purpose.

The numbers are written by ``benchmarks/clean.py`` (``benchmarks/results/clean.json``).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRECISION: dict[str, tuple[tuple[float, float], ...]] = {
    "wrong label": (
        (0.0, 0.0), (0.352, 0.166), (0.561, 0.364), (0.637, 0.5), (0.775, 0.583), (0.849, 0.767), (0.961, 1.0),
    ),
    "near-duplicate": ((0.704, 0.0), (0.875, 1.0)),  # the most alike of others, the least alike copy
    "outlier": ((2.0, 0.0), (6.0, 1.0)),
    "blurred": ((1.023, 0.019), (1.62, 0.061), (1.891, 0.351), (2.289, 0.75), (2.655, 0.841), (3.348, 1.0)),
    "dark": ((1.687, 0.0), (2.136, 0.2), (2.634, 0.857), (3.574, 1.0)),
    "over-exposed": ((0.732, 0.016), (2.758, 0.207), (5.129, 0.227), (10.077, 0.6), (13.717, 0.923), (39.422, 1.0)),
    "other kind": ((4.55, 0.0), (5.903, 0.239), (12.655, 0.25), (14.574, 0.5), (18.925, 0.7), (32.143, 1.0)),
}  # fmt: skip
"""By kind of problem, pairs of a raw value, increasing, and the precision of findings of this value."""


def precision_at(kind: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return the precision of findings with these raw values, 0…1, between the measured ones on straight lines.

    Examples:
        >>> bool(0 <= precision_at("wrong label", 0.5) <= precision_at("wrong label", 0.9) <= 1)
        True
    """
    raw, precision = zip(*PRECISION[kind], strict=True)
    return np.asarray(np.interp(np.asarray(values, np.float64), raw, precision))


def least_value(kind: str, precision: float) -> float:
    """Return the smallest raw value whose findings have at least this precision."""
    raw, known = zip(*PRECISION[kind], strict=True)
    return float(np.interp(precision, known, raw))
