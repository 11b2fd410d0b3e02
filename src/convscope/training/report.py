"""The report of a run: all that its page shows, as one record, written to and read from ``report.json``."""

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from convscope.core.atomic import write_text
from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import Machine
from convscope.core.records import from_json, json_text, strict_json, to_json
from convscope.core.statistics import Proportion
from convscope.core.text import counted
from convscope.images.inspection import Problem
from convscope.images.sources.source import SPLITS_IN_WORDS, TRAIN
from convscope.layers.planned import PlannedLayer

from .class_metrics import Cell, ClassMetrics, class_metrics, confusion

if TYPE_CHECKING:
    from convscope.images.dataset import Dataset

LARGEST_FILE_BYTES = 1 << 30
_PACKAGES = ("convscope", "torch", "numpy", "pillow")


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A run beside its evaluation.

    Attributes:
        name: of the dataset.
        settings: options and choices by name: any JSON value.
        seconds: duration of training.
        layout: the network as one line; empty when unknown. layers: its layers.
        sides: height and width of its images; None when unknown.
        problems: of the images, from their inspection; left_out: how many images were not used.
        notes: sentences for the user.
        finished: date and time, as text; may be empty.
        command: the command line of the training; may be empty.
        model: path of the model file, as the user would type it; may be empty.
        machine: where it ran; versions: of the packages that matter, those of this installation by default.
        by_layer: accuracy of a linear classifier on each layer of a start, from the image on; cut: the layer used.
    """

    name: str
    settings: dict[str, Any]
    seconds: float
    layout: str = ""
    layers: tuple[PlannedLayer, ...] = ()
    sides: tuple[int, int] | None = None
    problems: tuple[Problem, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()
    finished: str = ""
    command: str = ""
    model: str = ""
    machine: Machine | None = None
    by_layer: dict[str, Proportion] = field(default_factory=dict)
    cut: str = ""
    versions: dict[str, str] = field(default_factory=installed_versions)


@dataclass(frozen=True, kw_only=True)
class Report(RunFacts):
    """A run and its evaluation.

    Attributes:
        split: which images were evaluated: ``validation``, ``test`` or ``training``.
        images: how many were evaluated; correct: how many of them were recognized.
        classes: the metrics of every class.
        cells: the cells of the confusion matrix that are not empty, with some images of each.
    """

    split: str
    images: int
    correct: int
    classes: tuple[ClassMetrics, ...]
    cells: tuple[Cell, ...]

    @property
    def is_held_out(self) -> bool:
        """Whether the network did not learn from these images: they tell how well it does on others."""
        return _is_held_out(self.split)

    @property
    def accuracy(self) -> Proportion:
        """Correct predictions of all."""
        return Proportion(correct=self.correct, total=self.images)

    @property
    def unusable(self) -> tuple[Problem, ...]:
        """The problems of the images that were left out, one each."""
        return tuple(problem for problem in self.problems if not problem.usable)

    @property
    def wrong_labels(self) -> tuple[Problem, ...]:
        """The labels that look wrong, the most certain first."""
        return tuple(problem for problem in self.problems if problem.kind == "wrong label")

    def __post_init__(self) -> None:
        """Validate that the counts agree with each other."""
        Proportion(correct=self.correct, total=self.images)
        count = sum(cell.count for cell in self.cells)
        correct = sum(cell.count for cell in self.cells if cell.correct)
        if (count, correct) != (self.images, self.correct):
            raise DataError(
                f"`cells` must count {counted(self.images, 'image')}, {self.correct} of them correct. "
                f"Got {counted(count, 'image')}, {correct} of them correct."
            )
        highest = max((max(cell.truth, cell.predicted) for cell in self.cells), default=-1)
        lowest = min((min(cell.truth, cell.predicted) for cell in self.cells), default=0)
        if lowest < 0 or highest >= len(self.classes):
            raise DataError(
                f"`cells` must name classes from 0 to {len(self.classes) - 1}. Got {lowest if lowest < 0 else highest}."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedImages:
    """The images of a split with the probabilities that a network gives them.

    Attributes:
        split: ``validation``, ``test`` or ``training``.
        labels: true classes, N whole numbers from 0.
        probabilities: of every class for each image, N K, 0…1.
        names: of the images, N.
        indices: in the dataset, N; the thumbnails of the page are looked up by them.
        classes: names of the K classes.

    Raises:
        DataError: the arrays do not fit each other, or a value is out of range.
    """

    split: str
    labels: npt.ArrayLike
    probabilities: npt.ArrayLike
    names: Sequence[str]
    indices: npt.ArrayLike
    classes: Sequence[str]

    @property
    def is_held_out(self) -> bool:
        """Whether the network did not learn from these images: they tell how well it does on others."""
        return _is_held_out(self.split)

    @staticmethod
    def of(images: "Dataset", indices: npt.NDArray[np.int64], probabilities: npt.ArrayLike) -> "EvaluatedImages":
        """Return the images at `indices`, which are of the split that evaluates the network."""
        return EvaluatedImages(
            split=SPLITS_IN_WORDS[images.evaluation_split],
            labels=images.labels[indices],
            probabilities=probabilities,
            names=[images.image_name(int(index)) for index in indices],
            indices=indices,
            classes=images.classes,
        )


def make_report(evaluated: EvaluatedImages, facts: RunFacts) -> Report:
    """Return the report of a run from the probabilities of its network on the evaluated images.

    Raises:
        DataError: the arrays do not fit each other, or a value is out of range.
        ParameterError: a setting is no JSON value.

    Examples:
        >>> evaluated = EvaluatedImages(split="test", labels=[0, 1, 1], names=("a", "b", "c"), indices=[0, 1, 2],
        ...                             probabilities=[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], classes=("cat", "dog"))
        >>> report = make_report(evaluated, RunFacts(name="two", settings={"epochs": 3}, seconds=1.5))
        >>> report.correct, report.images, [cell.images[0].name for cell in report.cells if not cell.correct]
        (2, 3, ['c'])
    """
    truth, probabilities, indices = _checked(evaluated)
    predicted = probabilities.argmax(1)
    correct = int((predicted == truth).sum())
    return Report(
        **vars(facts) | {"settings": _json_values(facts.settings)},
        split=evaluated.split,
        images=len(truth),
        correct=correct,
        classes=class_metrics(truth, predicted, evaluated.classes),
        cells=confusion(truth, probabilities, evaluated.names, indices),
    )


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


def _is_held_out(split: str) -> bool:
    return split != SPLITS_IN_WORDS[TRAIN]


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
    evaluated: EvaluatedImages,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return labels, probabilities and indices as arrays, after checking that they belong together."""
    names, classes = evaluated.names, evaluated.classes
    truth, indices = np.asarray(evaluated.labels), np.asarray(evaluated.indices)
    probabilities = np.asarray(evaluated.probabilities, dtype=np.float32)
    if truth.ndim != 1 or not len(truth):
        raise DataError(f"`labels` must be one list of at least one class. Got shape {truth.shape}.")
    if probabilities.shape != (len(truth), len(classes)):
        raise DataError(
            f"`probabilities` must have one line per image and one column per class, {(len(truth), len(classes))}. "
            f"Got shape {probabilities.shape}."
        )
    if indices.shape != truth.shape or len(names) != len(truth):
        raise DataError(
            f"`names` and `indices` must have one entry per image, {len(truth)}. "
            f"Got {counted(len(names), 'name')} and indices of shape {indices.shape}."
        )
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= len(classes):
        raise DataError(
            f"`labels` must be whole numbers from 0 to {len(classes) - 1}. Got {truth.dtype} from {truth.min()} to "
            f"{truth.max()}."
        )
    if not (np.isfinite(probabilities).all() and probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-4):
        raise DataError(
            f"`probabilities` must be from 0 to 1. Got values from {probabilities.min()} to {probabilities.max()}. "
            "Apply softmax to the logits of the network first."
        )
    return truth.astype(np.int64), probabilities.clip(0, 1), indices.astype(np.int64)
