"""How many pixels are decoded at once, in all threads together: large images wait for one another."""

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import final

from convscope.core.forks import after_fork
from convscope.core.memory import return_free_memory

LIMIT_PIXELS = 178_000_000
"""Most pixels that the header of one image may declare; more is refused before memory is taken."""

SMALL_PIXELS = 4_000_000
"""Images up to this size wait for nobody, and are not counted."""

_WORTH_RETURNING = 32_000_000


@final
class PixelBudget:
    """So many pixels at once, for all threads; first come, first served.

    A thread that wants more than there is in all gets it alone. A thread that holds some never waits for more, so
    that no two can wait for each other.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self.reset()

    def reset(self) -> None:
        """Forget who holds what: in a forked child those threads are not there."""
        self._used = 0
        self._changed = threading.Condition()
        self._waiting: collections.deque[object] = collections.deque()
        self._mine = threading.local()

    @property
    def used(self) -> int:
        """How many pixels are held now."""
        return self._used

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep what this thread takes inside until it leaves the outermost of these: while pixels are worked on."""
        depth = getattr(self._mine, "depth", 0)
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            if depth == 0:
                self._give_back()

    def take(self, pixels: int) -> None:
        """Wait until there is room for an image of `pixels`, inside `kept`; at once for a small one."""
        held = getattr(self._mine, "held", 0)
        if pixels <= SMALL_PIXELS or pixels <= held:
            return
        ticket = object()
        with self._changed:
            if not held:
                self._waiting.append(ticket)
                try:
                    self._changed.wait_for(lambda: self._waiting[0] is ticket and self._fits(pixels))
                finally:
                    self._waiting.remove(ticket)
                    self._changed.notify_all()
            self._used += pixels - held
            self._mine.held = pixels
        if pixels > _WORTH_RETURNING:
            return_free_memory()  # what the caller has freed of the image before, which this one may not fit into

    def _fits(self, pixels: int) -> bool:
        return self._used == 0 or self._used + pixels <= self._pixels

    def _give_back(self) -> None:
        held = getattr(self._mine, "held", 0)
        if held:
            if held > _WORTH_RETURNING:
                return_free_memory()  # each thread would keep what its largest image took
            with self._changed:
                self._mine.held = 0
                self._used -= held
                self._changed.notify_all()


IN_FLIGHT = PixelBudget(LIMIT_PIXELS)
"""Of this process. Processes that read leave large images to the one that started them."""

after_fork(IN_FLIGHT.reset)
