"""Ranks that torchrun has started, on one machine or several: sums go over the network, by gloo, or by NCCL on GPUs.

Rank 0 is the command that the user typed: it prepares, writes and reports. The others are told what it trains, read
the same images, and write nothing.
"""

import datetime
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from convscope.core.atomic import write_bytes
from convscope.core.devices import own_device
from convscope.core.records import from_json, json_text, strict_json

from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .ranks import LostRankError, SeveralRanks
from .recipe import Recipe
from .run_folder import RunRecord
from .state import TrainingState
from .training_data import TrainingData

_BETWEEN_LOOKS_S = 0.02
_PATIENCE = datetime.timedelta(days=7)  # rank 0 may read images for hours; a process that ends is noticed at once


def world_size() -> int:
    """Return the number of processes that torchrun has started, 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def own_rank() -> int:
    """Return the number of this process among those that torchrun has started, 0 without torchrun."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def is_restarted() -> bool:
    """Return whether torchrun starts the processes again, after one of them ended."""
    return world_size() > 1 and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


class TorchrunRanks(SeveralRanks):
    """The processes of torchrun, see `joined_group`."""

    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values of all ranks."""
        with _connected():
            torch.distributed.all_reduce(values)
        return values

    def from_first(self, *numbers: float) -> tuple[float, ...]:
        """Return the numbers that rank 0 has."""
        values = torch.tensor(numbers, dtype=torch.float64)
        with _connected():
            torch.distributed.broadcast(values, 0)
        return tuple(values.tolist())

    def bytes_from_first(self, data: bytes) -> bytes:
        """Return the bytes that rank 0 has; the others give none."""
        (length,) = self.from_first(len(data))
        values = torch.zeros(int(length), dtype=torch.uint8)
        if data:
            values = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        with _connected():
            torch.distributed.broadcast(values, 0)
        return values.numpy().tobytes()

    def begin(self, state: TrainingState, data: TrainingData, recipe: Recipe, seed: int) -> None:
        """Give all the state of rank 0."""
        del data, recipe, seed
        with tempfile.TemporaryDirectory(prefix="convscope-ranks-") as folder:
            checkpoint = Checkpoint(path=Path(folder) / "state.safetensors", run="")
            if self.rank == 0:
                save_checkpoint(state, checkpoint)
            found = self.bytes_from_first(checkpoint.path.read_bytes() if self.rank == 0 else b"")
            if self.rank > 0:
                write_bytes(checkpoint.path, found)
                load_checkpoint(state, checkpoint)


@contextmanager
def joined_group(record: RunRecord | None) -> Iterator[tuple[TorchrunRanks, RunRecord]]:
    """Give the ranks of torchrun while the block runs, and what rank 0 trains.

    Args:
        record: of rank 0, which has read the images, so that others find them in the cache; None for the others.

    Raises:
        LostRankError: another process has ended.
    """
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(own_device("cuda"))
    rank, count = own_rank(), world_size()
    with _connected():
        # torch does not list these two among its exports
        store, _, _ = next(torch.distributed.rendezvous("env://", timeout=_PATIENCE))  # type: ignore[attr-defined]
        word = _word_of_this_start(store, rank, count)
        store = torch.distributed.PrefixStore(word, store)  # type: ignore[attr-defined]
        torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=_PATIENCE)
    try:
        ranks = TorchrunRanks(rank, count)
        text = ranks.bytes_from_first(b"" if record is None else json_text(record).encode())
        record = from_json(RunRecord, strict_json(text))
        ranks.together = record.settings.batch_statistics == "all"
        yield ranks, record
    finally:
        torch.distributed.destroy_process_group()


def _word_of_this_start(store: Any, rank: int, count: int) -> str:
    """Return a word that the processes of this start agree on, and those of no earlier one know.

    The store of torchrun outlives the processes: what an earlier start wrote, such as the addresses of processes that
    have ended, is still there when they start again. Each process says a number of its own, to which rank 0 answers.
    """
    own = secrets.token_hex(8)
    if rank:
        store.set(f"number of {rank}", own)
        word: str = store.get(f"answer to {own}").decode()
        store.set(f"{word} heard by {rank}", "")
        return word
    waiting = set(range(1, count))
    while waiting:
        for other in waiting:
            store.set(f"answer to {store.get(f'number of {other}').decode()}", own)
        waiting = {other for other in waiting if not store.check([f"{own} heard by {other}"])}
        time.sleep(_BETWEEN_LOOKS_S)
    return own


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # what torch.distributed raises where a connection is closed
        raise LostRankError("Another process of the training has ended; torchrun says which.") from error
