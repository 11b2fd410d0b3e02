"""``compare.html``: one file that shows what a comparison found, each table and curve with what it says in words."""

from collections.abc import Sequence

from convscope.core.document import document, static
from convscope.core.markup import Html, joined, named, scrolling, tag
from convscope.core.text import counted, percent, printable, shortened
from convscope.measures.comparison.curves import curves_by_images, curves_by_strength, not_drawn
from convscope.measures.comparison.findings import budget_words, findings
from convscope.measures.comparison.growth import PowerLaw, fit_power_law, points_of
from convscope.measures.comparison.kinds import BASE, KINDS, Group
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import GROUPS, TITLES, UNITS

from .comparison_tables import facts_list, kinds_table, left_out_list, limits_table
from .plots import Line, Row, Value, dots, lines

_PACKAGE = "convscope.report"
_SAID_OF = {name: group for group, names in GROUPS.items() for name in names}


def render_comparison(found: Comparison) -> str:
    """Return the page of a comparison as one HTML text that opens no connection.

    Every sentence on it that says what was found is made from the figures.
    """
    said: dict[str, str] = {one.topic: one.text for one in findings(found)}
    parts = [
        ("kinds", "All kinds", joined(_said(said, "best"), kinds_table(found), left_out_list(found))),
        ("sharing", "Shared weights", _group(found, ("sharing",), said, "sharing")),
        ("pooling", "Pooling", _group(found, ("pooling",), said, "pooling")),
        ("first", "The first stage", _group(found, ("first stage",), said, "first stage")),
        ("by-hand", "Without learned features", _group(found, ("by hand", "pixels"), said, "by hand")),
        ("distorted", "Distorted images", _distorted(found, said)),
        ("limits", "How far", _limits(found, said)),
        ("images", "How many images", _images(found, said)),
        ("how", "How it was measured", _how(found)),
    ]
    shown = [(name, title, content) for name, title, content in parts if content]
    body = joined(
        tag("a", "To the figures", class_="skip", href="#main"),
        _head(found),
        tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in shown), aria_label="Parts of this page"),
        tag("main", *(tag("section", tag("h2", title), content, id=name) for name, title, content in shown), id="main"),
        tag("footer", "Made by convscope. This file holds everything that it shows and opens no connection."),
    )
    return document(
        title=joined(f"{shortened(printable(found.data), 80)}: why it works"),
        style=static(_PACKAGE, "report.css") + static(_PACKAGE, "comparison.css"),
        script=static(_PACKAGE, "report.js"),
        body=body,
    )


def _head(found: Comparison) -> Html:
    text = (
        f"{counted(len(found.measured), 'kind')} of networks and classifiers learned from the same "
        f"{counted(found.training_images, 'image')} of {found.width}x{found.height} pixels, with "
        f"{budget_words(found)}, and were evaluated on the same {counted(found.test_images, 'image')}."
    )
    return tag(
        "header",
        tag("h1", named(found.data, 120), ": why it works"),
        tag("p", text),
        facts_list(found),
        tag("p", "The convolutional network that all others are made after:"),
        tag("pre", tag("code", shortened(found.layout, 1_000)), class_="command", tabindex=0),
    )


def _said(said: dict[str, str], topic: str) -> Html:
    """Return what the figures say of a topic; nothing where they say nothing."""
    return tag("p", said[topic], class_="said") if topic in said else joined()


def _group(found: Comparison, groups: Sequence[Group], said: dict[str, str], topic: str) -> Html:
    """Return the kinds of some groups beside the convolutional network, as dots with whiskers."""
    entries = [
        entry
        for entry in found.measured
        if entry.kind == BASE or (entry.kind in KINDS and KINDS[entry.kind].group in groups)
    ]
    if len(entries) < 2:
        return joined()
    rows = [Row(name=entry.title, value=_value(entry), marked=entry.kind == BASE) for entry in entries]
    chart = dots(rows, label="right (%), with 95 % intervals", text=_percent, tick=_tick, said=said.get(topic, ""))
    return joined(_said(said, topic), chart)


def _value(entry: Entry) -> Value:
    low, high = entry.interval
    return Value(at=0, value=entry.accuracy, low=low, high=high)


def _percent(value: float) -> str:
    return percent(value, 1_000 if value > 0.985 else None)


def _tick(value: float) -> str:
    return f"{100 * value:.6g} %"


def _distorted(found: Comparison, said: dict[str, str]) -> Html:
    entries = curves_by_strength(found)
    if not entries:
        return joined()
    charts, told = [], []
    for name, unit in found.distortions:
        drawn = [Line(name=entry.title, points=_by_strength(entry, name)) for entry in entries]
        across = f"strength ({UNITS.get(unit, unit)})"
        charts.append(
            lines(drawn, title=TITLES.get(name, name), across=across, label="right (%)", text=_percent, tick=_tick)
        )
        told.append(_SAID_OF.get(name, name))
    sentences = joined(*(_said(said, topic) for topic in dict.fromkeys(told)))
    note = (
        f"Accuracy on {counted(found.disturbed_images, 'image')}, distorted. What leaves an image is lost, and "
        "its background comes in. To keep is to be right as often as undistorted: the mean over all strengths."
    ) + not_drawn(len(entries), len(found.measured), "in the table of limits below")
    return joined(tag("p", note), sentences, tag("div", *charts, class_="charts three"))


def _by_strength(entry: Entry, distortion: str) -> tuple[Value, ...]:
    return tuple(
        Value(at=one.value, value=one.accuracy, low=one.interval[0], high=one.interval[1])
        for one in entry.points(distortion)
    )


def _limits(found: Comparison, said: dict[str, str]) -> Html:
    if not found.distortions:
        return joined()
    note = (
        "How strong a distortion may be before accuracy falls below 95 %, 90 % and 50 % of what it is undistorted; "
        "between measured strengths by a straight line."
    )
    return joined(_said(said, "limits"), tag("p", note), limits_table(found))


def _images(found: Comparison, said: dict[str, str]) -> Html:
    entries = [entry for entry in found.measured if entry.curve]
    if not entries:
        return joined()
    chosen = curves_by_images(found)
    drawn = [_growing(entry, found.test_images) for entry in chosen]
    chart = lines(
        drawn,
        title="Accuracy by number of training images",
        across="training images",
        label="right (%), 95 % intervals",
        text=_percent,
        tick=_tick,
        logarithmic=True,
    )
    note = (
        "Beyond all images, finely dotted: a power law through the errors, with the range in which a new measurement "
        "would be 95 of 100 times, if the law goes on."
    ) + not_drawn(len(chosen), len(entries), "among the numbers below")
    others = tag("details", tag("summary", "The numbers of every curve"), _curve_table(entries))
    return joined(_said(said, "images"), tag("div", chart, class_="wide"), tag("p", note, class_="quiet"), others)


def _growing(entry: Entry, evaluated: int) -> Line:
    points = points_of(entry)
    law = fit_power_law(points, test_images=evaluated)
    return Line(
        name=entry.title,
        points=tuple(
            Value(at=one.images, value=one.accuracy, low=one.interval[0], high=one.interval[1]) for one in points
        ),
        beyond=() if law is None or not law.falls else (_twice(law),),
    )


def _twice(law: PowerLaw) -> Value:
    return Value(at=2 * law.images, value=1 - law.at_twice, low=1 - law.at_twice_high, high=1 - law.at_twice_low)


def _curve_table(entries: Sequence[Entry]) -> Html:
    names = ("kind", "training images", "accuracy", "95 % interval")
    rows = []
    for entry in entries:
        for one in points_of(entry):
            low, high = one.interval
            cells = (f"{one.images:,}", percent(one.accuracy, 1_000), f"{percent(low)} to {percent(high)}")
            rows.append(tag("tr", tag("td", entry.title), *(tag("td", cell, class_="number") for cell in cells)))
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return scrolling(table, "Curves")


def _how(found: Comparison) -> Html:
    notes = [
        "Intervals of accuracy are those of the mean over seeds (Student's t); where there is one training, Wilson's, "
        "which does not tell how another training would have ended.",
        "Differences are paired: the same images, the same seeds; their intervals take in both, as far as there are "
        "several trainings.",
        f"All networks had {budget_words(found)} and one recipe; hand-made features with their classifier learn to "
        "their end.",
        "Training images are not changed, but for the kinds called distorted, so that what is kept on distorted "
        "images is owed to the network and not to what it was shown.",
        f"Measured with convscope {found.library_version} on {counted(found.cores, 'core')} of "
        f"{printable(found.processor)}.",
    ]
    return tag("ul", *(tag("li", note) for note in notes))
