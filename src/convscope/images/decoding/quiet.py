"""Pillow's warnings, kept quiet while pictures are decoded, from any number of threads."""

import contextlib
import threading
import warnings
from collections.abc import Iterator

from convscope.core.forks import after_fork

_lock = threading.Lock()
_inside = 0
_saved = contextlib.ExitStack()


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Ignore warnings raised inside Pillow, and nothing else, until the last thread has left.

    ``warnings.catch_warnings`` alone is not safe with threads: whoever leaves last puts back what it found, which may
    be another thread's filters. Here the first thread in saves them and the last one out restores them.
    """
    global _inside  # noqa: PLW0603  # the filters themselves are global; the count says when they may be put back
    with _lock:
        if _inside == 0:
            _saved.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _saved.close()


def _renewed() -> None:
    """Begin anew in a forked child, where the threads that were inside do not go on."""
    global _lock, _inside  # noqa: PLW0603
    _lock = threading.Lock()
    if _inside:
        _inside = 0
        _saved.close()


after_fork(_renewed)
