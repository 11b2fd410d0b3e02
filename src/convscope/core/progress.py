"""Progress of long jobs, shown nowhere, as plain lines, or as bars on a terminal."""

import contextlib
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TextIO, final

from .text import duration, printable, sentence, shortened

Clock = Callable[[], float]

_LONGEST_TITLE = 60
_SHORTEST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
_PAUSE_FRACTION = 0.05  # of the time elapsed: a job of hours gets a line a minute, not thousands of lines


class Task:
    """One long job: how far it is, how fast it goes and how much time is left; any thread may report to it.

    The time left is that of the *whole* job. It is estimated from the progress since the first report, so that neither
    a slow start nor a resumed job, which begins in the middle, distorts it.

    Args:
        title: of the job, for the user.
        total: amount of work, in `unit`; 0 if unknown.
        unit: plural noun of what is counted, for example ``"files"``; empty where only the fraction means something.
        clock: returns seconds, from any start.
        on_report: called after every report.

    Examples:
        >>> seconds = iter([0.0, 1.0, 3.0, 3.0])
        >>> task = Task("reading", total=100, unit="files", clock=lambda: next(seconds))
        >>> task.update(10)
        >>> task.update(30)
        >>> task.text()  # 20 files in 2 seconds, and 70 to go
        'reading: 30 of 100 files, 30 %, 10 files/s, 7 s left'
    """

    def __init__(
        self,
        title: str,
        total: float,
        unit: str = "",
        *,
        clock: Clock = time.monotonic,
        on_report: Callable[[], None] | None = None,
    ) -> None:
        self.title, self.total, self.unit = shortened(printable(title), _LONGEST_TITLE), total, unit
        self.done, self.note = 0.0, ""
        self.on_report = on_report
        self._clock, self._lock = clock, threading.Lock()
        self._began_s = self._last_s = clock()
        self._first: tuple[float, float] | None = None  # time and amount of the first report

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Report that `amount` more is done; an empty note keeps the previous one."""
        with self._lock:
            self._set(self.done + amount, note)
        if self.on_report is not None:
            self.on_report()

    def update(self, done: float, note: str = "") -> None:
        """Report how much is done in all; an empty note keeps the previous one."""
        with self._lock:
            self._set(done, note)
        if self.on_report is not None:
            self.on_report()

    def _set(self, done: float, note: str) -> None:
        self._last_s = self._clock()
        self.done, self.note = done, note or self.note
        self._first = self._first or (self._last_s, done)

    @property
    def fraction(self) -> float:
        """Fraction done, 0…1; 0 when the total is unknown."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the job began."""
        return self._clock() - self._began_s

    @property
    def rate(self) -> float | None:
        """Amount done per second, or None while unknown."""
        if self._first is None:
            return None
        first_s, first = self._first
        seconds, amount = self._last_s - first_s, self.done - first
        return amount / seconds if seconds > 0 and amount > 0 else None

    @property
    def left_s(self) -> float | None:
        """Seconds until the whole job is done, or None while unknown; it runs down between two reports."""
        rate = self.rate
        if rate is None or self.total <= 0:
            return None
        return max(0.0, (self.total - self.done) / rate - (self._clock() - self._last_s))

    def facts(self) -> list[str]:
        """Return amount, rate and time left in words, as far as they are known."""
        rate, left_s = self.rate, self.left_s
        speed = "" if rate is None or not self.unit else f"{_rate_text(rate)} {self.unit}/s"
        left = "" if left_s is None else f"{duration(left_s)} left"
        return [fact for fact in (self.amount(), speed, left) if fact]

    def amount(self) -> str:
        """Return how much is done in words: `30 of 100 files, 30 %`."""
        percent = f"{math.floor(self.fraction * 100)} %" if self.total > 0 else ""
        if not self.unit:
            return percent
        return f"{self.done:,.0f} of {self._counted(self.total)}, {percent}" if percent else self._counted(self.done)

    def _counted(self, number: float) -> str:
        return f"{number:,.0f} {self.unit.removesuffix('s') if round(number) == 1 else self.unit}"

    def text(self) -> str:
        """Return the state of the job in one line."""
        return f"{self.title}: {', '.join(self.facts())}{self._note()}"

    def closing(self, *, finished: bool) -> str:
        """Return the line that stays at the end; `finished` if no error ended the job."""
        took = duration(self.elapsed_s, exact=True)
        if not finished:
            return f"{self.title}: {', '.join(filter(None, [f'stopped after {took}', self.amount()]))}{self._note()}"
        return f"{self.title}: {f'{self._counted(self.done)} in {took}' if self.unit else f'took {took}'}{self._note()}"

    def _note(self) -> str:
        return f"  {self.note}" if self.note else ""


class Reporter(ABC):
    """Shows messages and the progress of jobs. A closed stream never stops a job: nothing more is written to it."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Show one line that stays."""

    @abstractmethod
    def task(self, title: str, total: float, unit: str = "") -> AbstractContextManager[Task]:
        """Return the context in which one job runs; its end shows the closing line. Arguments as for `Task`."""

    @contextlib.contextmanager
    def closing(self, task: Task) -> Iterator[Task]:
        """Say the closing line of `task` when the block ends."""
        finished = False
        try:
            yield task
            finished = True
        finally:
            self.say(task.closing(finished=finished))


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
        return contextlib.nullcontext(Task(title, total, unit))


@final
class Plain(Reporter):
    """Writes plain lines: one when a job begins, one when it ends, and between them at most one every two seconds.

    Args:
        stream: receives the lines; None discards them.
        clock: returns seconds; for tests.

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
        if self._stream is None:  # a program without a terminal has no standard streams
            return
        with contextlib.suppress(OSError, ValueError):  # a closed pipe or stream must not end hours of work
            self._stream.write(sentence(text) + "\n")
            self._stream.flush()

    @contextlib.contextmanager
    def task(self, title: str, total: float, unit: str = "") -> Iterator[Task]:
        """Give the job whose lines are written here."""
        task = Task(title, total, unit, clock=self._clock)
        shown_s = 0.0

        def show() -> None:
            nonlocal shown_s
            elapsed_s = task.elapsed_s
            pause_s = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, _PAUSE_FRACTION * elapsed_s))
            if elapsed_s - shown_s >= pause_s and task.fraction < 1:
                shown_s = elapsed_s
                self.say(task.text())

        task.on_report = show
        self.say(task.text() if unit else f"{task.title} …")
        with self.closing(task):
            yield task


def _rate_text(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
