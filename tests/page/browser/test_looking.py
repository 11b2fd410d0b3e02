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


def test_it_prints(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=(794, 1123)).ready()
    opened.page.emulate_media(media="print")
    opened.until("document.documentElement.scrollWidth <= document.documentElement.clientWidth")  # in the next frame
    opened.shot("print")
