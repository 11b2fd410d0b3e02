"""Checks for NaN and infinity in the output of a network, which finite weights can still give."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError
from convscope.core.text import counted

if TYPE_CHECKING:
    from torch import Tensor

NOT_A_NUMBER = "the network's output for it is not a number"
_ROUNDING = 0.05  # of the sum of all probabilities, which 8 bits round most


def not_finite(where: str) -> DataError:
    """Return the error that says where a network came to no number, for example ``in layer 2, 4C3``."""
    return DataError(
        f"The network must compute finite numbers. Got NaN or infinity {where}: its weights or statistics are too "
        "large. Train it anew."
    )


def check_finite(values: "Tensor", where: str) -> None:
    """Validate that all values are finite.

    Raises:
        DataError: one is; the message says `where`.
    """
    import torch

    if not bool(torch.isfinite(values).all()):
        raise not_finite(where)


def without_broken(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities N K with NaN in every row that is not K probabilities; the array itself is changed.

    Examples:
        >>> without_broken(np.array([[0.25, 0.75], [np.inf, 0.0], [0.0, 0.0]], np.float32)).tolist()
        [[0.25, 0.75], [nan, nan], [nan, nan]]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        sums = probabilities.sum(axis=1, dtype=np.float64)  # of a row with NaN or infinity: not near 1
        broken = ~(np.abs(sums - 1) <= _ROUNDING)
    if broken.any():
        probabilities[broken] = np.nan
    return probabilities


def check_probabilities(probabilities: NDArray[np.float32]) -> None:
    """Validate that no row of probabilities N K is NaN.

    Raises:
        DataError: there is one; the message says for how many images, and for which first.
    """
    broken = np.flatnonzero(np.isnan(probabilities[:, 0])) if probabilities.shape[1] else np.zeros(0, np.int64)
    if len(broken):
        count = counted(len(probabilities), "image")
        raise not_finite(f"for {len(broken):,} of {count}, first for [{int(broken[0])}]")
