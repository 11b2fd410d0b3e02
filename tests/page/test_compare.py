"""The page of a comparison shows its figures, opens no connection, and takes names for nothing but names."""

from itertools import pairwise

import pytest

from convscope.measures.comparison.differences import relative_accuracy
from convscope.page.compare import render_comparison
from tests.measures.comparison.made_up import comparison, growing, variant
from tests.page.test_report_page import HOSTILE, Page, scrolling


def whole(**changes: object) -> str:
    return render_comparison(
        comparison(
            variant("convolution", 0.9, 0.91),
            variant("mlp-parameters", 0.8, 0.79, robustness=0.4),
            variant("no-pooling-mean", 0.85, 0.84),
            variant("first-random", 0.88, 0.89),
            variant("pixels-softmax", 0.7, 0.71),
            variant("locally-connected", skipped="It would have too many parameters."),
            growing("by-hand-svm", 0.4),
            **changes,
        )
    )


def test_every_figure_is_on_the_page() -> None:
    text = " ".join(part for parts in Page(whole()).texts.values() for part in parts)
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
    one = render_comparison(comparison(variant("convolution", 0.9), variant("locally-connected", 0.8)))
    other = render_comparison(comparison(variant("convolution", 0.8), variant("locally-connected", 0.9)))
    better, worse = (Page(page).texts for page in (one, other))
    assert "+10.0" in " ".join(text for texts in better.values() for text in texts)
    assert "-10.0" in " ".join(text for texts in worse.values() for text in texts)


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
