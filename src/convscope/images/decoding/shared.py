"""A context shared by threads: entered by the first thread, left by the last."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import final

from convscope.core.forks import after_fork


@final
class SharedContext:
    """Enters contexts when the first thread comes in, and leaves them when the last thread goes out.

    Args:
        contexts: functions that create the contexts, entered in this order.
    """

    def __init__(self, *contexts: Callable[[], AbstractContextManager[object]]) -> None:
        self._contexts = contexts
        self._lock = threading.Lock()
        self._inside = 0
        self._entered = contextlib.ExitStack()
        after_fork(self._renew)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Hold the contexts while the block runs."""
        with self._lock:
            if self._inside == 0:
                for make in self._contexts:
                    self._entered.enter_context(make())
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._entered.close()

    def _renew(self) -> None:
        """Reset the state in a forked child, which does not have the threads inside."""
        self._lock, self._inside = threading.Lock(), 0
        with contextlib.suppress(OSError):
            self._entered.close()
