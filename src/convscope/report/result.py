"""The first section of a report: what is recognized, what is confused with what, and what to do next."""

from collections.abc import Collection, Sequence

from convscope.core.markup import Html, joined, named, tag
from convscope.core.text import counted, percent
from convscope.training.class_metrics import ClassMetrics
from convscope.training.history import EpochRecord
from convscope.training.report import Report

from .confusion import anchor, frequent_pairs

MOST = 3
LABELS, FILES = "labels", "files"
"""Parts of the page that steps lead to."""
_GAP = 0.05  # between training and validation accuracy
_FALLS = 0.98  # of the loss before: still falling
_OF_MISTAKES = 0.2


def result(report: Report, history: Sequence[EpochRecord], sections: Collection[str]) -> Html:
    """Return the three lists; the pairs that are confused lead to their images, in `sections`."""
    return tag(
        "div",
        _list("Recognized best", _best(report)),
        _list("Confused most", _confused(report, sections)),
        _list("What to do next", next_steps(report, history)),
        class_="beside",
    )


def next_steps(report: Report, history: Sequence[EpochRecord]) -> list[Html]:
    """Return what to do next, the most useful first, each in a sentence."""
    steps = (
        _wrong_labels(report),
        _weak_classes(report),
        _one_mistake(report),
        _overfitting(history),
        _still_falling(history),
        _left_out(report),
    )
    return [joined(step) for step in steps if step]


def _list(title: str, items: Sequence[Html]) -> Html:
    return tag("div", tag("h3", title), tag("ul", *(tag("li", item) for item in items))) if items else joined()


def _ranked(report: Report) -> list[ClassMetrics]:
    """Return the classes with images, the best recall first."""
    return sorted((one for one in report.classes if one.recall is not None), key=lambda one: -(one.recall or 0))


def _best(report: Report) -> list[Html]:
    return [
        joined(named(one.name, 60), f": {one.correct:,} of {counted(one.support, 'image')} ({percent(one.recall)})")
        for one in _ranked(report)[:MOST]
        if one.correct and (one.recall or 0) >= report.accuracy.fraction
    ]


def _confused(report: Report, sections: Collection[str]) -> list[Html]:
    items = []
    for cell in frequent_pairs(report)[:MOST]:
        truth, predicted = (report.classes[index] for index in (cell.truth, cell.predicted))
        text = joined(named(truth.name, 60), " predicted as ", named(predicted.name, 60))
        link = tag("a", text, href=f"#{anchor(cell)}") if anchor(cell) in sections else text
        items.append(joined(link, f": {cell.count:,} of {counted(truth.support, 'image')}"))
    return items


def _wrong_labels(report: Report) -> Html | None:
    """Labels that look wrong."""
    count = len(report.wrong_labels)
    if not count:
        return None
    link = tag("a", f"{counted(count, 'label')} that look{'s' * (count == 1)} wrong", href=f"#{LABELS}")
    return joined("Look at the ", link, ".")


def _weak_classes(report: Report) -> str | None:
    """Classes that are significantly worse than all images together."""
    weak = [
        one
        for one in reversed(_ranked(report))
        if one.recall_interval and one.recall_interval[1] < report.accuracy.fraction
    ]
    if not weak:
        return None
    names = ", ".join(f"{one.name[:60]} ({percent(one.recall)})" for one in weak[:MOST])
    return f"More images of {names}: significantly fewer are recognized than of all classes together."


def _one_mistake(report: Report) -> str | None:
    """One confusion that makes up a large fraction of all mistakes."""
    pairs, wrong = frequent_pairs(report), report.images - report.correct
    if len(report.classes) < 3 or not pairs or pairs[0].count < max(5, _OF_MISTAKES * wrong):
        return None
    truth, predicted = (report.classes[index].name[:60] for index in (pairs[0].truth, pairs[0].predicted))
    return (
        f"Look at the images of {truth} that are predicted as {predicted}: {pairs[0].count:,} of "
        f"{counted(wrong, 'mistake')}. Are the labels right, and can you tell them apart at this size?"
    )


def _overfitting(history: Sequence[EpochRecord]) -> str | None:
    """Accuracy that does not carry over from training to validation images."""
    last = history[-1] if history else None
    if last is None or last.validation_accuracy is None or last.accuracy - last.validation_accuracy < _GAP:
        return None
    return (
        "More images or stronger augmentation (--shift, --rotate, --scale): the network is correct on "
        f"{percent(last.accuracy)} of the training images, and on {percent(last.validation_accuracy)} of the others."
    )


def _still_falling(history: Sequence[EpochRecord]) -> str | None:
    """Validation loss that was still falling when training ended."""
    losses = [record.validation_loss for record in history if record.validation_loss is not None]
    if len(losses) < 2 or losses[-1] >= _FALLS * min(losses[:-1]):
        return None
    return f"Train longer (--epochs {2 * history[-1].epoch}): the validation loss was still falling at the end."


def _left_out(report: Report) -> Html | None:
    """Files that could not be used."""
    if not report.left_out:
        return None
    link = tag("a", counted(report.left_out, "file"), href=f"#{FILES}")
    return joined("Repair or remove ", link, " that could not be used.")
