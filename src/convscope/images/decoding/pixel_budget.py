"""Limit on the pixels that are decoded at the same time by all threads: large images wait for each other."""

import collections
import contextlib
import threading
from collections.abc import Iterator
from typing import final

from convscope.core.forks import after_fork
from convscope.core.memory import return_free_memory

LIMIT_PIXELS = 178_000_000
"""Most pixels that the header of an image may declare; larger images are refused before memory is allocated."""

SMALL_PIXELS = 4_000_000
"""Images up to this size do not wait, and are not counted."""

_RETURN_PIXELS = 32_000_000


@final
class PixelBudget:
    """A number of pixels shared by all threads; first come, first served.

    A thread that needs more than the budget runs alone. A thread that holds pixels never waits for more, which
    excludes deadlocks.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self.reset()

    def reset(self) -> None:
        """Release all pixels: a forked child does not have the threads that hold them."""
        self._used = 0
        self._changed = threading.Condition()
        self._waiting: collections.deque[object] = collections.deque()
        self._mine = threading.local()

    @property
    def used(self) -> int:
        """Number of pixels held now."""
        return self._used

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the pixels that this thread takes until the outermost such block ends."""
        depth = getattr(self._mine, "depth", 0)
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            if depth == 0:
                self._give_back()

    def take(self, pixels: int) -> None:
        """Wait until an image of `pixels` fits, within `held`; small images do not wait."""
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
        if pixels > _RETURN_PIXELS:
            return_free_memory()  # the freed memory of the previous image, which may be too small for this one

    def _fits(self, pixels: int) -> bool:
        return self._used == 0 or self._used + pixels <= self._pixels

    def _give_back(self) -> None:
        held = getattr(self._mine, "held", 0)
        if held:
            if held > _RETURN_PIXELS:
                return_free_memory()  # each thread would keep the memory of its largest image
            with self._changed:
                self._mine.held = 0
                self._used -= held
                self._changed.notify_all()


IN_FLIGHT = PixelBudget(LIMIT_PIXELS)
"""Budget of this process. Worker processes leave large images to their parent."""

after_fork(IN_FLIGHT.reset)
