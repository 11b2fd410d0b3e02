"""``compare.html``: one file with the results of a comparison: tables, charts and conclusions."""

import functools
from collections.abc import Sequence

from convscope.core.document import document, program, static
from convscope.core.markup import Html, joined, named, tag
from convscope.core.tables import DataTable
from convscope.core.text import are, counted, percent, printable, shortened
from convscope.measures.comparison.conclusions import CLEAN, Contrast, conclusions, contrast_table, contrasts, telling
from convscope.measures.comparison.learning_curve import PowerLaw, fit_power_law, points_of
from convscope.measures.comparison.moved import SHIFTED, distance, moved, moved_accuracy, pixels_moved
from convscope.measures.comparison.records import Comparison, VariantResult
from convscope.measures.comparison.variants import BASELINE, VARIANTS, Group
from convscope.measures.distortions.family import title_of

from .comparison_tables import facts_list, limits_table, skipped_list, table_html, variants_table
from .plots import DotRow, Line, PlottedValue, dots, lines

_PACKAGE = "convscope.report"
_percent_text = functools.partial(percent, fine_ends=True)
_LABEL = "accuracy (%), with 95 % intervals"


def render_comparison(comparison: Comparison) -> str:
    """Return the page of a comparison as one HTML text that opens no connection.

    Every conclusion on it is made from the results.
    """
    texts = conclusions(comparison)
    parts = [
        ("sharing", "Weight sharing", _group(comparison, ("sharing",), "sharing", texts)),
        ("pooling", "Pooling", _group(comparison, ("pooling",), "pooling", texts)),
        ("first", "The first stage", _group(comparison, ("first stage",), "first stage", texts)),
        ("start", "From a trained network", _group(comparison, ("start",), "start", texts)),
        ("by-hand", "Without learned features", _group(comparison, ("by hand", "pixels"), "by hand", texts)),
        ("distorted", "Distorted images", _distorted(comparison)),
        ("limits", "Limits of robustness", _limits(comparison, texts)),
        ("images", "Learning curves", _images(comparison, texts)),
        (
            "variants",
            "All variants",
            joined(_said(texts, "best"), variants_table(comparison), skipped_list(comparison)),
        ),
        ("how", "Method", _method(comparison)),
    ]
    shown = [(name, title, content) for name, title, content in parts if content]
    body = joined(
        _head(comparison),
        tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in shown), aria_label="Sections"),
        tag("main", *(tag("section", tag("h2", title), content, id=name) for name, title, content in shown), id="main"),
        tag("footer", "Made by convscope. This file is complete and opens no connection."),
    )
    return document(
        title=joined(f"{shortened(printable(comparison.data), 80)}: comparison"),
        style=static(_PACKAGE, "report.css") + static(_PACKAGE, "comparison.css"),
        script=program(_PACKAGE, "report.js"),
        body=body,
        skip=("To the results", "#main"),
    )


def _head(comparison: Comparison) -> Html:
    text = (
        "Trained on the same "
        f"{counted(comparison.training_images, 'image')} of {comparison.width}x{comparison.height} pixels, with the "
        f"same budget ({comparison.budget_text}), and evaluated on the same "
        f"{counted(comparison.test_images, 'image')}."
    )
    return tag(
        "header",
        tag("h1", named(comparison.data, 120), f": comparison of {counted(len(comparison.distinct), 'variant')}"),
        _moved(comparison),
        tag("p", text),
        facts_list(comparison),
        tag("p", "The baseline:"),
        tag("pre", tag("code", shortened(comparison.layout, 1_000)), class_="command", tabindex=0),
    )


def _moved(comparison: Comparison) -> Html:
    """Return the result in one sentence with its chart; nothing where it was not measured."""
    result = moved(comparison)
    if result is None:
        return joined()
    rows = [
        DotRow(
            name=row.name,
            value=_value(0, row.accuracy, row.interval),
            clean=row.clean,
            marked=row is result.variants[0],
        )
        for row in result.variants
    ]
    about = (
        f"{counted(result.images, 'test image')}, moved left, right, up and down; {counted(result.seeds, 'training')} "
        f"of each variant. Rings: all {counted(comparison.test_images, 'test image')}, not moved."
    )
    return joined(
        tag("p", result.sentence, class_="result"),
        dots(rows, label=_LABEL, text=_percent_text, tick=_tick, said=result.sentence),
        tag("p", about, class_="quiet"),
    )


def _said(texts: dict[str, str], *topics: str) -> Html:
    """Return the conclusions on some topics, one paragraph; nothing without any."""
    text = " ".join(texts[topic] for topic in topics if topic in texts)
    return tag("p", text, class_="said") if text else joined()


def _differences(compared: Sequence[Contrast], name: str) -> Html:
    """Return the table of differences; nothing without one."""
    if not compared:
        return joined()
    note = "Relative accuracy: on distorted images, mean over all strengths, divided by the clean accuracy."
    relative = any(contrast.images != CLEAN for contrast in compared)
    return joined(table_html(contrast_table(compared), name), tag("p", note, class_="quiet") if relative else "")


def _group(comparison: Comparison, groups: Sequence[Group], topic: str, texts: dict[str, str]) -> Html:
    """Return the variants of some groups beside the baseline, in what they are for: chart, then differences."""
    results = _members(comparison, groups)
    if len(results) < 2:
        return joined()
    pixels, marked = pixels_moved(comparison), comparison.variant(BASELINE)
    shifted = any(SHIFTED in VARIANTS[result.variant].purposes for result in results)
    points = [moved_accuracy(result, pixels) if shifted else None for result in results]
    rows = [
        DotRow(
            name=result.title,
            value=_value(0, result.accuracy, result.interval)
            if point is None
            else _value(0, point.accuracy, point.interval),
            clean=None if point is None else result.accuracy,
            marked=marked is not None and result.runs == marked.runs,
        )
        for result, point in zip(results, points, strict=True)
    ]
    rows.sort(key=lambda row: -row.value.value)
    about = f"Dots: on images moved by {distance(pixels)}. Rings: on clean images." if any(points) else ""
    compared = [contrast for contrast in contrasts(comparison) if contrast.topic == topic]
    said = " ".join([*(contrast.text for contrast in telling(compared)), texts.get(topic, "")]).strip()
    chart = dots(rows, label=_LABEL, text=_percent_text, tick=_tick, said=said)
    return joined(
        _said(texts, *(["moved"] if shifted else []), topic),
        tag("p", about, class_="quiet") if about else "",
        chart,
        _differences(compared, f"Differences: {topic}"),
    )


def _members(comparison: Comparison, groups: Sequence[Group]) -> list[VariantResult]:
    """Return the measured variants of some groups, and the baseline unless one of them is the same network."""
    baseline = comparison.variant(BASELINE)
    members = [
        result
        for result in comparison.measured
        if result.variant in VARIANTS and VARIANTS[result.variant].group in groups
    ]
    if baseline is not None and not any(result.runs == baseline.runs for result in members):
        members.insert(0, baseline)
    return members


def _value(at: float, value: float, interval: tuple[float, float]) -> PlottedValue:
    return PlottedValue(at=at, value=value, low=interval[0], high=interval[1])


def _tick(value: float) -> str:
    return f"{100 * value:.6g} %"


def not_drawn(drawn: int, total: int) -> str:
    """Return a sentence on the variants without a curve, beginning with a space; empty if all have one.

    Examples:
        >>> not_drawn(4, 22), not_drawn(3, 3)
        (' 4 of 22 variants are drawn; the table has all.', '')
    """
    return f" {drawn} of {counted(total, 'variant')} {are(drawn)} drawn; the table has all." if drawn < total else ""


def _distorted(comparison: Comparison) -> Html:
    results = comparison.drawn("distorted")
    if not results:
        return joined()
    charts = []
    for name, unit in comparison.distortions:
        drawn = [
            Line(
                name=result.title,
                points=tuple(_value(point.strength, point.accuracy, point.interval) for point in result.points(name)),
            )
            for result in results
        ]
        charts.append(
            lines(
                drawn, title=title_of(name), across=f"strength ({unit})", label="accuracy (%)", text=_percent_text,
                tick=_tick,
            )
        )  # fmt: skip
    note = (
        f"Accuracy on {counted(comparison.distorted_images, 'distorted image')}. Background fills empty edges."
    ) + not_drawn(len(results), len(comparison.distinct))
    robustness = [contrast for contrast in contrasts(comparison) if contrast.topic == "distortions"]
    differences = _differences(robustness, "Differences in relative accuracy")
    return joined(tag("p", note), differences, tag("div", *charts, class_="charts three"))


def _limits(comparison: Comparison, texts: dict[str, str]) -> Html:
    if not comparison.distortions:
        return joined()
    note = (
        "The strength at which accuracy falls below 95 %, 90 % and 50 % of the clean accuracy, interpolated linearly "
        "between measured strengths."
    )
    return joined(_said(texts, "limits"), tag("p", note), limits_table(comparison))


def _images(comparison: Comparison, texts: dict[str, str]) -> Html:
    results = [result for result in comparison.distinct if result.curve]
    if not results:
        return joined()
    drawn = comparison.drawn("curve")
    chart = lines(
        [_curve(result, comparison) for result in drawn],
        title="Accuracy by number of training images",
        across="training images per class" if comparison.each else "training images",
        label="accuracy (%), 95 % intervals",
        text=_percent_text,
        tick=_tick,
        logarithmic=True,
    )
    note = (
        "Dotted: extrapolation by a power law of the error, with the 95 % prediction interval of a new measurement."
    ) + not_drawn(len(drawn), len(results))
    details = tag("details", tag("summary", "All values"), _curve_table(results, comparison))
    return joined(_said(texts, "images"), tag("div", chart, class_="wide"), tag("p", note, class_="quiet"), details)


def _curve(result: VariantResult, comparison: Comparison) -> Line:
    points, divisor = points_of(result), comparison.curve_divisor
    law = fit_power_law(points, test_images=comparison.test_images)
    return Line(
        name=result.title,
        points=tuple(_value(point.images / divisor, point.accuracy, point.interval) for point in points),
        beyond=() if law is None or not law.falls else (_twice(law, divisor),),
    )


def _twice(law: PowerLaw, divisor: int) -> PlottedValue:
    return _value(2 * law.images / divisor, 1 - law.at_twice, (1 - law.at_twice_high, 1 - law.at_twice_low))


def _curve_table(results: Sequence[VariantResult], comparison: Comparison) -> Html:
    rows = []
    for result in results:
        for point in points_of(result):
            images, (low, high) = point.images / comparison.curve_divisor, map(percent, point.interval)
            rows.append([result.title, f"{images:,.0f}", percent(point.accuracy, 1_000), f"{low} to {high}"])
    images_column = "training images per class" if comparison.each else "training images"
    columns = ["variant", images_column, "accuracy", "95 % interval"]
    return table_html(DataTable.of(columns, rows), "Curves")


def _method(comparison: Comparison) -> Html:
    notes = [
        "Intervals of accuracy are those of the mean over seeds (Student's t); of a single run, Wilson's, which "
        "excludes the variance between runs.",
        "Differences are paired by image and by seed; their intervals include both variances where there are several "
        "runs. A difference is significant if its 95 % interval excludes 0.",
        f"All networks share the budget ({comparison.budget_text}) and the recipe; classifiers on hand-made features "
        "train to convergence.",
        "Only the variants called distorted train on distorted images; the robustness of the others is due to the "
        "network alone.",
        f"Measured with convscope {comparison.library_version} on {counted(comparison.cores, 'core')} of "
        f"{printable(comparison.processor)}.",
    ]
    return tag("ul", *(tag("li", note) for note in notes))
