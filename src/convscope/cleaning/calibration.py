"""What a score means: the precision that findings had where errors were put into a clean dataset on purpose.

The numbers are written by ``benchmarks/clean_page.py`` from ``benchmarks/results/clean.json``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRECISION: dict[str, tuple[tuple[float, float], ...]] = {
    "wrong label": (
        (0.311, 0.133), (0.552, 0.272), (0.649, 0.357), (0.768, 0.727), (0.845, 0.767), (0.894, 0.767), (0.918, 0.929),
        (0.931, 0.981), (0.945, 1.0),
    ),
    "near-duplicate": (
        (0.0, 0.0), (0.704, 0.001), (0.875, 1.0),
    ),
    "blurred": (
        (-0.062, 0.0), (0.538, 0.008), (1.023, 0.019), (1.62, 0.061), (1.891, 0.351), (2.289, 0.75), (2.655, 0.841),
        (3.031, 0.9), (3.181, 0.9), (3.348, 1.0),
    ),
    "dark": (
        (1.687, 0.0), (2.136, 0.2), (2.634, 0.857), (2.771, 0.943), (3.525, 0.943), (3.574, 1.0),
    ),
    "over-exposed": (
        (0.0, 0.003), (0.158, 0.016), (0.732, 0.016), (2.758, 0.207), (4.843, 0.227), (5.129, 0.227), (10.077, 0.6),
        (12.561, 0.776), (13.717, 0.923), (37.098, 0.923), (39.422, 1.0),
    ),
    "other kind": (
        (4.55, 0.0), (5.903, 0.239), (7.927, 0.239), (10.547, 0.25), (12.655, 0.25), (14.574, 0.5), (16.225, 0.7),
        (18.925, 0.7), (22.243, 0.875), (24.713, 0.875), (32.143, 1.0),
    ),
    "outlier": (
        (-0.006, 0.0), (1.18, 0.029), (1.198, 0.029), (1.516, 0.161), (1.665, 0.5), (1.699, 0.579), (1.784, 0.579),
        (1.809, 0.588), (1.845, 0.588), (1.877, 0.654), (2.179, 0.654),
    ),
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
