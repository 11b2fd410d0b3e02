"""Ctrl-C and a polite kill while training: the step under way is finished, then training ends cleanly."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM")


class Interruption:
    """Whether the user asked to stop."""

    asked: bool = False


@contextmanager
def noticed() -> Iterator[Interruption]:
    """Give the interruption that the first Ctrl-C (or SIGTERM) marks while the block runs; the second one raises.

    Outside the main thread, where Python takes no signals, nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        if interruption.asked:
            raise KeyboardInterrupt
        interruption.asked = True

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
