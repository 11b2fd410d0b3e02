"""``report.html``: the results of a run as one file that needs neither a server nor a network."""

import shlex
from collections.abc import Callable

import numpy as np

from convscope.core.document import document, program, static
from convscope.core.markup import Html, joined, named, tag
from convscope.core.text import counted, duration, large, percent, printable, shortened
from convscope.training.history import EpochRecord
from convscope.training.report import Report

from .confusion import anchor, matrix, pairs_table, shown_classes
from .curves import curves
from .gallery import gallery, labels_section, sections
from .plots import DotRow, PlottedValue, dots
from .result import FILES, LABELS, result
from .tables import classes_table, epochs_table, problems_table, settings_table, steps_table

_PACKAGE = "convscope.report"
MOST_NOTES = 100
_NOT_TRAINED_ON = "Training did not use them."
_SPLITS = {
    "validation": _NOT_TRAINED_ON,
    "test": _NOT_TRAINED_ON,
    "training": "The network was trained on these images: expect less on others.",
}


def render_report(
    report: Report, history: tuple[EpochRecord, ...], thumbnails: Callable[[int], np.ndarray] | None
) -> str:
    """Return the page of a run as one HTML text of at most about 5 MB.

    It holds everything it needs: its Content-Security-Policy forbids every connection. Names of files and classes are
    shown, never interpreted.

    Args:
        report: of the run.
        history: its epochs; none when training ended before the first was whole.
        thumbnails: gives the image of an index, uint8 H W or H W C; None for a page without images.

    Raises:
        DataError: `thumbnails` gives something that is no image.
    """
    shown = shown_classes(report)
    cells = sections(report, shown)
    names = {anchor(cell) for cell in cells}
    parts = (
        ("result", "Result", joined(result(report, history, names), _use(report))),
        ("classes", "Classes", classes_table(report, names)),
        (
            "confusion",
            "Confusion",
            tag("div", matrix(report, shown, names), pairs_table(report, names), class_="beside"),
        ),
        *([(LABELS, "Labels that look wrong", labels_section(report, thumbnails))] if report.wrong_labels else []),
        ("images", "Images", gallery(report, cells, shown, thumbnails)),
        ("learning", "Learning", joined(_learning(history), curves(history), epochs_table(history))),
        ("network", "Network", _network(report)),
        *([("by-layer", "Accuracy by layer", _by_layer(report))] if report.by_layer else []),
        ("settings", "Settings", _settings(report)),
        (FILES, "Files", _files(report)),
    )
    body = joined(
        _head(report),
        tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in parts), aria_label="Parts of this page"),
        tag("main", *(tag("section", tag("h2", title), content, id=name) for name, title, content in parts), id="main"),
        tag("footer", "Made by convscope. This file holds everything that it shows and opens no connection."),
    )
    title = shortened(printable(report.name), 80)
    return document(
        title=joined(f"{title}: {percent(report.accuracy.fraction, report.images)} correct"),
        style=static(_PACKAGE, "report.css"),
        script=program(_PACKAGE, "report.js"),
        body=body,
        skip=("To the results", "#main"),
    )


def _head(report: Report) -> Html:
    low, high = (percent(end, report.images) for end in report.accuracy.interval)
    wrong = report.images - report.correct
    evaluated = counted(report.images, f"{shortened(printable(report.split), 40)} image")
    counts = f" of {evaluated}: {report.correct:,} correct, {wrong:,} wrong. {_SPLITS.get(report.split, '')}"
    expected = f"For new images of the same kind, expect {low} to {high} (95 % confidence, Wilson’s interval)."
    if not wrong:
        expected = f"All are correct. For new images of the same kind, expect {low} or more (95 % confidence)."
    if not report.is_held_out:  # what was learned by heart promises nothing
        expected = "No image was set aside to measure the accuracy on."
    return tag(
        "header",
        tag(
            "h1",
            named(report.name, 120),
            f": report on a network of {counted(len(report.classes), 'class', 'classes')}",
        ),
        tag("p", tag("strong", percent(report.accuracy.fraction, report.images)), counts, class_="headline"),
        tag("p", expected),
        _facts(report),
    )


def _facts(report: Report) -> Html:
    facts = [("classes", f"{len(report.classes):,}")]
    if report.layers:
        facts.append(("parameters", large(sum(layer.parameters for layer in report.layers))))
        facts.append(("MACs an image", large(sum(layer.macs for layer in report.layers))))
    facts.append(("training time", duration(report.seconds, exact=True)))
    facts.append(("files left out", f"{report.left_out:,}"))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")


def _use(report: Report) -> Html:
    if not report.model:
        return joined()
    return tag(
        "div",
        tag("h3", "Use this model"),
        tag("p", "Classes and probabilities for a folder of images, into a table:"),
        _command(f"convscope predict {shlex.quote(report.model)} my-images/ --csv answers.csv"),
        class_="use",
    )


def _command(text: str) -> Html:
    return tag("pre", tag("code", shortened(printable(text), 5_000)), class_="command", tabindex=0)


def _notes(report: Report) -> Html:
    notes = [tag("li", shortened(printable(note), 1_000)) for note in report.notes[:MOST_NOTES]]
    return joined(tag("h3", "Choices"), tag("ul", *notes, class_="notes")) if notes else joined()


def _learning(history: tuple[EpochRecord, ...]) -> Html:
    if not history:
        return joined()
    last = history[-1]
    text = (
        f"{counted(last.epoch, 'epoch')} in {duration(last.seconds, exact=True)}. Training accuracy is measured on "
        "augmented, perhaps smaller images while the weights change; validation accuracy after each epoch, on "
        "unchanged images. So validation accuracy may be the higher one."
    )
    return tag("p", text)


def _network(report: Report) -> Html:
    if not report.layout and not report.layers:
        return tag("p", "The layout of the network is not recorded.")
    parts = []
    if report.layout:
        parts += [tag("p", "The whole network as one line, to copy and change (--layout):"), _command(report.layout)]
    if report.layers:
        text = (
            "The receptive field is the box of pixels that one value of the output depends on. MACs are counted for "
            "one image."
        )
        parts += [tag("p", text), steps_table(report.layers, report.sides)]
    return joined(*parts)


def _by_layer(report: Report) -> Html:
    rows = [
        DotRow(
            name=layer,
            value=PlottedValue(at=0, value=accuracy.fraction, low=accuracy.interval[0], high=accuracy.interval[1]),
            marked=layer == report.cut,
        )
        for layer, accuracy in report.by_layer.items()
    ]
    images = counted(next(iter(report.by_layer.values())).total, "training image")
    said = (
        f"A linear classifier on the features of each layer of the start, from the image on, cross-validated on "
        f"{images}: how well its features separate the classes. {shortened(report.cut, 100)} is used."
    )
    chart = dots(rows, label="accuracy (%), with 95 % intervals", text=percent, tick=percent, said=said)
    return joined(tag("p", said), chart)


def _settings(report: Report) -> Html:
    parts = (
        [settings_table(report.settings, "Settings")] if report.settings else [tag("p", "No settings are recorded.")]
    )
    if report.command:
        parts += [tag("h3", "Train it again"), _command(report.command)]
    where: dict[str, object] = {}
    if report.finished:
        where["finished"] = report.finished
    if report.machine:
        where["processor"] = report.machine.processor
        where["cores"] = report.machine.cores
        where["system"] = report.machine.system
    where |= {f"{name} version": version for name, version in report.versions.items()}
    return joined(
        _notes(report), *parts, tag("h3", "Machine and versions"), settings_table(where, "Machine and versions")
    )


def _files(report: Report) -> Html:
    usable = [problem for problem in report.problems if problem.usable and problem.kind != "wrong label"]
    if not usable and not report.unusable:
        return tag("p", "Every file was used; the inspection found nothing to report.")
    left_out = tag("p", f"{counted(report.left_out, 'file')} left out of training and of the figures above.")
    parts = [left_out, problems_table(report.unusable) if report.unusable else ""]
    if usable:
        parts += [tag("h3", "Noticed besides"), problems_table(usable)]
    return joined(*parts)
