"""The labels that look wrong, in the report of a run."""

from collections.abc import Callable

import numpy as np

from convscope.core.markup import Html, joined, named, tag
from convscope.core.text import counted
from convscope.training.report import Report

from .thumbnails import thumbnails

MOST_LABELS = 60
_FRAME_PX = 72


def labels_section(report: Report, image: Callable[[int], np.ndarray] | None) -> Html:
    """Return the labels that look wrong with small images, the most certain first; nothing where there are none."""
    found = [problem for problem in report.problems if problem.kind == "wrong label"]
    if not found:
        return joined()
    shown = found[:MOST_LABELS]
    small = thumbnails([problem.index for problem in shown if problem.index is not None], image) if image else {}
    figures = []
    for problem in shown:
        thumbnail = None if problem.index is None else small.get(problem.index)
        frame = joined()
        if thumbnail is not None:
            scale = _FRAME_PX / max(thumbnail.width, thumbnail.height)
            width, height = (max(1, round(side * scale)) for side in (thumbnail.width, thumbnail.height))
            frame = tag("img", src=thumbnail.uri, alt="", width=width, height=height)
        lines = (
            tag("span", named(problem.name, 60), class_="file"),
            tag("span", "labelled ", named(problem.label, 24), ", looks like ", named(problem.suggested, 24)),
            tag("span", f"score {problem.score or 0:.2f}"),
        )
        figures.append(tag("figure", tag("span", frame, class_="frame"), tag("figcaption", *lines)))
    more = f" The first {MOST_LABELS} are shown; report.json has all." if len(found) > MOST_LABELS else ""
    return joined(
        tag("h3", f"{counted(len(found), 'label')} look{'s' * (len(found) == 1)} wrong"),
        tag(
            "p",
            "Found by confident learning. The score is the fraction of such findings that were wrong where labels were "
            f"changed on purpose. convscope check --model lists more, on a page to decide on them.{more}",
        ),
        tag("div", *figures, class_="images"),
    )
