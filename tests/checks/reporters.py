"""Reporters that tests listen with."""

from convscope.core.progress import Reporter, Silent


class Heard(Reporter):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def task(self, title: str, total: float, unit: str = ""):
        return Silent().task(title, total, unit)
