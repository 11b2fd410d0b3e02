"""The page on desktop and phone, in light and dark: images of it are kept, and machines check what they can."""

from pathlib import Path
from typing import Any

import pytest

from .opening import LIGHT_AND_DARK, LOOKS, PHONE, TOOLS, Open, Opened

AXE = TOOLS / "axe-core" / "axe.min.js"


def overflow(opened: Opened) -> int:
    """Return by how many pixels the page is wider than its window."""
    found: int = opened.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


def scrolled_sideways(opened: Opened) -> list[str]:
    """Return the tables of which a part is seen only when they are scrolled sideways."""
    opened.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    opened.page.evaluate("document.querySelector('main')?.classList.add('whole')")  # what is not seen is laid out, too
    opened.page.wait_for_timeout(100)  # tables are laid out in the next frame
    found: list[str] = opened.page.evaluate(
        """[...document.querySelectorAll("[role=region]")]
          .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth)
          .map((one) => one.ariaLabel)"""
    )
    return found


def violations(opened: Opened) -> list[str]:
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = opened.page.evaluate("async () => (await axe.run(document)).violations")
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize(("size", "dark"), LIGHT_AND_DARK, ids=LOOKS)
def test_the_page_fits_its_window_and_axe_finds_no_violation(
    open_page: Open, digits: Path, size: tuple[int, int], dark: bool
) -> None:
    opened = open_page(digits, size=size, dark=dark).ready()
    name = f"{'phone' if size == PHONE else 'desktop'}-{'dark' if dark else 'light'}"
    opened.shot(name)
    assert overflow(opened) <= 0
    for details in opened.page.locator("details").all():
        details.evaluate("(one) => (one.open = true)")
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.settle()
    opened.shot(f"{name}-open")
    assert overflow(opened) <= 0
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci --prefix tools/page)")
    assert violations(opened) == []


@pytest.mark.parametrize("size", [PHONE, (640, 400)], ids=["phone", "zoomed"])
def test_no_table_is_scrolled_sideways(open_page: Open, digits: Path, size: tuple[int, int]) -> None:
    opened = open_page(digits, size=size).ready()
    assert scrolled_sideways(opened) == []
    opened = open_page(digits, size=size, place="lesson/12").ready()
    assert scrolled_sideways(opened) == []
    opened.page.set_viewport_size({"width": 1920, "height": 1080})
    assert scrolled_sideways(opened) == []
    assert opened.page.locator(".stacked").count() == 0


def test_it_prints(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=(794, 1123)).ready()
    opened.page.emulate_media(media="print")
    opened.until("document.documentElement.scrollWidth <= document.documentElement.clientWidth")  # in the next frame
    opened.shot("print")
