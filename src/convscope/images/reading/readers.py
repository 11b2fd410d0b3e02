"""Many images read at once: by threads where the work is in the codecs, by processes where it is in Python."""

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final

from convscope.core.machine import keep_tiny_numbers, usable_cores
from convscope.core.progress import Reporter
from convscope.images.decoding.damage import BOMB
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.source import Source

from .facts import no_facts
from .process import ReadingProcess
from .run import Reading, Run, joined, read_files, read_run, runs_of

_PIXELS_A_RUN = 8_000_000
_LONGEST_RUN = 512
_LARGE = 100_000
_MANY = 4_000
_DEATHS = 2  # a process may also be ended by somebody else: an image is named only when it died of it once more
_NOT_STARTED = (OSError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError, subprocess.SubprocessError)
"""What comes out where no process can be started: of the system, of names that it does not take."""
_DIED = "reading it ended the process that read it (its data are damaged, or it asks for more memory than there is)"


@contextlib.contextmanager
def readers(
    source: Source, *, pixels: float, workers: int | None = None
) -> Iterator[tuple[ThreadPoolExecutor, Callable[[Run], Reading]]]:
    """Give threads, and a function that they call to have a run read; everything that was started ends with it.

    Args:
        source: where the images are.
        pixels: mean number in an image. Threads read large images (the codecs let each other run), processes many
            small ones (Python's own part would let one run at a time).
        workers: how many; None takes one for each core.
    """
    count = workers or usable_cores()
    is_file = len(source) > 0 and source.path(0) is not None
    threads = ThreadPoolExecutor(max_workers=count, initializer=keep_tiny_numbers)
    stopped = threading.Event()
    pool: Processes | None = None
    try:
        if is_file and count > 1 and pixels < _LARGE and len(source) >= _MANY and can_start():
            with contextlib.suppress(*_NOT_STARTED):  # threads read then
                pool = Processes(count, stopped)
        if pool is not None:
            yield threads, pool.read
        elif is_file:
            yield threads, lambda run: read_files(run, stopped.is_set)
        else:
            yield threads, lambda run: _read_source(source, run, stopped)
    finally:
        stopped.set()
        threads.shutdown(wait=False, cancel_futures=True)
        if pool is not None:
            pool.end()
        threads.shutdown(wait=True)


def read_all(
    source: Source,
    preprocessing: Preprocessing,
    *,
    pixels: float,
    target: Path | None,
    reporter: Reporter,
    workers: int | None,
) -> Reading:
    """Return the facts of all images, why each unusable one is, and remarks; write the pixels to `target`.

    pixels: mean number in an image, by which the work is divided.

    Raises:
        OSError: `target` cannot be written.
    """
    length = int(min(_LONGEST_RUN, max(1, _PIXELS_A_RUN / max(pixels, preprocessing.height * preprocessing.width))))
    ranges = runs_of(len(source), length)

    def run_of(indices: range) -> Run:  # made when it is its turn: the paths of all at once would take memory
        files = _files(source, indices)
        return Run(start=indices.start, files=files, preprocessing=preprocessing, target=str(target or ""))

    whole = Reading(facts=no_facts(len(source)), reasons={})
    with (
        reporter.task("reading images", total=len(source), unit="images") as task,
        readers(source, pixels=pixels, workers=workers) as (threads, read),
    ):
        readings = threads.map(lambda indices: read(run_of(indices)), ranges)
        for indices, reading in zip(ranges, readings, strict=True):
            whole.facts[indices.start : indices.stop] = reading.facts
            whole.reasons.update({indices.start + index: reason for index, reason in reading.reasons.items()})
            whole.remarks.update({indices.start + index: remarks for index, remarks in reading.remarks.items()})
            task.advance(len(indices))
    return whole


def can_start() -> bool:
    """Return whether this program is a Python that can start another one: not one frozen into an application."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _files(source: Source, indices: range) -> tuple[str, ...]:
    paths = (source.path(index) for index in indices)
    return tuple("" if path is None else os.fspath(path) for path in paths)


def _read_source(source: Source, run: Run, stopped: threading.Event) -> Reading:
    near = run.preprocessing.size
    return read_run(run, lambda index: source.decode(run.start + index, near=near), stopped.is_set)


@final
class Processes:
    """Processes that read runs for as many threads; one that dies of an image is replaced, the image named."""

    def __init__(self, count: int, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._started: list[ReadingProcess] = []
        self._free: queue.SimpleQueue[ReadingProcess] = queue.SimpleQueue()
        try:
            for _ in range(count):
                self._started.append(ReadingProcess())
                self._free.put(self._started[-1])
        except _NOT_STARTED:  # no memory, or too many processes: those that are there will do
            if not self._started:
                raise

    def read(self, run: Run, deaths: int = 0) -> Reading:
        """Return what `read_files(run)` returns, read by whichever process is free.

        Raises:
            OSError: the target cannot be written.
        """
        process = self._free.get()
        try:
            reading, process = self._try(process, run)
        finally:
            self._free.put(process)  # whatever happens: another thread may wait for it
        if reading is not None:
            return self._with_large(run, reading)
        if len(run.files) > 1:
            first, second = run.halves()
            return joined(self.read(first), self.read(second))
        if deaths < _DEATHS:
            return self.read(run, deaths=deaths + 1)
        facts = no_facts(1)
        facts["unusable"] = True
        return Reading(facts=facts, reasons={0: _DIED})

    def _with_large(self, run: Run, reading: Reading) -> Reading:
        """Return the reading of a process with the large images that it left, read in this thread in their turn."""
        left = [index for index, reason in reading.reasons.items() if BOMB in reason]
        if not left:
            return reading
        facts, reasons, remarks = reading.facts.copy(), dict(reading.reasons), dict(reading.remarks)
        for index in left:
            loaded = read_files(run.only(index), self._stopped.is_set)
            if not len(loaded.facts):  # stopped
                return Reading(facts=no_facts(0), reasons={})
            del reasons[index]
            facts[index] = loaded.facts[0]
            if loaded.reasons:
                reasons[index] = loaded.reasons[0]
            if loaded.remarks:
                remarks[index] = loaded.remarks[0]
        return Reading(facts=facts, reasons=reasons, remarks=remarks)

    def _try(self, process: ReadingProcess, run: Run) -> tuple[Reading | None, ReadingProcess]:
        """Return the reading, None where the process died of it, and the process or the one that replaces it."""
        if not process.has_started():  # Python cannot be started here, or was ended: this thread reads, unless stopped
            return read_files(run, self._stopped.is_set), process
        reading = process.read(run)
        if reading is not None:
            return reading, process
        if self._stopped.is_set():
            return Reading(facts=no_facts(0), reasons={}), process
        return None, self._replaced(process)

    def end(self) -> None:
        """End all of them now; whoever waits for one gets an empty reading."""
        self._stopped.set()
        for process in self._started:
            process.end()

    def _replaced(self, process: ReadingProcess) -> ReadingProcess:
        process.end()
        try:
            fresh = ReadingProcess()
        except _NOT_STARTED:
            return process  # which has ended: the thread reads
        self._started.append(fresh)
        if self._stopped.is_set():  # while this one started
            fresh.end()
        return fresh
