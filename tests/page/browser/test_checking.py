"""The page of findings in a browser: gone through by keyboard; what it saves is what `--labels` reads."""

from pathlib import Path

import pytest

from convscope.images.decisions import Decision, read_decisions
from convscope.images.inspection import Problem
from convscope.report.check_page import render_check
from tests.page.test_check_page import finding, inspection_of, noise

from .opening import LIGHT_AND_DARK, LOOKS, PHONE, Open, Opened
from .test_looking import AXE, overflow, violations


def written(folder: Path, problems: list[Problem]) -> Path:
    path = folder / "check.html"
    path.write_text(render_check(inspection_of(problems), noise), encoding="utf-8")
    return path


def saved(opened: Opened, folder: Path) -> dict[str, Decision]:
    with opened.page.expect_download() as download:
        opened.page.keyboard.press("s")
    download.value.save_as(folder / "labels.csv")
    return read_decisions(folder / "labels.csv")


ODD = '=a,"b"\né.png'


@pytest.fixture
def problems() -> list[Problem]:
    return [
        finding(0),
        finding(1, name=ODD),
        finding(2, kind="near-duplicate", others=("b/9.png",), suggested=""),
        finding(3),
        finding(0, kind="blurred", suggested=""),
    ]


def test_every_decision_has_a_key_and_is_saved_as_it_is_read(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    opened = open_page(written(tmp_path, problems))
    for key in ("k", "o", "l", "3"):
        opened.page.keyboard.press(key)
    assert saved(opened, tmp_path) == {
        "a/00000.png": Decision(action="keep"),
        ODD: Decision(action="other class", label="b"),
        "a/00002.png": Decision(action="leave out"),
        "a/00003.png": Decision(action="other class", label="c"),
    }
    opened.page.keyboard.press("u")  # of the last finding, whose image the first one has, too
    assert "a/00000.png" not in saved(opened, tmp_path)
    opened.page.keyboard.press("ArrowUp")
    opened.page.keyboard.press("1")  # its own class: nothing to change
    assert saved(opened, tmp_path)["a/00003.png"] == Decision(action="keep")


def test_decisions_are_there_when_the_page_is_opened_again(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    opened = open_page(written(tmp_path, problems))
    opened.page.keyboard.press("l")
    opened.page.reload()
    assert opened.text("#list .decision") == "leave out"


def test_keys_can_be_turned_off_and_a_kind_shown_alone(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    opened = open_page(written(tmp_path, problems))
    opened.page.select_option("#kinds", "blurred")
    assert opened.page.locator("#list li:visible").count() == 1
    assert "blurred" in opened.text("#kind")
    opened.page.uncheck("#keys")
    opened.page.keyboard.press("l")
    assert opened.text("#progress").startswith("0 decided")


@pytest.mark.parametrize(("size", "dark"), LIGHT_AND_DARK, ids=LOOKS)
def test_the_page_fits_its_window_and_everybody_can_use_it(
    open_page: Open, tmp_path: Path, problems: list[Problem], size: tuple[int, int], *, dark: bool
) -> None:
    opened = open_page(written(tmp_path, problems), size=size, dark=dark)
    opened.shot(f"check-{'phone' if size == PHONE else 'desktop'}{'-dark' * dark}")
    assert overflow(opened) <= 0
    if AXE.is_file():
        assert violations(opened) == []


def test_thousands_of_findings_open_and_go_on(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(written(tmp_path, [finding(number) for number in range(2_000)]))
    for _ in range(20):
        opened.page.keyboard.press("l")
    assert opened.text("#progress") == "20 decided of 2000 images"
    assert opened.page.locator("#list img").count() < 200  # what is not seen has no image yet
