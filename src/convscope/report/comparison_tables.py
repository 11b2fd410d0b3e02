"""The tables of a comparison: all variants, those that are skipped, differences, and limits of robustness."""

from collections.abc import Sequence

from convscope.core.markup import Html, scrolling, tag
from convscope.core.tables import DataTable
from convscope.core.text import duration, percent, printable, shortened
from convscope.measures.comparison.conclusions import baseline_difference, limit_text, points_text
from convscope.measures.comparison.differences import relative_accuracy
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.distortions.family import DISTORTIONS, GROUPS
from convscope.measures.robustness import FRACTIONS, Limit

_HEAD: tuple[tuple[str, str], ...] = (
    ("variant", ""),
    ("accuracy", "with its 95 % interval"),
    ("difference", "to the baseline, in points"),
    ("significant", ""),
    ("parameters", ""),
    ("MACs", "for one image"),
    ("seconds", "of training, on this machine"),
)


def variants_table(comparison: Comparison) -> Html:
    """Return one row for each measured variant, sortable by every column."""
    groups = [group for group in GROUPS if any(relative_accuracy(result, group) for result in comparison.measured)]
    head = [*_HEAD, *((group, "relative accuracy") for group in groups)]
    heading = tag(
        "tr", *(tag("th", name, tag("small", hint) if hint else "", scope="col", data_sort="") for name, hint in head)
    )
    rows = [_variant_row(result, index, comparison, groups) for index, result in enumerate(comparison.distinct)]
    table = tag("table", tag("thead", heading), tag("tbody", *rows), class_="sortable")
    return scrolling(table, "All variants")


def _variant_row(result: VariantResult, index: int, comparison: Comparison, groups: Sequence[str]) -> Html:
    low, high = (percent(end, comparison.test_images) for end in result.interval)
    about = " ".join(text for text in (result.description, result.note) if text)
    layout = tag("small", tag("code", shortened(result.layout, 80)))
    accuracy, interval = percent(result.accuracy, comparison.test_images), tag("small", f"{low} to {high}")
    cells = [
        tag("th", result.title, tag("small", about), layout, scope="row", data_value=index, class_="kind"),
        tag("td", accuracy, interval, class_="number", data_value=result.accuracy),
        *_difference_cells(comparison, result),
        _count(result.parameters),
        _count(result.macs),
        tag("td", duration(result.seconds, exact=True), class_="number", data_value=result.seconds),
        *(_robustness_cell(result, group) for group in groups),
    ]
    return tag("tr", *cells)


def _difference_cells(comparison: Comparison, result: VariantResult) -> list[Html]:
    difference = baseline_difference(comparison, result)
    if difference is None:
        return [tag("td", "–", class_="number", data_value=0), tag("td", "–", data_value=-1)]
    value, low, high = points_text(difference)
    return [
        tag("td", value, tag("small", f"{low} to {high}"), class_="number", data_value=difference.value),
        tag("td", "yes" if difference.significant else "no", data_value=int(difference.significant)),
    ]


def _robustness_cell(result: VariantResult, group: str) -> Html:
    relative = relative_accuracy(result, group)
    if relative is None:
        return tag("td", "–", class_="number", data_value=-1)
    interval = tag("small", f"± {100 * relative.half_width:.1f}")
    return tag("td", f"{100 * relative.value:.1f} %", interval, class_="number", data_value=relative.value)


def _count(number: int | None) -> Html:
    return tag("td", "–" if number is None else f"{number:,}", class_="number", data_value=number or 0)


def skipped_list(comparison: Comparison) -> Html:
    """Return the variants without a row, with the reason."""
    listed = {result.variant for result in comparison.distinct}
    left = [result for result in comparison.variants if result.variant not in listed]
    if not left:
        return tag("p", "All requested variants were measured.", class_="quiet")
    rows = [tag("li", tag("strong", result.title), ": ", shortened(printable(_why(result)), 600)) for result in left]
    return tag("div", tag("h3", "Without a row"), tag("ul", *rows))


def _why(result: VariantResult) -> str:
    return result.note if result.measured else result.skipped or "not run yet."


def table_html(table: DataTable, name: str) -> Html:
    """Return a table whose first column heads its rows."""
    head = tag("tr", *(tag("th", column, scope="col") for column in table.columns))
    first = "kind" if table.columns[0] == "variant" else None
    rows = [
        tag(
            "tr",
            tag("th", row[0], scope="row", class_=first),
            *(tag("td", cell, class_=_style(cell)) for cell in row[1:]),
        )
        for row in table.rows
    ]
    return scrolling(tag("table", tag("thead", head), tag("tbody", *rows)), name)


def _style(cell: str) -> str | None:
    if cell[-1:].isdigit() or cell.endswith("%"):
        return "number"
    return "long" if len(cell) > 4 else None


def limits_table(comparison: Comparison) -> Html:
    """Return the strengths at which each variant falls below fractions of its clean accuracy."""
    names = dict(comparison.distortions)
    columns = [
        (distortion.name, sign, distortion.way(sign))
        for distortion in DISTORTIONS.values()
        for sign in (-1, 1)
        if distortion.name in names and distortion.way(sign)
    ]
    head = tag("tr", tag("th", "variant", scope="col"), *(tag("th", text, scope="col") for *_, text in columns))
    rows = []
    for result in comparison.distinct:
        if limits := result.limits():
            cells = (tag("td", *_limit_lines(limits, name, sign), class_="number") for name, sign, _ in columns)
            rows.append(tag("tr", tag("th", result.title, scope="row", class_="kind"), *cells))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="limits")
    return scrolling(table, "Limits")


def _limit_lines(limits: Sequence[Limit], distortion: str, sign: int) -> list[Html]:
    own = {limit.fraction: limit for limit in limits if (limit.distortion, limit.sign) == (distortion, sign)}
    return [tag("small", f"{fraction:.0%}: {limit_text(own[fraction])}") for fraction in FRACTIONS if fraction in own]


def facts_list(comparison: Comparison) -> Html:
    """Return the conditions of the comparison, in short."""
    facts = [
        ("training images", f"{comparison.training_images:,}"),
        (f"{comparison.split} images", f"{comparison.test_images:,}"),
        ("of these also distorted", f"{comparison.distorted_images:,}"),
        ("each training", comparison.budget_text),
        ("runs of a variant", f"{comparison.seeds:,}"),
        ("total time", duration(comparison.seconds, exact=True)),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")
