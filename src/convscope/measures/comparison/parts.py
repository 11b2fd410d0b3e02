"""Parts of the training images, the classes in proportion, each part within the next larger one."""

import numpy as np
from numpy.typing import NDArray


def part_of(labels: NDArray[np.int64], places: NDArray[np.int64], fraction: float, *, seed: int) -> NDArray[np.int64]:
    """Return about a fraction of `places`, in order: of every class in proportion, and at least two images.

    With the same seed, what is in a small part is in every larger one.

    Args:
        labels: of the whole set, int64.
        places: to choose from, int64.
        fraction: 0…1.
        seed: of the choice.

    Examples:
        >>> labels = np.arange(40) % 2
        >>> np.bincount(labels[part_of(labels, np.arange(40), 0.1, seed=0)])
        array([2, 2])
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for name in np.unique(labels[places]):
        mine = rng.permutation(places[labels[places] == name])
        chosen.append(mine[: max(1, int(fraction * len(mine) + 1e-9))])
    found = np.sort(np.concatenate(chosen))
    return found if len(found) > 1 else places[:2]
