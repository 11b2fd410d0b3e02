"""Checkpoints: a training state on disk, written whole or not at all, restored to the same bits."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from convscope.core.atomic import write_bytes
from convscope.core.errors import ConvscopeError, DataError, ModelFileError
from convscope.core.records import from_json, json_text, strict_json
from convscope.networks.tensor_file import content_digest, read_tensors

from .history import EpochRecord
from .state import EpochSums, TrainingState

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class _StateNumbers:
    """The numbers of a training state, beside its tensors."""

    format_version: int
    run: str
    epoch: int
    batch: int
    step: int
    fraction: float
    per_step: float
    elapsed_s: float
    learning_rate: float
    loss: float
    correct: int
    seen: int
    seconds: float
    history: tuple[EpochRecord, ...]

    def __post_init__(self) -> None:
        """Validate the ranges."""
        for name in ("epoch", "batch", "step", "elapsed_s", "learning_rate", "correct", "seen", "seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise DataError(f"`{name}` must be 0 or more. Got {getattr(self, name)}.")
        for name in ("fraction", "per_step"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"`{name}` must be from 0 to 1. Got {getattr(self, name)}.")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The file of a training that can be resumed.

    Attributes:
        path: a .safetensors file.
        run: digest of the run's settings, so that a checkpoint is not put into another run.
    """

    path: Path
    run: str


def save_checkpoint(state: TrainingState, checkpoint: Checkpoint) -> None:
    """Write `state` to its file; an earlier file stays intact until the new one is whole and on the disk.

    Raises:
        StorageError: the folder cannot be written or the disk is full.
    """
    state.sums.settle()
    numbers = _StateNumbers(
        format_version=FORMAT_VERSION,
        run=checkpoint.run,
        epoch=state.epoch,
        batch=state.batch,
        step=state.step,
        fraction=state.clock.fraction,
        per_step=state.clock.per_step,
        elapsed_s=state.clock.elapsed_s,
        learning_rate=state.learning_rate,
        loss=state.sums.loss,
        correct=state.sums.correct,
        seen=state.sums.seen,
        seconds=state.sums.seconds,
        history=tuple(state.history),
    )
    tensors = {name: value.cpu().contiguous() for name, value in _tensors(state).items()}
    # by way of bytes, at the price of a copy: safetensors hides why a file could not be written (a full disk)
    text = json_text(numbers)
    write_bytes(checkpoint.path, save(tensors, metadata={_KEY: text, _DIGEST: content_digest(text, tensors)}))


def load_checkpoint(state: TrainingState, checkpoint: Checkpoint) -> None:
    """Put the checkpoint into `state`, which was begun with the same settings.

    Raises:
        ModelFileError: the file is damaged, foreign, of another run, or of a newer version.
    """
    path = checkpoint.path
    expected = {name: value.detach() for name, value in _tensors(state).items()}
    tensors, metadata = read_tensors(path)
    text = metadata.get(_KEY, "null")
    numbers = _read_numbers(text, path)
    if numbers.run != checkpoint.run:
        raise ModelFileError(f"{path} belongs to a run with other settings or other images. {_REMEDY}")
    shapes = {name: (value.shape, value.dtype) for name, value in tensors.items()}
    if shapes != {name: (value.shape, value.dtype) for name, value in expected.items()}:
        raise ModelFileError(f"{path} does not hold the tensors of this run. {_REMEDY}")
    if metadata.get(_DIGEST) != content_digest(text, tensors):
        raise ModelFileError(f"{path} is damaged: its contents are not what was written. {_REMEDY}")
    _put_back(state, numbers, tensors)


_KEY, _DIGEST = "convscope.checkpoint", "convscope.digest"
_REMEDY = "Start the training anew, without --resume."


def _read_numbers(text: str, path: Path) -> _StateNumbers:
    try:
        data = strict_json(text)
        version = data.get("format_version") if isinstance(data, dict) else None
        newer = isinstance(version, int) and version > FORMAT_VERSION  # such a file may hold fields that we do not know
        numbers = None if newer else from_json(_StateNumbers, data)
    except (ConvscopeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is no checkpoint of convscope, or a damaged one. {_REMEDY}") from error
    if numbers is None:
        raise ModelFileError(f"{path} was written by a newer convscope. Update with: pip install -U convscope")
    return numbers


def _tensors(state: TrainingState) -> dict[str, Tensor]:
    """Return everything that is tensors, by name: the state's own, not copies."""
    result = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    if state.mean:
        result |= {f"mean.{name}": value for name, value in state.mean.values.items()}
    return result | {f"optimizer.{name}": value for name, value in state.optimizer.tensors().items()}


def _put_back(state: TrainingState, numbers: _StateNumbers, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in _tensors(state).items():
            value.copy_(tensors[name])
    state.epoch, state.batch, state.step = numbers.epoch, numbers.batch, numbers.step
    state.learning_rate = numbers.learning_rate
    state.clock.go_on(fraction=numbers.fraction, per_step=numbers.per_step, before_s=numbers.elapsed_s)
    state.sums = EpochSums(loss=numbers.loss, correct=numbers.correct, seen=numbers.seen, seconds=numbers.seconds)
    state.history = list(numbers.history)
