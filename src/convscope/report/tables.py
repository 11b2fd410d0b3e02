"""The tables of the report: classes, epochs, layers, settings, files with problems."""

import collections
import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from convscope.core.markup import Html, joined, named, scrolling, tag
from convscope.core.text import are, duration, large, percent, printable, shortened
from convscope.images.inspection import PROBLEM_KINDS, Problem
from convscope.layers.planned import PlannedLayer
from convscope.training.class_metrics import Cell, ClassMetrics, Interval
from convscope.training.history import EpochRecord
from convscope.training.report import Report

from .confusion import anchor, main_mistakes, width_class

MOST_CLASSES, MOST_EPOCHS, MOST_PROBLEMS, MOST_SETTINGS, MOST_STEPS = 500, 500, 300, 200, 300
MOST_ROWS_OPEN = 30
_BAR_PX = 120


def classes_table(report: Report, sections: Collection[str]) -> Html:
    """Return the table of classes: all of them, or the worst when there are very many."""
    worst = sorted(range(len(report.classes)), key=lambda index: _order(report.classes[index]))[:MOST_CLASSES]
    mistaken = main_mistakes(report)
    rows = [_class_row(report, index, mistaken.get(index), sections) for index in sorted(worst)]
    head = (
        ("class", ""),
        ("images", "of this class"),
        ("recall", "fraction of its images predicted correctly; the bar is the 95 % interval"),
        ("precision", "fraction of its predictions that are correct"),
        ("F1", "harmonic mean of both"),
        ("most often predicted as", ""),
    )
    heading = tag(
        "tr", *(tag("th", name, tag("small", hint) if hint else "", scope="col", data_sort="") for name, hint in head)
    )
    table = tag("table", tag("thead", heading), tag("tbody", *rows), class_="sortable")
    region = _region(table, "Classes", len(rows))
    cut = len(report.classes) - len(worst)
    rest = f"the other {cut:,} {are(cut)} in report.json"
    note = f"The {len(worst)} classes with the lowest F1 are listed; {rest}."
    return joined(tag("p", note) if cut else "", region)


def epochs_table(history: Sequence[EpochRecord]) -> Html:
    """Return the numbers of every epoch, folded away; nothing when there is none."""
    if not history:
        return joined()
    names = ("epoch", "time", "learning rate", "loss", "accuracy", "validation loss", "validation accuracy", "images/s")
    rows = [_numbers(*_epoch(record)) for record in history[-MOST_EPOCHS:]]
    table = _table(names, rows)
    cut = f" (the last {MOST_EPOCHS} of {len(history):,})" if len(history) > MOST_EPOCHS else ""
    return tag("details", tag("summary", f"The numbers of every epoch{cut}"), table)


def steps_table(layers: Sequence[PlannedLayer], sides: tuple[int, int] | None) -> Html:
    """Return the table of layers with their sums; of receptive fields, the part within an image of these `sides`."""
    height, width = sides or (math.inf, math.inf)
    names = ("layer", "output (maps × height × width)", "receptive field (width × height)", "parameters", "MACs")
    rows = [
        tag(
            "tr",
            tag("td", tag("code", shortened(printable(layer.name), 60))),
            *_cells(
                " × ".join(f"{size:,}" for size in (layer.maps, layer.rows, layer.columns)),
                f"{min(layer.field_columns.size, width):,} × {min(layer.field_rows.size, height):,}",
                f"{layer.parameters:,}",
                f"{layer.macs:,}",
            ),
        )
        for layer in layers[:MOST_STEPS]
    ]
    sums = [sum(layer.parameters for layer in layers), sum(layer.macs for layer in layers)]
    total = tag("tr", tag("th", "total", scope="row"), *_cells("", "", *(large(value) for value in sums)))
    return _table(names, [*rows, total])


def settings_table(settings: Mapping[str, Any], title: str) -> Html:
    """Return the settings that have a value; those of a record that is a setting are named with a dot."""
    rows = [
        tag("tr", tag("th", named(name, 80), scope="row"), tag("td", shortened(printable(value), 500)))
        for name, value in _flat(settings)[:MOST_SETTINGS]
    ]
    return scrolling(tag("table", tag("tbody", *rows), class_="settings"), title)


def problems_table(problems: Sequence[Problem]) -> Html:
    """Return the number of problems of each kind, and the problem of each file."""
    counts = collections.Counter(problem.kind for problem in problems)
    kinds = tag("ul", *(tag("li", f"{PROBLEM_KINDS[kind][1]}: {number:,}") for kind, number in counts.most_common()))
    rows = [
        tag(
            "tr",
            tag("td", named(problem.name, 160), class_="long"),
            tag("td", problem.kind),
            tag("td", shortened(printable(problem.detail), 300), _others(problem.others), class_="long"),
        )
        for problem in problems[:MOST_PROBLEMS]
    ]
    cut = len(problems) - MOST_PROBLEMS
    more = tag("p", f"{cut:,} more in report.json.") if cut > 0 else ""
    return joined(kinds, _table(("file", "kind", "what was found"), rows), more)


def _others(names: Sequence[str]) -> Html:
    if not names:
        return joined()
    parts = [tag("li", named(name, 160)) for name in names[:5]]
    more = [tag("li", f"and {len(names) - 5:,} more")] if len(names) > 5 else []
    return tag("ul", *parts, *more)


def _order(score: ClassMetrics) -> float:
    return score.f1 if score.f1 is not None else 2.0


def _class_row(report: Report, index: int, mistaken: Cell | None, sections: Collection[str]) -> Html:
    score, least = report.classes[index], min(one.support for one in report.classes)
    most, style = joined(), None
    if mistaken:
        style = width_class(report.classes[mistaken.predicted].name)
        text = joined(named(report.classes[mistaken.predicted].name, 60, full=True), f" ({mistaken.count:,})")
        name = anchor(mistaken)
        most = tag("a", text, href=f"#{name}") if name in sections else text
    return tag(
        "tr",
        tag("th", named(score.name, 60, full=True), scope="row", data_value=index, class_=width_class(score.name)),
        tag("td", f"{score.support:,}", class_="number", data_value=score.support),
        _fraction(score.recall, score.recall_interval, least, bar=True),
        _fraction(score.precision, score.precision_interval, least),
        _fraction(score.f1, None, least),
        tag("td", most, data_value=mistaken.count if mistaken else 0, class_=style),
    )


def _fraction(value: float | None, interval: Interval | None, total: int, *, bar: bool = False) -> Html:
    hint = f"95 % interval: {percent(interval[0])} to {percent(interval[1])}" if interval else None
    drawing = _bar(value, interval) if bar and interval and value is not None else ""
    shown = tag("span", percent(value, total), title=hint)
    return tag("td", drawing, shown, class_="number", data_value=-1 if value is None else value)


def _bar(value: float, interval: Interval) -> Html:
    low, high = (round(end * _BAR_PX, 1) for end in interval)
    position = round(value * _BAR_PX, 1)
    return tag(
        "svg",
        tag("rect", x=0, y=6, width=_BAR_PX, height=2, class_="track"),
        tag("rect", x=low, y=3, width=max(1, round(high - low, 1)), height=8, class_="range"),
        tag("rect", x=max(0, position - 1.5), y=0, width=3, height=14, class_="value"),
        width=_BAR_PX,
        height=14,
        aria_hidden="true",
        class_="bar",
    )


def _epoch(record: EpochRecord) -> tuple[str, ...]:
    return (
        f"{record.epoch}",
        duration(record.seconds, exact=True),
        f"{record.learning_rate:.3g}",
        f"{record.loss:.4g}",
        f"{record.accuracy * 100:.2f} %",
        "–" if record.validation_loss is None else f"{record.validation_loss:.4g}",
        "–" if record.validation_accuracy is None else f"{record.validation_accuracy * 100:.2f} %",
        f"{record.images_per_second:,.0f}",
    )


def _flat(settings: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, str]]:
    rows = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value and depth < 3:
            rows += _flat(value, f"{prefix}{name}.", depth + 1)
        elif value not in (None, [], {}, ""):
            rows.append((f"{prefix}{name}", _plain(value)))
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cells(*values: str) -> tuple[Html, ...]:
    return tuple(tag("td", value, class_="number") for value in values)


def _numbers(*values: str) -> Html:
    return tag("tr", *_cells(*values))


def _table(names: Sequence[str], rows: Sequence[Html]) -> Html:
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return _region(table, names[0], len(rows))


def _region(table: Html, name: str, rows: int) -> Html:
    """Return a table in a frame of its own to scroll in: sideways, and where it is long also up and down."""
    return scrolling(table, name, tall=rows > MOST_ROWS_OPEN)
