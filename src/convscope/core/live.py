"""A long job as a live bar on a terminal, with the time that the whole job will still take."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO, final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.text import Text

from .pace import Pace
from .progress import LONGEST_TITLE, Reporter, Task
from .text import printable, sentence, shortened

if TYPE_CHECKING:
    from rich.progress import Task as Row
    from rich.progress import TaskID

_REFRESHES_A_SECOND = 5


@final
class Live(Reporter):
    """Shows a bar for every job that runs; when a job ends its bar becomes one line that stays.

    Args:
        stream: a terminal.
        width: of the terminal, in characters; asked of the terminal if none.
    """

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self._console = _Console(
            file=stream, force_terminal=True, width=width, markup=False, highlight=False, emoji=False
        )
        self._bars: Progress | None = None

    def say(self, text: str) -> None:
        """Write the line, above the bars if there are any."""
        with contextlib.suppress(OSError, ValueError):  # a terminal that is closed must not end hours of work
            self._console.print(Text(sentence(text)), soft_wrap=True)

    @contextlib.contextmanager
    def task(self, title: str, total: float, unit: str = "") -> Iterator[Task]:
        """Give the job whose bar is shown while the context lasts."""
        pace = Pace(shortened(printable(title), LONGEST_TITLE), total, unit)
        outermost = self._bars is None
        bars = self._bars = self._bars or _bars(self._console)
        if outermost:
            bars.start()
        row = bars.add_task(pace.title, total=total or None, pace=pace)
        whole = False
        try:
            yield _Bar(pace, bars, row)
            whole = True
        finally:
            bars.remove_task(row)
            if outermost:
                bars.stop()
                self._bars = None
            self.say(pace.closing(whole=whole))


@final
class _Console(Console):
    """A console that falls silent, where rich would end the program, when its terminal is gone."""

    def on_broken_pipe(self) -> None:
        """Fall silent."""
        self.quiet = True


@final
class _Bar(Task):
    """A job that is shown as a bar."""

    def __init__(self, pace: Pace, bars: Progress, row: "TaskID") -> None:
        self._pace, self._bars, self._row = pace, bars, row

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Tell that more is done."""
        self._pace.add(amount, printable(note))
        self._bars.update(self._row, completed=self._pace.done)

    def update(self, done: float, note: str = "") -> None:
        """Tell how much is done in all."""
        self._pace.move(done, printable(note))
        self._bars.update(self._row, completed=self._pace.done)


@final
class _Told(ProgressColumn):
    """What the pace of a job says in words: how far, how fast, how long still, and the note."""

    max_refresh = 1 / _REFRESHES_A_SECOND

    def render(self, task: "Row") -> Text:
        """Return the words of the row's job."""
        pace: Pace = task.fields["pace"]
        parts = (pace.counted(), pace.speed(), pace.left(), pace.note)
        return Text("  ".join(part for part in parts if part), no_wrap=True, overflow="ellipsis")


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        _Told(),
        console=console,
        transient=True,
        refresh_per_second=_REFRESHES_A_SECOND,
        redirect_stdout=False,
        redirect_stderr=False,
    )
