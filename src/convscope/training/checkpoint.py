"""A training run on disk: written whole or not at all, put back to the same bits."""

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
from .state import Sums, TrainingState

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """The numbers of a training state; the tensors stand beside them."""

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
        """Refuse numbers that no training has come to."""
        for name in ("epoch", "batch", "step", "elapsed_s", "learning_rate", "correct", "seen", "seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise DataError(f"`{name}` must be 0 or more. Got {getattr(self, name)}.")
        for name in ("fraction", "per_step"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"`{name}` must be from 0 to 1. Got {getattr(self, name)}.")


def save_checkpoint(state: TrainingState, path: Path, *, run: str) -> None:
    """Write `state` to `path`; what stood there stays intact until the new file is whole and on the disk.

    Args:
        state: where training stands.
        path: a .safetensors file.
        run: digest of the run's settings, so that a checkpoint is not put into another run.

    Raises:
        StorageError: the folder cannot be written or the disk is full.
    """
    standing = _Standing(
        format_version=FORMAT_VERSION,
        run=run,
        epoch=state.epoch,
        batch=state.batch,
        step=state.step,
        fraction=state.pace.fraction,
        per_step=state.pace.per_step,
        elapsed_s=state.pace.elapsed_s,
        learning_rate=state.learning_rate,
        loss=state.sums.loss,
        correct=state.sums.correct,
        seen=state.sums.seen,
        seconds=state.sums.seconds,
        history=tuple(state.history),
    )
    tensors = {name: value.contiguous() for name, value in _tensors(state).items()}
    # by way of bytes, at the price of a copy: safetensors hides why a file could not be written (a full disk)
    text = json_text(standing)
    write_bytes(path, save(tensors, metadata={_KEY: text, _DIGEST: content_digest(text, tensors)}))


def load_checkpoint(state: TrainingState, path: Path, *, run: str) -> None:
    """Put the checkpoint at `path` into `state`, which was begun with the same settings.

    Raises:
        ModelFileError: the file is damaged, foreign, of another run, or of a newer version.
    """
    expected = {name: value.detach() for name, value in _tensors(state).items()}
    tensors, metadata = read_tensors(path)
    text = metadata.get(_KEY, "null")
    standing = _read_standing(text, path)
    if standing.run != run:
        raise ModelFileError(f"{path} belongs to a run with other settings or other images. {_REMEDY}")
    shapes = {name: (value.shape, value.dtype) for name, value in tensors.items()}
    if shapes != {name: (value.shape, value.dtype) for name, value in expected.items()}:
        raise ModelFileError(f"{path} does not hold the tensors of this run. {_REMEDY}")
    if metadata.get(_DIGEST) != content_digest(text, tensors):
        raise ModelFileError(f"{path} is damaged: its contents are not what was written. {_REMEDY}")
    _put_back(state, standing, tensors)


_KEY, _DIGEST = "convscope.checkpoint", "convscope.digest"
_REMEDY = "Start the training anew, without --resume."


def _read_standing(text: str, path: Path) -> _Standing:
    try:
        data = strict_json(text)
        version = data.get("format_version") if isinstance(data, dict) else None
        newer = isinstance(version, int) and version > FORMAT_VERSION  # such a file may hold fields that we do not know
        standing = None if newer else from_json(_Standing, data)
    except (ConvscopeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is no checkpoint of convscope, or a damaged one. {_REMEDY}") from error
    if standing is None:
        raise ModelFileError(f"{path} was written by a newer convscope. Update with: pip install -U convscope")
    return standing


def _tensors(state: TrainingState) -> dict[str, Tensor]:
    """Return everything that is tensors, by name: the state's own, not copies."""
    result = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    if state.mean:
        result |= {f"mean.{name}": value for name, value in state.mean.values.items()}
    return result | {f"optimizer.{name}": value for name, value in state.optimizer.tensors().items()}


def _put_back(state: TrainingState, standing: _Standing, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in _tensors(state).items():
            value.copy_(tensors[name])
    state.epoch, state.batch, state.step = standing.epoch, standing.batch, standing.step
    state.learning_rate = standing.learning_rate
    state.pace.go_on(fraction=standing.fraction, per_step=standing.per_step, before_s=standing.elapsed_s)
    state.sums = Sums(loss=standing.loss, correct=standing.correct, seen=standing.seen, seconds=standing.seconds)
    state.history = list(standing.history)
