"""Progress as bars on a terminal, by rich.progress."""

import contextlib
from collections.abc import Iterator
from typing import TextIO, final

from rich import progress
from rich.console import Console
from rich.text import Text

from .progress import Reporter, Task
from .text import printable, sentence

_REFRESHES_PER_SECOND = 5


@final
class RichReporter(Reporter):
    """Shows a bar for every running job; at the end of a job one line of it stays.

    Args:
        stream: a terminal.
        width: of the terminal, in characters; None asks the terminal.
    """

    def __init__(self, stream: TextIO, width: int | None = None) -> None:
        self._console = _Console(
            file=stream, force_terminal=True, width=width, markup=False, highlight=False, emoji=False
        )
        self._bars: progress.Progress | None = None

    def say(self, text: str) -> None:
        """Write the line, above the bars if there are any."""
        with contextlib.suppress(OSError, ValueError):  # a terminal that is closed must not end hours of work
            self._console.print(Text(sentence(text)), soft_wrap=True)

    @contextlib.contextmanager
    def task(self, title: str, total: float, unit: str = "") -> Iterator[Task]:
        """Give the job whose bar is shown while the context lasts."""
        task = Task(title, total, unit)
        with self.closing(task), self._running_bars() as bars:
            row = bars.add_task(task.title, total=total or None, job=task)
            task.on_report = lambda: bars.update(row, completed=task.done)
            try:
                yield task
            finally:
                bars.remove_task(row)

    @contextlib.contextmanager
    def _running_bars(self) -> Iterator[progress.Progress]:
        """Give the bars; the outermost job starts and stops them."""
        if self._bars is not None:
            yield self._bars
            return
        self._bars = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=24),
            _FactsColumn(),
            console=self._console,
            transient=True,
            refresh_per_second=_REFRESHES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        try:
            with self._bars as bars:
                yield bars
        finally:
            self._bars = None


@final
class _Console(Console):
    """A console that falls silent, where rich would end the program, when its terminal is gone."""

    def on_broken_pipe(self) -> None:
        """Fall silent."""
        self.quiet = True


@final
class _FactsColumn(progress.ProgressColumn):
    """Amount, rate, time left and note of a job."""

    max_refresh = 1 / _REFRESHES_PER_SECOND

    def render(self, task: progress.Task) -> Text:
        """Return the words for one row."""
        job: Task = task.fields["job"]
        words = [*job.facts(), printable(job.note)]
        return Text("  ".join(filter(None, words)), no_wrap=True, overflow="ellipsis")
