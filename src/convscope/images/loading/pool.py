"""Images loaded in parallel: by threads where the work is in the codecs, by processes where it is in Python."""

import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final

from convscope.core.machine import preserve_denormals, usable_cores
from convscope.core.progress import Reporter
from convscope.core.python_process import can_start_python
from convscope.images.decoding.damage import BOMB
from convscope.images.preprocessing import Preprocessing
from convscope.images.sources.source import Source

from .chunks import Chunk, LoadResult, chunks_of, joined, load_chunk, load_files
from .facts import no_facts
from .worker import WorkerProcess

_CHUNK_PIXELS = 8_000_000
_LONGEST_CHUNK = 512
_LARGE = 100_000
_MANY = 4_000
_DEATHS = 2  # something else may end a process: an image is unusable only if it ends a process once more
_NOT_STARTED = (OSError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError, subprocess.SubprocessError)
"""Errors raised where no process can be started."""
_DIED = "decoding it ends the process (its data are damaged, or it needs more memory than there is)"


@contextlib.contextmanager
def open_pool(
    source: Source, *, pixels: float, workers: int | None = None
) -> Iterator[tuple[ThreadPoolExecutor, Callable[[Chunk], LoadResult]]]:
    """Give threads, and the function by which they load a chunk; threads and processes end with the block.

    Args:
        source: where the images are.
        pixels: mean number per image. Threads load large images (the codecs release the interpreter lock), processes
            load many small ones (Python's own part holds the lock).
        workers: number of threads and processes; None takes one per core.
    """
    count = workers or usable_cores()
    is_file = len(source) > 0 and source.path(0) is not None
    threads = ThreadPoolExecutor(max_workers=count, initializer=preserve_denormals)
    stopped = threading.Event()
    pool: WorkerPool | None = None
    try:
        if is_file and count > 1 and pixels < _LARGE and len(source) >= _MANY and can_start_python():
            with contextlib.suppress(*_NOT_STARTED):  # then threads load
                pool = WorkerPool(count, stopped)
        if pool is not None:
            yield threads, pool.load
        elif is_file:
            yield threads, lambda chunk: load_files(chunk, stopped.is_set)
        else:
            yield threads, lambda chunk: _load_from_source(source, chunk, stopped)
    finally:
        stopped.set()
        threads.shutdown(wait=False, cancel_futures=True)
        if pool is not None:
            pool.end()
        threads.shutdown(wait=True)


def load_images(
    source: Source,
    preprocessing: Preprocessing,
    *,
    pixels: float,
    target: Path | None,
    reporter: Reporter,
    workers: int | None,
) -> LoadResult:
    """Return facts, reasons and remarks of all images of a source; write the pixels to `target`.

    pixels: mean number per image, which sets the size of the chunks.

    Raises:
        OSError: `target` cannot be written.
    """
    length = int(min(_LONGEST_CHUNK, max(1, _CHUNK_PIXELS / max(pixels, preprocessing.height * preprocessing.width))))
    ranges = chunks_of(len(source), length)

    def chunk_at(indices: range) -> Chunk:  # made when needed: all paths at once would take memory
        files = _files(source, indices)
        return Chunk(start=indices.start, files=files, preprocessing=preprocessing, target=str(target or ""))

    total = LoadResult(facts=no_facts(len(source)), reasons={})
    with (
        reporter.task("reading images", total=len(source), unit="images") as task,
        open_pool(source, pixels=pixels, workers=workers) as (threads, load),
    ):
        results = threads.map(lambda indices: load(chunk_at(indices)), ranges)
        for indices, result in zip(ranges, results, strict=True):
            total.facts[indices.start : indices.stop] = result.facts
            total.reasons.update({indices.start + index: reason for index, reason in result.reasons.items()})
            total.remarks.update({indices.start + index: remarks for index, remarks in result.remarks.items()})
            task.advance(len(indices))
    return total


def _files(source: Source, indices: range) -> tuple[str, ...]:
    paths = (source.path(index) for index in indices)
    return tuple("" if path is None else os.fspath(path) for path in paths)


def _load_from_source(source: Source, chunk: Chunk, stopped: threading.Event) -> LoadResult:
    near = chunk.preprocessing.size
    return load_chunk(chunk, lambda index: source.decode(chunk.start + index, near=near), stopped.is_set)


@final
class WorkerPool:
    """Worker processes, one per thread; one that an image ends is replaced, and the image is unusable."""

    def __init__(self, count: int, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._started: list[WorkerProcess] = []
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        try:
            for _ in range(count):
                self._started.append(WorkerProcess())
                self._free.put(self._started[-1])
        except _NOT_STARTED:  # no memory, or too many processes: continue with fewer
            if not self._started:
                raise

    def load(self, chunk: Chunk, deaths: int = 0) -> LoadResult:
        """Return what `load_files(chunk)` returns, computed by the next free process.

        Raises:
            OSError: the target cannot be written.
        """
        process = self._free.get()
        try:
            result, process = self._try(process, chunk)
        finally:
            self._free.put(process)  # in any case: another thread may wait for it
        if result is not None:
            return self._with_large(chunk, result)
        if len(chunk.files) > 1:
            first, second = chunk.halves()
            return joined(self.load(first), self.load(second))
        if deaths < _DEATHS:
            return self.load(chunk, deaths=deaths + 1)
        facts = no_facts(1)
        facts["unusable"] = True
        return LoadResult(facts=facts, reasons={0: _DIED})

    def _with_large(self, chunk: Chunk, result: LoadResult) -> LoadResult:
        """Return the result of a process, completed with the large images, which this thread loads."""
        left = [index for index, reason in result.reasons.items() if BOMB in reason]
        if not left:
            return result
        facts, reasons, remarks = result.facts.copy(), dict(result.reasons), dict(result.remarks)
        for index in left:
            loaded = load_files(chunk.single(index), self._stopped.is_set)
            if not len(loaded.facts):  # stopped
                return LoadResult(facts=no_facts(0), reasons={})
            del reasons[index]
            facts[index] = loaded.facts[0]
            if loaded.reasons:
                reasons[index] = loaded.reasons[0]
            if loaded.remarks:
                remarks[index] = loaded.remarks[0]
        return LoadResult(facts=facts, reasons=reasons, remarks=remarks)

    def _try(self, process: WorkerProcess, chunk: Chunk) -> tuple[LoadResult | None, WorkerProcess]:
        """Return the result, None if the process ended, and the process or its replacement."""
        if not process.has_started():  # Python cannot be started here, or was ended: this thread loads, unless stopped
            return load_files(chunk, self._stopped.is_set), process
        result = process.load(chunk)
        if result is not None:
            return result, process
        if self._stopped.is_set():
            return LoadResult(facts=no_facts(0), reasons={}), process
        return None, self._replaced(process)

    def end(self) -> None:
        """End all processes now; threads that wait for one get an empty result."""
        self._stopped.set()
        for process in self._started:
            process.end()

    def _replaced(self, process: WorkerProcess) -> WorkerProcess:
        process.end()
        try:
            fresh = WorkerProcess()
        except _NOT_STARTED:
            return process  # which has ended: the thread loads
        self._started.append(fresh)
        if self._stopped.is_set():  # while this one started
            fresh.end()
        return fresh
