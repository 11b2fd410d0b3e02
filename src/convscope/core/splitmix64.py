"""The splitmix64 hash: random numbers without a generator, determined by their input."""

import numpy as np
from numpy.typing import NDArray


def scattered(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the splitmix64 hash of 64-bit numbers (Steele et al. 2014).

    Examples:
        >>> scattered(np.array([0, 1], np.uint64)).tolist()
        [16294208416658607535, 10451216379200822465]
    """
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
