"""Where a long job tells how it goes: nowhere, in plain lines, or as a bar on a terminal. All of it on stderr."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TextIO, final

from .pace import Clock, Pace
from .text import printable, sentence, shortened

LONGEST_TITLE = 60
_SHORTEST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
_SHARE_OF_ELAPSED = 0.05  # a job of hours gets a line a minute, not thousands of lines


class Task(ABC):
    """One long job that somebody watches."""

    @abstractmethod
    def advance(self, amount: float = 1, note: str = "") -> None:
        """Tell that `amount` more is done; `note` says what else is worth showing, empty keeps the one before."""

    @abstractmethod
    def update(self, done: float, note: str = "") -> None:
        """Tell how much is done in all."""


class Reporter(ABC):
    """Where jobs tell how they go. Telling never stops a job: a stream that is closed is no longer written to."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show one line that stays."""

    @abstractmethod
    def task(self, title: str, total: float, unit: str = "") -> AbstractContextManager[Task]:
        """Return the context in which one job runs; leaving it shows how it ended.

        Args:
            title: what is done, for the user.
            total: how much there is to do, in `unit`; 0 if nobody knows.
            unit: word for what is counted, for example ``"files"``; none where only the fraction means something.
        """


@final
class Silent(Reporter):
    """Shows nothing.

    Examples:
        >>> with Silent().task("reading", total=2) as task:
        ...     task.advance()
    """

    def say(self, text: str) -> None:
        """Show nothing."""

    def task(self, title: str, total: float, unit: str = "") -> AbstractContextManager[Task]:
        """Return a context that shows nothing."""
        return contextlib.nullcontext(_Unwatched())


@final
class Plain(Reporter):
    """Shows plain lines: one when a job begins, one when it ends, and between them at most one every two seconds.

    Args:
        stream: what the lines are written to.
        clock: gives seconds; for tests.

    Examples:
        >>> import sys
        >>> with Plain(sys.stdout, clock=lambda: 0.0).task("reading", total=2, unit="files") as task:
        ...     task.advance(2)
        reading: 0 of 2 files, 0 %
        reading: 2 files in 0.0 s
    """

    def __init__(self, stream: TextIO | None, clock: Clock = time.monotonic) -> None:
        self._stream, self._clock = stream, clock

    def say(self, text: str) -> None:
        """Write the line."""
        if self._stream is None:  # standard streams may be none
            return
        with contextlib.suppress(OSError, ValueError):  # a closed pipe or stream must not end hours of work
            self._stream.write(sentence(text) + "\n")
            self._stream.flush()

    @contextlib.contextmanager
    def task(self, title: str, total: float, unit: str = "") -> Iterator[Task]:
        """Give the job that writes its lines here."""
        pace = Pace(shortened(printable(title), LONGEST_TITLE), total, unit, self._clock)
        self.say(pace.text() if unit else f"{pace.title} …")
        whole = False
        try:
            yield _Lines(pace, self)
            whole = True
        finally:
            self.say(pace.closing(whole=whole))


@final
class _Unwatched(Task):
    """A job that nobody watches."""

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Tell nobody."""

    def update(self, done: float, note: str = "") -> None:
        """Tell nobody."""


@final
class _Lines(Task):
    """A job that is shown in plain lines."""

    def __init__(self, pace: Pace, reporter: Plain) -> None:
        self._pace, self._reporter = pace, reporter
        self._shown_s = 0.0

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Tell that more is done."""
        self._pace.add(amount, note)
        self._show()

    def update(self, done: float, note: str = "") -> None:
        """Tell how much is done in all."""
        self._pace.move(done, note)
        self._show()

    def _show(self) -> None:
        elapsed = self._pace.elapsed_s
        pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, _SHARE_OF_ELAPSED * elapsed))
        if elapsed - self._shown_s >= pause and self._pace.fraction < 1:
            self._shown_s = elapsed
            self._reporter.say(self._pace.text())
