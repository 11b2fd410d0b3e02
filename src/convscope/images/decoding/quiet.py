"""Pillow's warnings, kept quiet while images are decoded, from any number of threads."""

import contextlib
import warnings
from collections.abc import Iterator

from .shared import SharedContext


def quiet_pillow() -> contextlib.AbstractContextManager[None]:
    """Ignore warnings raised inside Pillow, and nothing else, until the last thread has left.

    ``warnings.catch_warnings`` alone is not safe with threads: whoever leaves last puts back what it found, which may
    be another thread's filters. Here the first thread in saves them and the last one out restores them.
    """
    return _quiet.inside()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


_quiet = SharedContext(_without_warnings)
