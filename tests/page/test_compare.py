"""The page of a comparison shows its figures, opens no connection, and takes names for nothing but names."""

import re
from itertools import pairwise

import pytest

from convscope.measures.comparison.differences import relative_accuracy
from convscope.measures.comparison.moved import moved
from convscope.measures.comparison.records import Comparison
from convscope.report.comparison_page import render_comparison
from tests.measures.comparison.made_up import comparison, growing, variant
from tests.page.test_report_page import HOSTILE, Page, scrolling


def made(**changes: object) -> Comparison:
    return comparison(
        variant("convolution", 0.9, 0.91),
        variant("mlp-parameters", 0.8, 0.79, robustness=0.4),
        variant("no-pooling-mean", 0.85, 0.84),
        variant("first-random", 0.88, 0.89),
        variant("pixels-softmax", 0.7, 0.71),
        variant("locally-connected", skipped="It would have too many parameters."),
        growing("by-hand-svm", 0.4),
        **changes,
    )


def whole(**changes: object) -> str:
    return render_comparison(made(**changes))


def text_of(page: str) -> str:
    return " ".join(part for parts in Page(page).texts.values() for part in parts)


def test_every_figure_is_on_the_page() -> None:
    text = text_of(whole())
    robustness = relative_accuracy(variant("convolution", 0.9, 0.91), "shifted")
    assert robustness is not None
    figures = ("90.50 %", "1,000", "10,000", f"{100 * robustness.value:.1f} %", "8C3-MP2")
    for part in (*figures, "It would have too many parameters."):
        assert part in text
    for title in (
        "All variants",
        "Weight sharing",
        "Pooling",
        "Distorted images",
        "Limits of robustness",
        "Learning curves",
    ):
        assert title in text


def test_the_differences_on_the_page_follow_the_results() -> None:
    better, worse = (
        text_of(render_comparison(comparison(variant("convolution", first), variant("first-random", second))))
        for first, second in ((0.9, 0.8), (0.8, 0.9))
    )
    assert "+10.0" in better
    assert "-10.0" in worse


def test_the_result_is_said_at_the_head_and_in_the_sections_on_sharing_and_pooling() -> None:
    page = whole()
    result = moved(made())
    assert result is not None
    head, _, rest = page.partition("<main")
    assert result.sentence in head
    for name in ("sharing", "pooling"):
        section = rest.partition(f'id="{name}"')[2].partition("</section>")[0]
        assert result.sentence in section
        assert "not differ" not in section.partition("<svg")[0]


def test_a_chart_is_sorted_by_what_its_variants_are_for() -> None:
    pooled = [("pooling-mean", 0.5), ("stride", 0.3), ("pooling-subset", 0.7)]
    found = comparison(
        variant("convolution", 0.9), *(variant(name, 0.9 + robust / 100, robustness=robust) for name, robust in pooled)
    )
    section = render_comparison(found).partition('id="pooling"')[2].partition("</section>")[0]
    titles = re.findall(r'text-anchor="end">([^<%]+)</text>', section)
    assert [title[:16] for title in titles] == [
        "shared weights",
        "pooling (subset)",
        "pooling (mean)",
        "strided convolut",
    ]


def test_the_same_network_under_two_names_has_one_row_and_the_reason_for_the_other() -> None:
    same = variant("pooling-max", 0.9, note="The same network as shared weights.")
    page = render_comparison(comparison(variant("convolution", 0.9), same, variant("stride", 0.8)))
    assert page.count(">pooling (max)</th>") == 0
    assert "The same network as shared weights." in page
    assert "comparison of 2 variants" in page


def test_the_page_opens_no_connection_and_has_no_style_of_its_own() -> None:
    page = Page(whole())
    policies = [attrs["content"] for kind, attrs in page.elements if kind == "meta" and "http-equiv" in attrs]
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'")
    for _, attrs in page.elements:
        assert "style" not in attrs, "the policy forbids it"
        assert not any((attrs.get(name) or "").startswith(("http", "//")) for name in ("src", "href"))
        assert not any(name.startswith("on") for name in attrs)


def test_wide_tables_scroll_in_a_named_frame_that_takes_the_keyboard() -> None:
    names = [attrs["aria-label"] for attrs in scrolling(Page(whole()))]
    assert {"All variants", "Limits", "Curves", "Differences: sharing"} <= set(names)


def test_no_level_of_headings_is_left_out() -> None:
    levels = [int(kind[1]) for kind, _ in Page(whole()).elements if kind in ("h1", "h2", "h3", "h4")]
    assert all(below <= above + 1 for above, below in pairwise(levels)), levels


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_a_name(name: str) -> None:
    hostile = Page(whole(data=name, layout=name, processor=name))
    assert [kind for kind, _ in hostile.elements] == [kind for kind, _ in Page(whole()).elements]


def test_a_comparison_of_nothing_is_a_page_too() -> None:
    page = Page(render_comparison(comparison(variant("locally-connected", skipped="It is too large."))))
    assert "It is too large." in " ".join(part for parts in page.texts.values() for part in parts)
