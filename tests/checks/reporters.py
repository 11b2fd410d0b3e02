"""Reporters that tests listen with."""

import contextlib
from typing import Any

from convscope.core.progress import Reporter, Silent, Task


class Heard(Reporter):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def task(self, title: str, total: float, unit: str = ""):
        return Silent().task(title, total, unit)


class Counting(Reporter):
    """Remembers every job with its total and unit, and what was done of it."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def say(self, text: str) -> None:
        """Remember nothing."""

    @contextlib.contextmanager
    def task(self, title: str, total: float, unit: str = ""):
        self.told.append((title, total, unit))
        yield _Counted(self.told)


class _Counted(Task):
    def __init__(self, told: list[Any]) -> None:
        self._told = told

    def advance(self, amount: float = 1, note: str = "") -> None:
        self._told.append(amount)

    def update(self, done: float, note: str = "") -> None:
        self._told.append(done)
