"""How far a long job is, how fast it goes and how long it will still take: numbers and their wording, no printing."""

import math
import threading
import time
from collections.abc import Callable

Clock = Callable[[], float]


class Pace:
    """The state of one long job; safe to move from several threads.

    The time left is that of the *whole* job. It is reckoned from what was done since the first report, so that neither
    a slow start nor a resumed job, which begins in the middle, distorts it.

    Args:
        title: what is done, for the user.
        total: how much there is to do, in `unit`.
        unit: word for what is counted, for example ``"files"``; none where only the fraction means something.
        clock: gives seconds, from any start.

    Examples:
        >>> seconds = iter([0.0, 1.0, 3.0, 3.0])
        >>> pace = Pace("reading", total=100, unit="files", clock=lambda: next(seconds))
        >>> pace.move(10)
        >>> pace.move(30)
        >>> pace.text()  # 20 files in 2 seconds, and 70 to go
        'reading: 30 of 100 files, 30 %, 10 files/s, 7 s left'
    """

    def __init__(self, title: str, total: float, unit: str = "", clock: Clock = time.monotonic) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done, self.note = 0.0, ""
        self._clock, self._lock = clock, threading.Lock()
        self._began_s = clock()
        self._first: tuple[float, float] | None = None  # time and amount of the first report
        self._last_s = self._began_s

    def move(self, done: float, note: str = "") -> None:
        """Set how much is done in all; an empty note keeps the one before."""
        with self._lock:
            self._move(done, note)

    def add(self, amount: float, note: str = "") -> None:
        """Add to what is done."""
        with self._lock:
            self._move(self.done + amount, note)

    def _move(self, done: float, note: str) -> None:
        self._last_s = self._clock()
        self.done, self.note = done, note or self.note
        self._first = self._first or (self._last_s, done)

    @property
    def fraction(self) -> float:
        """How much is done, 0…1; 0 when the total is not known."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the job began."""
        return self._clock() - self._began_s

    @property
    def rate(self) -> float | None:
        """How much is done a second, or None as long as that cannot be said."""
        if self._first is None:
            return None
        first_s, first = self._first
        took, made = self._last_s - first_s, self.done - first
        return made / took if took > 0 and made > 0 else None

    @property
    def left_s(self) -> float | None:
        """Seconds until the whole job is done, or None as long as that cannot be said."""
        rate = self.rate
        if rate is None or self.total <= 0:
            return None
        return max(0.0, (self.total - self.done) / rate - (self._clock() - self._last_s))

    def counted(self) -> str:
        """Return how much is done in words: `30 of 100 files, 30 %`."""
        percent = f"{math.floor(self.fraction * 100)} %" if self.total > 0 else ""
        if not self.unit:
            return percent
        if self.total > 0:
            return f"{self.done:,.0f} of {self._amount(self.total)}, {percent}"
        return self._amount(self.done)

    def _amount(self, number: float) -> str:
        return f"{number:,.0f} {self.unit.removesuffix('s') if round(number) == 1 else self.unit}"

    def speed(self) -> str:
        """Return the rate in words, or the empty text where it means nothing to the user."""
        rate = self.rate
        if rate is None or not self.unit:
            return ""
        return f"{rate:,.0f} {self.unit}/s" if rate >= 10 else f"{rate:.2g} {self.unit}/s"

    def left(self) -> str:
        """Return the time left in words, or the empty text as long as it is not known."""
        seconds = self.left_s
        return "" if seconds is None else f"{duration(seconds)} left"

    def text(self) -> str:
        """Return one line that says how far the job is."""
        line = ", ".join(part for part in (self.counted(), self.speed(), self.left()) if part)
        return f"{self.title}: {line}" + (f"  {self.note}" if self.note else "")

    def closing(self, *, whole: bool) -> str:
        """Return the line that stays when the job is over; `whole` when nothing went wrong."""
        took = duration(self.elapsed_s, exact=True)
        amount = f"{self._amount(self.done)} in {took}" if self.unit else f"took {took}"
        verdict = amount if whole else f"stopped after {took}, {self.counted()}"
        return f"{self.title}: {verdict}" + (f"  {self.note}" if self.note else "")


def duration(seconds: float, *, exact: bool = False) -> str:
    """Return seconds as a person says them.

    Args:
        seconds: how long.
        exact: with tenths below a minute; otherwise rounded to what an estimate is good for.

    Examples:
        >>> duration(0.4), duration(7.26), duration(95), duration(3600 * 7 + 61), duration(3600 * 50)
        ('0 s', '7 s', '1 min 35 s', '7 h 1 min', '2 d 2 h')
        >>> duration(7.26, exact=True)
        '7.3 s'
    """
    if exact and seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    if minutes < 60 * 24:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"
