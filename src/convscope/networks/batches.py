"""How many pictures go through a network at once, where the user says it."""

from convscope.core.errors import ParameterError
from convscope.core.numeric import is_whole


def check_batch(batch: int) -> int:
    """Return `batch` when it is a number of pictures.

    Raises:
        ParameterError: it is not.
    """
    if not is_whole(batch) or batch < 1:
        raise ParameterError(f"`batch` must be a whole number of at least 1. Got {batch!r}.")
    return int(batch)
