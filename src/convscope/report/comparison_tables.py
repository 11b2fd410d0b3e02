"""The tables of a comparison: all kinds, what was left out, and how far each goes with distorted images."""

from collections.abc import Sequence

from convscope.core.markup import Html, scrolling, tag
from convscope.core.text import counted, duration, percent, printable, shortened
from convscope.measures.comparison.limits import PARTS, SIDES, KindLimit, limit_text, limits_of
from convscope.measures.comparison.records import Comparison, Entry
from convscope.measures.comparison.robustness import GROUPS, kept

_HEAD: tuple[tuple[str, str], ...] = (
    ("kind", ""),
    ("accuracy", "with its 95 % interval"),
    ("parameters", "numbers that are learned"),
    ("MACs", "for one image"),
    ("seconds", "of learning, on this machine"),
)


def kinds_table(found: Comparison) -> Html:
    """Return one row a kind that was measured; it can be sorted by every column."""
    groups = [group for group in GROUPS if any(kept(entry, group) for entry in found.measured)]
    head = [*_HEAD, *((group, "kept") for group in groups)]
    heading = tag(
        "tr", *(tag("th", name, tag("small", hint) if hint else "", scope="col", data_sort="") for name, hint in head)
    )
    rows = [_kind_row(entry, place, found, groups) for place, entry in enumerate(found.measured)]
    table = tag("table", tag("thead", heading), tag("tbody", *rows), class_="sortable")
    return scrolling(table, "All kinds")


def _kind_row(entry: Entry, place: int, found: Comparison, groups: Sequence[str]) -> Html:
    low, high = entry.interval
    about = " ".join(part for part in (entry.sentence, entry.note) if part)
    name = tag(
        "th", entry.title, tag("small", about), tag("small", tag("code", shortened(entry.layout, 80))),
        scope="row", data_value=place, class_="kind",
    )  # fmt: skip
    interval = tag("small", f"{percent(low, found.test_images)} to {percent(high, found.test_images)}")
    cells = [
        tag("td", percent(entry.accuracy, found.test_images), interval, class_="number", data_value=entry.accuracy),
        _count(entry.parameters),
        _count(entry.macs),
        tag("td", duration(entry.seconds, exact=True), class_="number", data_value=entry.seconds),
    ]
    for group in groups:
        share = kept(entry, group)
        value = "–" if share is None else f"{100 * share.value:.1f} %"
        around = "" if share is None else tag("small", f"± {100 * share.half:.1f}")
        cells.append(tag("td", value, around, class_="number", data_value=-1 if share is None else share.value))
    return tag("tr", name, *cells)


def _count(number: int | None) -> Html:
    return tag("td", "–" if number is None else f"{number:,}", class_="number", data_value=number or 0)


def left_out_list(found: Comparison) -> Html:
    """Return what was not measured, and why; nothing where all was."""
    absent = [entry for entry in found.entries if not entry.measured]
    rows = [
        tag("li", tag("strong", entry.title), ": ", shortened(printable(entry.why_not or "not done yet."), 600))
        for entry in absent
    ]
    if not rows:
        return tag("p", "Every kind that was asked for was measured.", class_="quiet")
    return tag("div", tag("h3", "Left out"), tag("ul", *rows))


def limits_table(found: Comparison) -> Html:
    """Return how strong each distortion may be before a kind falls below parts of its undistorted accuracy."""
    columns = [(name, sign) for name, sign in SIDES if name in dict(found.distortions)]
    head = tag("tr", tag("th", "kind", scope="col"), *(tag("th", SIDES[name], scope="col") for name in columns))
    rows = []
    for entry in found.measured:
        limits = limits_of(entry)
        if limits:
            cells = (tag("td", *_limit_lines(limits, *column), class_="number") for column in columns)
            rows.append(tag("tr", tag("th", entry.title, scope="row", class_="kind"), *cells))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="limits")
    return scrolling(table, "How far")


def _limit_lines(limits: Sequence[KindLimit], distortion: str, sign: int) -> list[Html]:
    mine = {one.part: one for one in limits if (one.distortion, one.sign) == (distortion, sign)}
    return [tag("small", f"{part:.0%}: {limit_text(mine[part])}") for part in PARTS if part in mine]


def facts_list(found: Comparison) -> Html:
    """Return what the comparison was made on, in short."""
    facts = [
        ("training images", f"{found.training_images:,}"),
        (f"{found.part} images", f"{found.test_images:,}"),
        ("of these distorted, too", f"{found.disturbed_images:,}"),
        ("each training", _each(found)),
        ("trainings of a kind", f"{found.seeds:,}"),
        ("all of it took", duration(found.seconds, exact=True)),
    ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")


def _each(found: Comparison) -> str:
    return counted(int(found.amount), "epoch") if found.budget == "epochs" else f"{found.amount:g} s"
