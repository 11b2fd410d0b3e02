"""The report of a run and the page of a comparison fit their window, whatever names and tables they hold."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.page.test_compare import whole
from tests.page.test_report_page import page_of, report_of

from .opening import DESKTOP, LIGHT_AND_DARK, LOOKS, PHONE, Open
from .test_looking import AXE, overflow, scrolled_sideways, violations


def long_names() -> str:
    report = report_of(60)
    names = ("a name of a hundred and twenty characters " * 3, "x" * 120, "cat")
    classes = [dataclasses.replace(one, name=name) for one, name in zip(report.classes, names, strict=True)]
    return page_of(dataclasses.replace(report, classes=tuple(classes)))[0]


@pytest.mark.parametrize(("size", "dark"), [*LIGHT_AND_DARK, ((640, 400), False)], ids=[*LOOKS, "zoomed"])
@pytest.mark.parametrize(("name", "page"), [("report", long_names), ("compare", whole)])
def test_what_is_wide_fits_its_window(
    open_page: Open, tmp_path: Path, name: str, page: Callable[[], str], size: tuple[int, int], dark: bool
) -> None:
    path = tmp_path / f"{name}.html"
    path.write_text(page(), encoding="utf-8")
    opened = open_page(path, size=size, dark=dark)
    opened.shot(f"{name}-{'phone' if size == PHONE else 'desktop'}")
    assert overflow(opened) <= 0
    assert scrolled_sideways(opened) == []
    cells = opened.page.locator(".stacked td:not(:empty)")
    assert cells.count() == 0 if size == DESKTOP else cells.count() > 20
    assert all(cell.get_attribute("data-head") for cell in cells.all()[:20])
    assert opened.page.evaluate("document.querySelector('.matrix')?.offsetWidth ?? 0") < 358
    if AXE.is_file():
        assert violations(opened) == []
