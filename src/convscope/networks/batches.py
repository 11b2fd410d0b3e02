"""How many images go through a network at once, where the user says it."""

from convscope.core.numeric import at_least


def check_batch(batch: int) -> int:
    """Return `batch` when it is a number of images.

    Raises:
        ParameterError: it is not.
    """
    return at_least(1, "batch", batch)
