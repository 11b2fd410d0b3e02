"""What is changed for all threads of the process while some of them are inside, and put back when the last has left."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import final

from convscope.core.forks import after_fork


@final
class SharedContext:
    """A context that the first thread to come enters, and that the last one to go leaves.

    Args:
        contexts: make what is entered, in this order.
    """

    def __init__(self, *contexts: Callable[[], AbstractContextManager[object]]) -> None:
        self._contexts = contexts
        self._lock = threading.Lock()
        self._inside = 0
        self._entered = contextlib.ExitStack()
        after_fork(self._renew)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Be inside while the block runs."""
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
        """Begin anew in a forked child, where the threads that were inside do not go on."""
        self._lock, self._inside = threading.Lock(), 0
        with contextlib.suppress(OSError):
            self._entered.close()
