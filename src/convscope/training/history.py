"""The history of a training: one record per epoch, and the table ``history.csv``."""

import csv
import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convscope.core.atomic import write_text
from convscope.core.errors import DataError, ParameterError, TrainingError

if TYPE_CHECKING:  # a history is read without loading torch
    from .calibration import Calibration

Outcome = Literal["done", "target", "interrupted"]

LARGEST_FILE_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One epoch: every training image once.

    Attributes:
        epoch: its number, from 1.
        step: batches learned from since training began.
        seconds: time since training began, earlier parts of a resumed run included.
        images_per_second: training images a second in this epoch.
        learning_rate: at its last batch.
        loss: mean cross-entropy, in nats, on the training images as they were seen (distorted, weights moving).
        accuracy: fraction that was correct, 0…1, on the same images.
        validation_loss: mean cross-entropy, in nats, on the validation images after the epoch; None without any.
        validation_accuracy: fraction of the validation images that was correct, 0…1; None without any.
    """

    epoch: int
    step: int
    seconds: float
    images_per_second: float
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class History:
    """A training, epoch by epoch; the table holds the epochs only.

    Attributes:
        epochs: in the order of training.
        seconds: duration, earlier parts of a resumed training included.
        steps: number of steps of the whole training, of which fewer may have been taken.
        outcome: ``done``, ``target`` (accurate enough) or ``interrupted``.
        ended_resized: the last step saw smaller images (progressive resizing).
        calibration: how logits become probabilities, where that was fitted.
        failure: the error that ended training; the weights are those of the last finished epoch.
        notes: sentences for the user.
    """

    epochs: tuple[EpochRecord, ...] = ()
    seconds: float = 0.0
    steps: float = 0.0
    outcome: Outcome = "done"
    ended_resized: bool = False
    calibration: "Calibration | None" = None
    failure: TrainingError | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate the order of the epochs."""
        for before, after in zip(self.epochs, self.epochs[1:], strict=False):
            if after.step <= before.step or after.epoch < before.epoch:
                raise ParameterError(
                    "`epochs` must be in the order of training. "
                    f"Got epoch {after.epoch} (step {after.step}) after epoch {before.epoch} (step {before.step})."
                )

    def write(self, path: Path) -> None:
        """Write the table to `path` atomically: one line per epoch, exact numbers, nothing where there is no value.

        Raises:
            StorageError: the file cannot be written.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_COLUMNS)
        for record in self.epochs:
            table.writerow(_text(name, getattr(record, name)) for name in _COLUMNS)
        write_text(path, text.getvalue())


def read_history(path: Path) -> History:
    """Return the history that `path` holds, equal to the one that was written.

    Raises:
        DataError: the file is not such a table; the message names the line.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise DataError(f"{path} must be a history of epochs. Got a file of more than 1 GiB.")
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} must be a table in UTF-8. Got something else ({error}).") from error
    if not lines or tuple(lines[0]) != _COLUMNS:
        raise DataError(f"{path} must begin with the line {','.join(_COLUMNS)}. It does not: it is no history.")
    epochs = tuple(_epoch(line, f"{path}, line {number}") for number, line in enumerate(lines[1:], start=2))
    try:
        return History(epochs=epochs)
    except ParameterError as error:
        raise DataError(f"{path} is damaged: {error}") from error


_COLUMNS = tuple(field.name for field in dataclasses.fields(EpochRecord))
_COLUMN_TYPES = {"epoch": int, "step": int}
_OPTIONAL = ("validation_loss", "validation_accuracy")


def _text(name: str, value: float | None) -> str:
    return "" if value is None else repr(_COLUMN_TYPES.get(name, float)(value))  # the kind drops numpy's own types


def _epoch(line: list[str], where: str) -> EpochRecord:
    if len(line) != len(_COLUMNS):
        raise DataError(f"{where} must have {len(_COLUMNS)} values. Got {len(line)}.")
    values = {name: _value(name, text, where) for name, text in zip(_COLUMNS, line, strict=True)}
    return EpochRecord(**values)  # type: ignore[arg-type]  # each kind is checked in _value


def _value(name: str, text: str, where: str) -> float | None:
    if not text and name in _OPTIONAL:
        return None
    kind = _COLUMN_TYPES.get(name, float)
    try:
        return kind(text)
    except ValueError as error:
        expected = "a whole number" if kind is int else "a number"
        raise DataError(f"{where}: `{name}` must be {expected}. Got {text[:80]!r}.") from error
