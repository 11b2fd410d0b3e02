"""Decisions on single images, made while a dataset was checked: keep it, give it another class, leave it out."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convscope.core.errors import DataError, did_you_mean
from convscope.core.text import counted, printable

from .inspection import spell
from .sources.rows import csv_text

KEEP, OTHER_CLASS, LEAVE_OUT = "keep", "other class", "leave out"
ACTIONS = (KEEP, OTHER_CLASS, LEAVE_OUT)
COLUMNS = ("image", "decision", "class")
"""The columns of the CSV file; others are ignored."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is done with one image: one of ACTIONS, and its other class."""

    action: str
    label: str = ""


def read_decisions(file: Path) -> dict[str, Decision]:
    """Return the decisions in a CSV file by the name of the image.

    Raises:
        DataError: the file is damaged, a column is missing, or a row is bad; the message names its line.
    """
    text = csv_text(file)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    decisions: dict[str, Decision] = {}
    try:
        at = _columns(file, [cell.strip().lower() for cell in next(reader, [])])
        for line in reader:
            if not any(line):
                continue
            if len(line) <= max(at):
                raise _bad(file, f"{counted(len(line), 'column')} in line {reader.line_num}")
            name, action, label = (line[index].strip() for index in at)
            decision = Decision(action=action.lower(), label=label if action.lower() == OTHER_CLASS else "")
            if decision.action not in ACTIONS:
                known = ", ".join(ACTIONS)
                raise _bad(file, f"the decision {action!r} in line {reader.line_num}, which is none of {known}")
            if decision.action == OTHER_CLASS and not label:
                raise _bad(file, f"no class in line {reader.line_num}")
            if decisions.setdefault(name, decision) != decision:
                raise _bad(file, f"a second decision on {name!r} in line {reader.line_num}")
    except csv.Error as error:
        raise _bad(file, f"{error} near line {reader.line_num}") from None
    return decisions


def _columns(file: Path, names: Sequence[str]) -> list[int]:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise _bad(file, f"a first line without {' and '.join(missing)}")
    return [names.index(name) for name in COLUMNS]


def _bad(file: Path, found: str) -> DataError:
    return DataError(
        f"`labels` must be a CSV file with the columns {', '.join(COLUMNS)}, as the page of convscope check saves it. "
        f"Got {found} of {file}. Correct it."
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Corrected:
    """The labels of images after the decisions on them.

    Attributes:
        labels: N.
        used: whether an image is used, N.
        note: what was done, in words.
    """

    labels: NDArray[np.int64]
    used: NDArray[np.bool_]
    note: str


def corrected(
    file: Path, labels: NDArray[np.int64], classes: Sequence[str], image_name: Callable[[int], str]
) -> Corrected:
    """Return the labels of images with the decisions in `file` carried out.

    Raises:
        DataError: the file is damaged, names a class that there is not, or none of the images.
    """
    decisions = read_decisions(file)
    by_name = {spell(image_name(index)).strip(): index for index in range(len(labels))}
    numbers = {spell(name).strip(): number for number, name in enumerate(classes)}
    labels, used = labels.copy(), np.ones(len(labels), bool)
    found = {name: decision for name, decision in decisions.items() if name in by_name}
    if decisions and not found:
        raise DataError(
            f"`labels` must name images of the dataset. Got {counted(len(decisions), 'other')} in {file}, for example "
            f"{next(iter(decisions))!r}. Give the file that was saved while this dataset was checked."
        )
    for name, decision in found.items():
        if decision.action == OTHER_CLASS and decision.label not in numbers:
            raise DataError(
                f"`labels` must name classes of the dataset. Got {decision.label!r} for {name!r} in {file}."
                f"{did_you_mean(decision.label, numbers) or ' Correct it.'}"
            )
        if decision.action == OTHER_CLASS:
            labels[by_name[name]] = numbers[decision.label]
        used[by_name[name]] = decision.action != LEAVE_OUT
    moved = sum(decision.action == OTHER_CLASS for decision in found.values())
    out, unknown = int((~used).sum()), len(decisions) - len(found)
    note = f"{printable(str(file))}: {counted(moved, 'image')} of another class, {counted(out, 'image')} left out"
    more = f"; {counted(unknown, 'image')} in it not found" if unknown else ""
    return Corrected(labels=labels, used=used, note=note + more)
