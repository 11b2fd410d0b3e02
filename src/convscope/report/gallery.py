"""The images behind the confusion matrix, a section for every cell, and those whose labels look wrong."""

from collections.abc import Callable, Sequence

import numpy as np

from convscope.core.markup import Html, joined, named, tag
from convscope.core.text import counted, image_in_words, percent
from convscope.training.class_metrics import Answer, Cell
from convscope.training.report import Report

from .confusion import MOST_PAIRS, anchor, cell_title, frequent_pairs, main_mistakes
from .thumbnails import Thumbnail, thumbnails

MOST_THUMBNAILS, MOST_WRONG_THUMBNAILS = 600, 500
MOST_OF_WRONG_CELL, MOST_OF_CORRECT_CELL = 24, 6
MOST_LISTED, MOST_LISTED_OF_CELL = 1_200, 60
MOST_MISTAKES = 150
MOST_OF_NAME = 24  # characters of a class beside an image: the head above has more
FEW = 2  # cells with so few images stand side by side
MOST_LABELS = 60
_FRAME_PX = 72


def sections(report: Report, shown: Sequence[int]) -> tuple[Cell, ...]:
    """Return the cells that get a section: incorrect ones, the largest first, then correct ones by class.

    They are the cells of the matrix, the most frequent pairs, and the most frequent confusion of each class.
    """
    classes = set(shown)
    pairs = frequent_pairs(report)
    led_to = {anchor(cell) for cell in (*pairs[:MOST_PAIRS], *list(main_mistakes(report).values())[:MOST_MISTAKES])}
    wrong = [cell for cell in pairs if anchor(cell) in led_to or {cell.truth, cell.predicted} <= classes]
    return (*wrong, *(cell for cell in report.cells if cell.correct and cell.truth in classes))


def gallery(
    report: Report, cells: Sequence[Cell], shown: Sequence[int], image: Callable[[int], np.ndarray] | None
) -> Html:
    """Return the sections of `cells`, with small images as `image` gives them by index (without any when None).

    Each leads back to its cell in the matrix of the classes `shown`, where it has one.
    """
    wrong = _in_turn([cell for cell in cells if not cell.correct], MOST_LISTED_OF_CELL)[:MOST_LISTED]
    correct = _in_turn([cell for cell in cells if cell.correct], MOST_OF_CORRECT_CELL)
    small = thumbnails(_with_thumbnail(cells), image) if image else {}
    listed = {answer.index for answer in (*wrong, *correct[: MOST_LISTED - len(wrong)])}
    parts = [_section(report, cell, listed, small, set(shown)) for cell in cells]
    wrongs = sum(not cell.correct for cell in cells)
    heading = tag("h3", "Incorrect predictions, most confident first") if wrongs else joined()
    if not wrongs:
        heading = tag("p", "All predictions are correct.")
    summary = tag("summary", "Correct predictions, least confident first")
    return joined(
        heading,
        tag("div", *parts[:wrongs], class_="cells"),
        tag("details", summary, tag("div", *parts[wrongs:], class_="cells")),
    )


def _in_turn(cells: Sequence[Cell], most: int) -> list[Answer]:
    """Return the images of the cells, at most `most` of each: the first of every cell, then the second."""
    ranked = [
        (rank, index, answer) for index, cell in enumerate(cells) for rank, answer in enumerate(cell.images[:most])
    ]
    return [answer for _, _, answer in sorted(ranked, key=lambda entry: entry[:2])]


def _with_thumbnail(cells: Sequence[Cell]) -> list[int]:
    """Return the indices of images that are shown, incorrect predictions first."""
    wrong = _in_turn([cell for cell in cells if not cell.correct], MOST_OF_WRONG_CELL)[:MOST_WRONG_THUMBNAILS]
    correct = _in_turn([cell for cell in cells if cell.correct], MOST_OF_CORRECT_CELL)
    return [answer.index for answer in (wrong + correct)[:MOST_THUMBNAILS]]


def _section(report: Report, cell: Cell, listed: set[int], small: dict[int, Thumbnail], shown: set[int]) -> Html:
    answers = [answer for answer in cell.images if answer.index in listed]
    figures = tag("div", *(_figure(report, cell, answer, small) for answer in answers), class_="images")
    rest = cell.count - len(answers)
    more = f"{counted(rest, 'more image')} not shown here." if answers else "Not shown here: there are too many."
    named_in = " report.json names them." if rest and len(cell.images) == cell.count else ""
    named_in = named_in or (" report.json names some of them." if len(cell.images) > len(answers) else "")
    target = f"from-{anchor(cell)}" if {cell.truth, cell.predicted} <= shown else "confusion"
    back = tag("a", "↑ matrix", href=f"#{target}", class_="back")
    return tag(
        "section",
        tag("h4", cell_title(report, cell), " ", back),
        figures if answers else "",
        tag("p", more + named_in, class_="quiet") if rest else "",
        id=anchor(cell),
        class_=f"cell few-{len(answers)}" if len(answers) <= FEW else "cell",
    )


def _figure(report: Report, cell: Cell, answer: Answer, small: dict[int, Thumbnail]) -> Html:
    truth, predicted = (report.classes[index].name for index in (cell.truth, cell.predicted))
    lines = [tag("span", named(image_in_words(answer.name), 60), class_="file")]
    if cell.correct:
        lines.append(tag("span", "is ", named(truth, MOST_OF_NAME), f": {percent(answer.probability)}"))
    else:
        lines.append(tag("span", "predicted as ", named(predicted, MOST_OF_NAME), f": {percent(answer.probability)}"))
        lines.append(tag("span", "is ", named(truth, MOST_OF_NAME), f": {percent(answer.truth_probability)}"))
    return _captioned(small.get(answer.index), lines)


def _captioned(thumbnail: Thumbnail | None, lines: Sequence[Html]) -> Html:
    """Return a small image in its frame, which stays empty without one, above the lines."""
    image = joined()
    if thumbnail:
        largest = max(thumbnail.width, thumbnail.height)
        width, height = (max(1, round(side * _FRAME_PX / largest)) for side in (thumbnail.width, thumbnail.height))
        pixelated = "pixelated" if largest <= 40 else None
        image = tag("img", src=thumbnail.uri, alt="", width=width, height=height, class_=pixelated)
    return tag("figure", tag("span", image, class_="frame"), tag("figcaption", *lines))


def labels_section(report: Report, image: Callable[[int], np.ndarray] | None) -> Html:
    """Return the labels that look wrong with small images, the most certain first."""
    found = report.wrong_labels
    shown = found[:MOST_LABELS]
    small = thumbnails([problem.index for problem in shown if problem.index is not None], image) if image else {}
    figures = []
    for problem in shown:
        lines = (
            tag("span", named(problem.name, 60), class_="file"),
            tag("span", "labeled ", named(problem.label, 24), ", looks like ", named(problem.suggested, 24)),
            tag("span", f"score {problem.score or 0:.2f}"),
        )
        figures.append(_captioned(None if problem.index is None else small.get(problem.index), lines))
    more = f" The first {MOST_LABELS} are shown; report.json has all." if len(found) > MOST_LABELS else ""
    return joined(
        tag(
            "p",
            f"{counted(len(found), 'label')}, found by confident learning. The score is the fraction of such findings "
            "that were wrong where labels were changed on purpose. convscope check --model lists more, on a page to "
            f"decide on them.{more}",
        ),
        tag("div", *figures, class_="images"),
    )
