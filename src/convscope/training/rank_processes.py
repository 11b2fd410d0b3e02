"""Ranks on this machine: processes that add through memory they share, and wait for each other at pipes.

Rank 0 is the process of the user. It starts the others, sends them the training as one line of JSON, and lends them
files: the images, which are mapped once, the state, and the memory for sums. None listens on the network. They end
with their parent, whose end of the pipe the system closes, as those do that read images (docs/decisions/0006).
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import TrainingError
from convscope.core.forks import threads_allowed
from convscope.core.machine import tuned
from convscope.core.python_process import start_python
from convscope.core.records import from_json, to_json
from convscope.networks.build import Network, layout_network
from convscope.networks.layout import Layout

from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .loop import Listener, run
from .ranks import ALONE, LostRankError, Ranks, SeveralRanks
from .recipe import Recipe
from .state import TrainingState
from .training_data import TrainingData, shared

_MET = b"."
_PATIENCE_S = 600.0
_NUMBER = struct.calcsize("d")
_STATE, _SUMS, _ARRAYS = "state.safetensors", "sums", ("labels", "training", "validation")


@dataclass(frozen=True, kw_only=True)
class RankJob:
    """What a rank is told; `folder` holds the state, the memory for sums and the small arrays.

    Attributes:
        rank, count, together: see `SeveralRanks`.
        threads: of each rank.
        sum_bytes: the largest sum.
        images: file and first byte of the images, with their shape.
    """

    rank: int
    count: int
    together: bool
    threads: int
    folder: str
    sum_bytes: int
    images: str
    first_byte: int
    shape: tuple[int, ...]
    layout: str
    sizes: dict[str, int]
    recipe: Recipe
    seed: int


class _LocalRanks(SeveralRanks):
    """Ranks that share memory: one row each for what it adds, and one for the sum, of which each computes a part."""

    _rows: Tensor

    def _map(self, folder: Path, size: int) -> None:
        """Map the memory for sums of at most `size` bytes; the first to do so makes the file."""
        length = (self.count + 1) * size
        memory = torch.from_file(str(folder / _SUMS), shared=True, size=length, dtype=torch.uint8)
        self._rows = memory.view(self.count + 1, size)

    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values of all ranks, in the order of the ranks."""
        flat = values.reshape(-1)
        count = flat.numel()
        rows = self._rows[:, : count * flat.element_size()].view(flat.dtype)
        rows[self.rank].copy_(flat)
        self.meet()
        part = slice(count * self.rank // self.count, count * (self.rank + 1) // self.count)
        torch.sum(rows[:-1, part], dim=0, out=rows[-1, part])
        self.meet()
        return rows[-1].clone().view_as(values)

    @abstractmethod
    def meet(self) -> None:
        """Wait until all ranks are here."""


class RankProcesses(_LocalRanks):
    """Rank 0, with the processes that it started; see `started_ranks`.

    Args:
        count: number of ranks.
        together: see `SeveralRanks`.
        threads: of each rank.
        images: uint8 N H W C; what is mapped from a file is mapped by each rank, other images are written to one.
    """

    def __init__(self, count: int, *, together: bool, threads: int, images: NDArray[np.uint8]) -> None:
        super().__init__(0, count, together=together)
        self._threads, self._before = threads, torch.get_num_threads()
        self._images = images
        self._folder: Path | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the processes, which load torch meanwhile.

        Raises:
            TrainingError: no process can be started.
        """
        try:
            for _ in range(1, self.count):
                self._processes.append(start_python(__name__, buffered=False))
        except OSError as error:
            raise TrainingError(
                f"Cannot start a process for each rank: {error.strerror or error}. Use --ranks 1."
            ) from error

    def begin(self, state: TrainingState, data: TrainingData, recipe: Recipe, seed: int) -> None:
        """Start the other processes from `state`."""
        network = layout_network(state.network)
        self._folder = folder = Path(tempfile.mkdtemp(prefix="convscope-ranks-"))
        save_checkpoint(state, Checkpoint(path=folder / _STATE, run=""))
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(data, name).numpy(), allow_pickle=False)
        path, first_byte = file_of(self._images, folder)
        sizes = sum(value.numel() for value in network.state_dict().values()) + 2
        job = RankJob(
            rank=0,
            count=self.count,
            together=self.together,
            threads=self._threads,
            folder=str(folder),
            sum_bytes=_NUMBER * max(sizes, 8),
            images=path,
            first_byte=first_byte,
            shape=self._images.shape,
            layout=str(network.layout),
            sizes=cast("dict[str, int]", network.plan.sizes),
            recipe=recipe,
            seed=seed,
        )
        self._map(folder, job.sum_bytes)
        for rank in range(1, self.count):
            self._send(rank, json.dumps(to_json(replace(job, rank=rank))).encode() + b"\n")
        too_long = threading.Timer(_PATIENCE_S, self._kill)  # a program that is not Python may write nothing
        too_long.start()
        try:
            self.meet()
        finally:
            too_long.cancel()
        shutil.rmtree(folder, ignore_errors=True)  # where files that are in use can be removed
        self._before = torch.get_num_threads()
        torch.set_num_threads(threads_allowed(self._threads))

    def end(self) -> None:
        """End the others now, and use all threads again."""
        if not self._processes:
            return
        self._kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._processes, self._rows = [], torch.empty(0)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        torch.set_num_threads(threads_allowed(self._before))

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()

    def meet(self) -> None:
        """Wait until all ranks are here."""
        for rank, process in enumerate(self._processes, start=1):
            if process.stdout is None or process.stdout.read(1) != _MET:
                raise self._lost(rank)
        for rank in range(1, self.count):
            self._send(rank, _MET)

    def from_first(self, *numbers: float) -> tuple[float, ...]:
        """Send the numbers to the others; return them."""
        for rank in range(1, self.count):
            self._send(rank, struct.pack(f"{len(numbers)}d", *numbers))
        return numbers

    def _send(self, rank: int, message: bytes) -> None:
        pipe = self._processes[rank - 1].stdin
        try:
            if pipe is not None:
                pipe.write(message)
        except OSError as error:
            raise self._lost(rank) from error

    def _lost(self, rank: int) -> LostRankError:
        process = self._processes[rank - 1]
        with suppress(subprocess.TimeoutExpired):
            process.wait(2.0)  # it has closed its pipes
        process.kill()
        code = process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return LostRankError(f"A process of the training ended {how} (rank {rank} of {self.count}).")


@contextmanager
def started_ranks(count: int, threads: int, images: NDArray[np.uint8], *, together: bool) -> Iterator[Ranks]:
    """Give `count` ranks that share `threads` threads while the block runs; one is this process alone.

    Raises:
        TrainingError: no process can be started.
    """
    if count == 1:
        yield ALONE
        return
    ranks = RankProcesses(count, together=together, threads=max(1, threads // count), images=images)
    try:
        ranks.start()
        yield ranks
    finally:
        ranks.end()


class _Follower(_LocalRanks):
    """A rank that rank 0 has started."""

    def __init__(self, job: RankJob, *, incoming: int, outgoing: int) -> None:
        super().__init__(job.rank, job.count, together=job.together)
        self._incoming, self._outgoing = incoming, outgoing
        self._map(Path(job.folder), job.sum_bytes)

    def meet(self) -> None:
        """Wait until all ranks are here."""
        os.write(self._outgoing, _MET)
        self._read(len(_MET))

    def from_first(self, *numbers: float) -> tuple[float, ...]:
        """Return the numbers that rank 0 sends."""
        return struct.unpack(f"{len(numbers)}d", self._read(_NUMBER * len(numbers)))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = os.read(self._incoming, count - len(data))
            if not more:
                raise LostRankError("The process that started this one has ended.")
            data += more
        return data


def file_of(images: NDArray[np.uint8], folder: Path) -> tuple[str, int]:
    """Return the file of images that are mapped from one, and the first byte; others are written to one in `folder`."""
    whole: Any = images
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    if isinstance(whole, np.memmap) and whole.filename is not None and whole.mode != "c" and images.flags.c_contiguous:
        return str(whole.filename), int(whole.offset) + images.ctypes.data - whole.ctypes.data
    path = folder / "images.npy"
    np.save(path, images, allow_pickle=False)
    return str(path), np.load(path, mmap_mode="r").offset


def follow(line: bytes, *, incoming: int, outgoing: int) -> None:
    """Take part in the training that `line`, a `RankJob` as JSON, tells of, to its end."""
    job = from_json(RankJob, json.loads(line))
    folder = Path(job.folder)
    images = shared(np.memmap(job.images, np.uint8, mode="r", offset=job.first_byte, shape=job.shape))
    labels, training, validation = (
        torch.from_numpy(np.load(folder / f"{name}.npy", allow_pickle=False)) for name in _ARRAYS
    )
    with tuned(job.threads):
        network = Network(Layout.parse(job.layout), **job.sizes)  # type: ignore[arg-type]  # whole numbers all
        state = TrainingState.begin(network, job.recipe, steps=1)
        load_checkpoint(state, Checkpoint(path=folder / _STATE, run=""))
        ranks = _Follower(job, incoming=incoming, outgoing=outgoing)
        ranks.meet()
        data = TrainingData(
            images=images,
            labels=labels,
            training=training,
            validation=validation,
            classes=job.sizes["classes"],
            ranks=ranks,
        )
        run(state, data, job.recipe, Listener(), seed=job.seed)


def main() -> None:
    """Follow the process at the other end of the pipes; what a library prints goes nowhere.

    Who ends a training, such as a batch system, may ask all its processes to end: rank 0 decides when.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(incoming, 1 << 16)
        if not more:
            return
        line += more
    follow(line, incoming=incoming, outgoing=outgoing)


if __name__ == "__main__":
    try:
        main()
    except LostRankError:
        sys.exit(1)
