"""The confusion matrix as a table whose cells lead to their images."""

from collections.abc import Collection, Sequence

from convscope.core.markup import Html, joined, named, scrolling, tag
from convscope.core.text import counted, percent
from convscope.training.class_metrics import Cell
from convscope.training.report import Report

MOST_CLASSES = 30
MOST_PAIRS = 20
LONG_NAME = 4
_SHADES = (0.02, 0.05, 0.1, 0.2, 0.4)


def anchor(cell: Cell) -> str:
    """Return the name of the section with the images of a cell."""
    return f"cell-{cell.truth}-{cell.predicted}"


def frequent_pairs(report: Report) -> tuple[Cell, ...]:
    """Return the cells of wrong predictions, the largest first."""
    wrong = [cell for cell in report.cells if not cell.correct]
    return tuple(sorted(wrong, key=lambda cell: (-cell.count, cell.truth, cell.predicted)))


def shown_classes(report: Report) -> tuple[int, ...]:
    """Return the indices of the classes in the matrix, in order: all, or those confused most often."""
    if len(report.classes) <= MOST_CLASSES:
        return tuple(range(len(report.classes)))
    chosen: dict[int, None] = {}
    for cell in frequent_pairs(report):
        for index in (cell.truth, cell.predicted):
            if len(chosen) < MOST_CLASSES:
                chosen[index] = None
    fullest = sorted(range(len(report.classes)), key=lambda index: -report.classes[index].support)
    for index in fullest:
        if len(chosen) < MOST_CLASSES:
            chosen[index] = None
    return tuple(sorted(chosen))


def matrix(report: Report, shown: Sequence[int], sections: Collection[str]) -> Html:
    """Return the matrix of the classes `shown`; cells whose anchor is among `sections` are links."""
    cells = {(cell.truth, cell.predicted): cell for cell in report.cells}
    partial = len(shown) < len(report.classes)
    top = [tag("th", "true ↓  predicted →", scope="col", class_="corner")]
    top += [_class_heading(report, index, "col") for index in shown]
    top += [tag("th", tag("span", "others"), scope="col", class_="across others")] if partial else []
    rows = []
    for truth in shown:
        row = [_class_heading(report, truth, "row")]
        row_cells = [cells.get((truth, predicted)) for predicted in shown]
        row += [_cell(report, cell, sections) if cell else tag("td") for cell in row_cells]
        if partial:
            rest = report.classes[truth].support - sum(cell.count for cell in row_cells if cell)
            row.append(tag("td", f"{rest:,}" if rest else "", class_="others"))
        rows.append(tag("tr", *row))
    upright = any(len(report.classes[index].name) > LONG_NAME for index in shown)
    style = "matrix upright" if upright else "matrix"
    table = tag("table", tag("thead", tag("tr", *top)), tag("tbody", *rows), class_=style)
    return joined(_introduction(report, partial), scrolling(table, "Confusion matrix"))


def main_mistakes(report: Report) -> dict[int, Cell]:
    """Return the most frequent confusion of every class that has one, by its index."""
    fullest: dict[int, Cell] = {}
    for cell in frequent_pairs(report):
        fullest.setdefault(cell.truth, cell)
    return fullest


def width_class(name: str) -> str | None:
    """Return the style of a table's cell that is wide enough to read a long name on a phone."""
    return "long" if len(name) > 2 * LONG_NAME else None


def _class_cell(name: str) -> Html:
    return tag("td", named(name, 60, full=True), class_=width_class(name))


def pairs_table(report: Report, sections: Collection[str]) -> Html:
    """Return the most frequent confusions as a table; nothing when no image was wrong."""
    pairs = frequent_pairs(report)
    if not pairs or len(report.classes) < 3:
        return joined()
    rows = [
        tag(
            "tr",
            _class_cell(report.classes[cell.truth].name),
            _class_cell(report.classes[cell.predicted].name),
            tag("td", _link(cell, f"{cell.count:,}", sections), class_="number"),
            tag("td", percent(cell.count / report.classes[cell.truth].support), class_="number"),
        )
        for cell in pairs[:MOST_PAIRS]
    ]
    names = ("true class", "predicted class", "images", "fraction of its class")
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    shown = f" ({MOST_PAIRS} of {len(pairs):,} pairs)" if len(pairs) > MOST_PAIRS else ""
    return tag("div", tag("h3", f"Most frequent confusions{shown}"), scrolling(table, "Most frequent confusions"))


def _introduction(report: Report, partial: bool) -> Html:
    text = (
        "Rows are true classes, columns are predicted classes; correct predictions are on the diagonal. The stronger "
        "the color of a cell, the larger its fraction of the row. Follow a number to its images."
    )
    if partial:
        text += (
            f" The matrix shows the {MOST_CLASSES} classes confused most often, of {len(report.classes):,}; the column "
            "“others” counts predictions of other classes. All cells are in report.json."
        )
    return tag("p", text)


def _class_heading(report: Report, index: int, scope: str) -> Html:
    name = report.classes[index].name
    return tag("th", tag("span", named(name, 40, full=True)), scope=scope, class_="across" if scope == "col" else None)


def _cell(report: Report, cell: Cell, sections: Collection[str]) -> Html:
    fraction = cell.count / report.classes[cell.truth].support
    shade = sum(fraction > bound for bound in _SHADES)
    style = f"{'right' if cell.correct else 'wrong'} shade-{shade}"
    truth, predicted = (named(report.classes[index].name, 40) for index in (cell.truth, cell.predicted))
    label = joined(tag("span", " of ", truth, " predicted as ", predicted, class_="spoken"))
    return tag("td", _link(cell, joined(f"{cell.count:,}", label), sections), class_=style, id=f"from-{anchor(cell)}")


def _link(cell: Cell, content: str, sections: Collection[str]) -> Html:
    return tag("a", content, href=f"#{anchor(cell)}") if anchor(cell) in sections else joined(content)


def cell_title(report: Report, cell: Cell) -> Html:
    """Return a cell in words, for the head of its section."""
    truth, predicted = (named(report.classes[index].name, 40, full=True) for index in (cell.truth, cell.predicted))
    number = counted(cell.count, "image")
    return (
        joined(truth, f", correct: {number}")
        if cell.correct
        else joined(truth, " predicted as ", predicted, f": {number}")
    )
