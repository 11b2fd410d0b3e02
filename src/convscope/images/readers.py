"""Many pictures read at once: by threads where the work is in the codecs, by processes where it is in Python."""

import contextlib
import queue
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

from convscope.core.machine import usable_cores

from .facts import no_facts
from .reading import Reading, Run, joined, read_files, read_run
from .reading_process import ReadingProcess
from .source import Source

_LARGE = 500_000
_MANY = 4_000
_DIED = "reading it ended the process that read it (its data are damaged, or it asks for more memory than there is)"


@contextlib.contextmanager
def readers(
    source: Source, *, pixels: float, workers: int | None = None
) -> Iterator[Callable[[Sequence[Run]], Iterator[Reading]]]:
    """Give a function that reads runs at once and gives what each came to, in order; all it started ends with it.

    Args:
        source: where the pictures are.
        pixels: mean number in a picture. Threads read large pictures (the codecs let each other run), processes many
            small ones (Python's own part would let one run at a time).
        workers: how many; None takes one for each core.
    """
    count = workers or usable_cores()
    is_file = len(source) > 0 and source.path(0) is not None
    threads = ThreadPoolExecutor(max_workers=count)
    pool: Processes | None = None
    try:
        if is_file and count > 1 and pixels < _LARGE and len(source) >= _MANY and can_start():
            pool = Processes(count)
            yield lambda runs: threads.map(pool.read, runs)
        elif is_file:
            yield lambda runs: threads.map(read_files, runs)
        else:
            yield lambda runs: threads.map(lambda run: _read_source(source, run), runs)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        if pool is not None:
            pool.end()
        threads.shutdown(wait=True)


def can_start() -> bool:
    """Return whether this program is a Python that can start another one: not one frozen into an application."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _read_source(source: Source, run: Run) -> Reading:
    return read_run(run, lambda place: source.decode(run.start + place, near=run.preprocessing.size))


@final
class Processes:
    """Processes that read runs for as many threads; one that dies of a picture is replaced, the picture named."""

    def __init__(self, count: int) -> None:
        self._started = [ReadingProcess() for _ in range(count)]
        self._ended = False
        self._free: queue.SimpleQueue[ReadingProcess] = queue.SimpleQueue()
        for process in self._started:
            self._free.put(process)

    def read(self, run: Run) -> Reading:
        """Return what `read_files(run)` returns, read by whichever process is free."""
        process = self._free.get()
        reading = None if self._ended else process.read(run)
        if reading is not None or self._ended:
            self._free.put(process)
            return reading or Reading(facts=no_facts(0), reasons={})
        self._free.put(self._replaced(process))
        if len(run.files) == 1:
            facts = no_facts(1)
            facts["unusable"] = True
            return Reading(facts=facts, reasons={0: _DIED})
        first, second = run.halves()
        return joined(self.read(first), self.read(second))

    def end(self) -> None:
        """End all of them now; whoever waits for one gets an empty reading."""
        self._ended = True
        for process in self._started:
            process.end()

    def _replaced(self, process: ReadingProcess) -> ReadingProcess:
        process.end()
        fresh = ReadingProcess()
        self._started.append(fresh)
        if self._ended:  # while this one started
            fresh.end()
        return fresh
