"""Where the network looked, in a real browser: computed by a worker of its own, first unseen, then when it is seen."""

from pathlib import Path

import pytest

from .opening import DESKTOP, LIGHT_AND_DARK, LOOKS, Open, Opened

DONE = "document.querySelector('#where').getAttribute('aria-busy') === 'false'"


def _looked(opened: Opened) -> Opened:
    opened.ready()
    opened.page.locator("#where").scroll_into_view_if_needed()
    opened.until(DONE)
    return opened


def test_maps_and_neighbors_follow_the_class_that_is_asked_for(open_page: Open, digits: Path) -> None:
    opened = _looked(open_page(digits))
    figures = opened.page.locator("#where figure:not([hidden])")
    assert figures.locator("h3").all_inner_texts() == ["The image", "Occlusion", "Contributions", "Grad-CAM"]
    maps = [one.get_attribute("src") for one in figures.locator("img").all()]
    assert len(set(maps)) == 4
    assert all(str(one).startswith("data:image/bmp") for one in maps)
    contributions = "#where figure:nth-last-of-type(2) .caption"
    assert "= logit" in opened.text(contributions)
    assert opened.page.locator("#where .where-nearest li").count() == 8
    predicted, before = opened.text("#where [role=status]"), opened.text(contributions)
    other = "3" if not predicted.startswith("3:") else "4"
    opened.page.locator("#where select").select_option(label=other)
    opened.until(f"document.querySelector('#where [role=status]').textContent.startsWith('{other}:') && {DONE}")
    assert opened.text(contributions) != before


@pytest.mark.parametrize(("size", "dark"), LIGHT_AND_DARK, ids=LOOKS)
def test_it_fits_its_window(open_page: Open, digits: Path, size: tuple[int, int], *, dark: bool) -> None:
    opened = _looked(open_page(digits, size=size, dark=dark))
    wide = opened.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]
    opened.shot(f"where-{size[0]}-{'dark' if dark else 'light'}")


def test_a_link_leads_to_it_before_it_is_computed(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="where").ready()
    opened.until(DONE)
    top = opened.page.evaluate("document.querySelector('#where').getBoundingClientRect().top")
    assert 0 <= top < DESKTOP[1] / 2


def test_it_is_computed_unseen_and_stays_while_the_image_does(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.until(DONE)
    opened.page.locator("#glance .convolution .map").nth(3).click()
    opened.settle()
    assert opened.page.evaluate(DONE), "it is printed"
