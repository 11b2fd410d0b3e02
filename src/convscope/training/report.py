"""The report of a run: everything that its page shows, as one record that goes to ``report.json`` and back."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convscope.core.atomic import write_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import Machine
from convscope.core.records import from_json, json_text, strict_json, to_json
from convscope.core.statistics import wilson_interval
from convscope.core.text import counted
from convscope.images.inspection import Problem

from .class_metrics import Cell, ClassMetrics, Interval, class_metrics, confusion
from .layer_rows import LayerRow, layer_rows

__all__ = ["LayerRow", "Report", "installed_versions", "layer_rows", "make_report", "read_report", "write_report"]

CONFIDENCE = 0.95
LARGEST_FILE_BYTES = 1 << 30
_PACKAGES = ("convscope", "torch", "numpy", "pillow")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run came to.

    Attributes:
        name: of the set of images.
        split: which of its images were evaluated: ``validation``, ``test`` or ``training``.
        images: how many were evaluated; correct: how many of them were recognized.
        accuracy: correct / images; accuracy_interval: Wilson's, at 95 % confidence.
        classes: the scores of every class.
        cells: the cells of the confusion matrix that are not empty, with the images that are kept of each.
        layout: the network as one line; empty when unknown. layers: its layers.
        settings: what was asked for or chosen, by name: any JSON value.
        problems: what the inspection of the images found; left_out: how many images were not used.
        notes: sentences for the user.
        seconds: duration of training.
        finished: date and time, as text; may be empty.
        command: what was typed to train; may be empty.
        model: path of the model file, as the user would type it; may be empty.
        machine: where it ran; versions: of the packages that matter.
    """

    name: str
    split: str
    images: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    classes: tuple[ClassMetrics, ...]
    cells: tuple[Cell, ...]
    layout: str = ""
    layers: tuple[LayerRow, ...] = ()
    settings: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()
    seconds: float
    finished: str = ""
    command: str = ""
    model: str = ""
    machine: Machine | None = None
    versions: dict[str, str]

    @property
    def unusable(self) -> tuple[Problem, ...]:
        """The problems of the images that were left out, one each."""
        return tuple(problem for problem in self.problems if not problem.usable)

    def __post_init__(self) -> None:
        """Refuse counts that do not agree with each other."""
        count = sum(cell.count for cell in self.cells)
        correct = sum(cell.count for cell in self.cells if cell.correct)
        if (count, correct) != (self.images, self.correct):
            raise DataError(
                f"`cells` must count {counted(self.images, 'image')}, {self.correct} of them right. "
                f"Got {counted(count, 'image')}, {correct} of them right."
            )
        highest = max((max(cell.truth, cell.predicted) for cell in self.cells), default=-1)
        lowest = min((min(cell.truth, cell.predicted) for cell in self.cells), default=0)
        if lowest < 0 or highest >= len(self.classes):
            raise DataError(
                f"`cells` must name classes from 0 to {len(self.classes) - 1}. Got {lowest if lowest < 0 else highest}."
            )


def make_report(
    *,
    name: str,
    split: str,
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    image_names: Sequence[str],
    indices: npt.ArrayLike,
    classes: Sequence[str],
    settings: Mapping[str, Any],
    seconds: float,
    layout: str = "",
    layers: Sequence[LayerRow] = (),
    problems: Sequence[Problem] = (),
    left_out: int = 0,
    notes: Sequence[str] = (),
    finished: str = "",
    command: str = "",
    model: str = "",
    machine: Machine | None = None,
    versions: Mapping[str, str] | None = None,
) -> Report:
    """Return the report of a run from the probabilities of its network on the evaluated images.

    Args:
        name: of the set of images.
        split: which of its images are evaluated: ``validation``, ``test`` or ``training``.
        labels: true classes of the evaluated images, N whole numbers from 0.
        probabilities: of every class for each of them, N K, 0…1.
        image_names: N names, in the same order.
        indices: N places in the image set, in the same order; what `thumbnails` of the page is called with.
        classes: names of the K classes.
        settings: what was asked for or chosen, by name: JSON values and records.
        seconds: duration of training.
        layout: the network as one line.
        layers: of the network; `layer_rows` gives them.
        problems: what the inspection of the images found.
        left_out: how many images could not be used.
        notes: sentences for the user.
        finished: date and time, as text.
        command: what was typed to train.
        model: path of the model file, as the user would type it.
        machine: where it ran.
        versions: of packages; those of this installation when None.

    Raises:
        DataError: the arrays do not fit each other, or a value is out of range.
        ParameterError: a setting is no JSON value.

    Examples:
        >>> report = make_report(name="two", split="test", labels=[0, 1, 1], classes=("cat", "dog"), indices=[0, 1, 2],
        ...                      probabilities=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], image_names=("a", "b", "c"),
        ...                      settings={"epochs": 3}, seconds=1.5)
        >>> report.correct, report.images, [cell.images[0].name for cell in report.cells if not cell.correct]
        (2, 3, ['c'])
    """
    truth, scores, places = _checked(labels, probabilities, image_names, indices, classes)
    predicted = scores.argmax(1)
    correct = int((predicted == truth).sum())
    return Report(
        name=name,
        split=split,
        images=len(truth),
        correct=correct,
        accuracy=correct / len(truth),
        accuracy_interval=wilson_interval(correct, len(truth), CONFIDENCE),
        classes=class_metrics(truth, predicted, classes),
        cells=confusion(truth, scores, image_names, places),
        layout=layout,
        layers=tuple(layers),
        settings=_json_values(settings),
        problems=tuple(problems),
        left_out=left_out,
        notes=tuple(notes),
        seconds=float(seconds),
        finished=finished,
        command=command,
        model=model,
        machine=machine,
        versions=dict(installed_versions() if versions is None else versions),
    )


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def write_report(report: Report, path: Path) -> None:
    """Write `report` to `path` as JSON, atomically.

    Raises:
        StorageError: the file cannot be written.
    """
    write_text(path, json_text(report, indent=1) + "\n")


def read_report(path: Path) -> Report:
    """Return the report that `path` holds, equal to the one that was written.

    Raises:
        DataError: the file cannot be read or is no such report; the message names what is wrong.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise DataError(f"{path} must be a report. Got a file of more than 1 GiB.")
        value = strict_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} must be a report in JSON. Got something else ({error}).") from error
    try:
        return from_json(Report, value)
    except (DataError, ParameterError) as error:
        raise DataError(f"{path} is no report of this version: {error}") from error


def _json_values(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they come back from JSON."""
    try:
        values = json.loads(json.dumps(to_json(dict(settings)), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"`settings` must hold JSON values only. Got another ({error}). Give text, numbers, lists or records."
        ) from error
    return dict(values)


def _checked(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    names: Sequence[str],
    indices: npt.ArrayLike,
    classes: Sequence[str],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the arrays in their kinds, after checking that they belong together."""
    truth, scores, places = np.asarray(labels), np.asarray(probabilities, dtype=np.float32), np.asarray(indices)
    if truth.ndim != 1 or not len(truth):
        raise DataError(f"`labels` must be one list of at least one class. Got shape {truth.shape}.")
    if scores.shape != (len(truth), len(classes)):
        raise DataError(
            f"`probabilities` must have one line an image and one column a class, {(len(truth), len(classes))}. "
            f"Got shape {scores.shape}."
        )
    if places.shape != truth.shape or len(names) != len(truth):
        raise DataError(
            f"`image_names` and `indices` must have one entry an image, {len(truth)}. "
            f"Got {counted(len(names), 'name')} and indices of shape {places.shape}."
        )
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= len(classes):
        raise DataError(
            f"`labels` must be whole numbers from 0 to {len(classes) - 1}. Got {truth.dtype} from {truth.min()} to "
            f"{truth.max()}."
        )
    if not (np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1 + 1e-4):
        raise DataError(
            f"`probabilities` must be from 0 to 1. Got values from {scores.min()} to {scores.max()}. "
            "Apply softmax to the logits of the network first."
        )
    return truth.astype(np.int64), scores.clip(0, 1), places.astype(np.int64)
