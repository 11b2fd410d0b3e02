"""What `explain` returns, and its files: a document, a table, and figures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from convscope.attribution.explanation import Explanation
from convscope.attribution.faithfulness_record import Faithfulness
from convscope.attribution.methods import facts, title_of, verdict
from convscope.attribution.nearest import NEAREST, TrainingFeatures
from convscope.core.atomic import check_folder, check_output, write_text
from convscope.core.progress import Reporter
from convscope.core.records import UNRECORDED, json_text
from convscope.core.tables import DataTable
from convscope.core.text import printable

from .kept_inputs import keep_inputs

_DOCUMENT, _TABLE, _CURVES = "explain.json", "explain.csv", "faithfulness.png"
Unusable = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExplainResult:
    """What was explained.

    Attributes:
        explanations: one an image that can be read, in order.
        faithfulness: how far the methods can be trusted; None where it was not measured.
        skipped: methods that were left out, each with the reason, in one sentence.
        unusable: names of images that cannot be read, and why.
        folder: where files were written, if anywhere.
    """

    explanations: tuple[Explanation, ...]
    faithfulness: Faithfulness | None = None
    skipped: tuple[str, ...] = ()
    unusable: Unusable = ()
    folder: Path | None = field(default=None, metadata={UNRECORDED: True})


def check_folder_for(folder: Path, *, models: Sequence[Any], data: Sequence[Any], force: bool) -> Path:
    """Return the folder, checked before anything is computed.

    Raises:
        StorageError: it cannot be written, or has explanations and `force` is not given.
    """
    keep_inputs((folder / name for name in (_DOCUMENT, _TABLE, _CURVES)), models=models, data=data)
    check_folder(folder)
    if folder.is_dir():
        for name in (_DOCUMENT, _TABLE, _CURVES):
            check_output(folder / name, force=force)
    return folder


def write_explanations(
    result: ExplainResult, folder: Path, training: TrainingFeatures | None, classes: tuple[str, ...], told: Reporter
) -> None:
    """Write all files into `folder`, which is made where it is not there."""
    from convscope.figures.attribution import draw_explanation, draw_faithfulness
    from convscope.figures.letters import boxes_sentence
    from convscope.figures.style import save, theme_named

    folder.mkdir(parents=True, exist_ok=True)
    theme = theme_named("light")
    boxes: set[str] = set()
    with told.task("drawing", len(result.explanations), "figures") as task:
        for number, one in enumerate(result.explanations, start=1):
            thumbnails = [] if training is None else [_image(training, near.image) for near in one.nearest]
            drawn = draw_explanation(one, thumbnails, classes, faithfulness=result.faithfulness, theme=theme)
            boxes.update(save(drawn, folder / figure_name(number, one.name)))
            task.advance()
        if result.faithfulness is not None:
            save(draw_faithfulness(result.faithfulness, theme=theme), folder / _CURVES)
    write_text(folder / _TABLE, explanation_table(result).csv())
    write_text(folder / _DOCUMENT, json_text(result, indent=1) + "\n")
    if boxes:
        told.say(boxes_sentence(tuple(sorted(boxes)), str(folder)))


def explanation_table(result: ExplainResult) -> DataTable:
    """Return a row for each image and method, in words."""
    rows = [row for one in result.explanations for row in _rows(one, result)]
    return DataTable.of(["image", "class", "probability", "method", "says", "faithfulness"], rows)


def _rows(one: Explanation, result: ExplainResult) -> list[list[str]]:
    start = [one.name, printable(one.label), f"{one.probability:.4f}"]
    measured = result.faithfulness
    said = [(item.method, facts(one, item)) for item in one.attributions]
    if one.nearest:
        names = ", ".join(f"{near.name} ({near.distance:.3g})" for near in one.nearest)
        said.append((NEAREST, names))
    return [[*start, title_of(name), text, verdict(measured, name) if measured else ""] for name, text in said]


def _image(training: TrainingFeatures, index: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(training.dataset.images[index])


def figure_name(number: int, name: str) -> str:
    """Return the name of the file of a figure, with what of the name of its image can be in one."""
    stem = re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.")[:60] or "image"
    return f"{number:03d}-{stem}.png"
