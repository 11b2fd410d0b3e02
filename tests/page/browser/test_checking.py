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
    opened.page.keyboard.press("u")
    assert "a/00003.png" not in saved(opened, tmp_path)
    opened.page.keyboard.press("1")  # its own class: nothing to change
    assert saved(opened, tmp_path)["a/00003.png"] == Decision(action="keep")


def test_undo_takes_back_the_last_decision_says_which_and_shows_its_image(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    opened = open_page(written(tmp_path, problems))
    for key in ("k", "o", "ArrowUp", "l", "ArrowDown"):
        opened.page.keyboard.press(key)
    opened.page.select_option("#kinds", "blurred")
    opened.page.keyboard.press("u")
    assert opened.text("#said") == f"took back leave out, now → b: {' '.join(ODD.split())}"
    assert opened.text("#names") == " ".join(ODD.split())
    assert opened.page.locator("#list li:visible").count() == len(problems)
    opened.page.reload()
    opened.page.keyboard.press("u")
    assert opened.text("#said").startswith("took back → b: ")
    opened.page.keyboard.press("u")
    assert opened.text("#said") == "took back keep: a/00000.png"
    assert opened.text("#names") == "a/00000.png"
    assert opened.text("#progress").startswith("0 decided")
    opened.page.keyboard.press("u")
    assert opened.text("#said") == "nothing to take back"


def test_keys_work_after_a_class_was_picked_with_the_mouse_and_the_list_works_by_keyboard(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    opened = open_page(written(tmp_path, problems))
    opened.page.focus("#classes")
    opened.page.keyboard.press("c")  # goes to the class of this letter
    opened.page.keyboard.press("l")
    assert opened.text("#progress").startswith("0 decided")
    assert opened.page.input_value("#classes") == "c"
    opened.page.click("#classes")
    opened.page.keyboard.press("Escape")
    opened.page.select_option("#classes", "a")
    opened.page.select_option("#classes", "c")
    for key in ("o", "ArrowDown", "l"):
        opened.page.keyboard.press(key)
    assert [one.inner_text() for one in opened.page.locator("#list .decision").all()] == [
        "→ c",
        "",
        "leave out",
        "",
        "→ c",
    ]
    opened.page.locator("#kinds").focus()
    opened.page.focus("#classes")  # by keyboard again
    opened.page.keyboard.press("k")
    assert opened.text("#progress").startswith("2 decided")


def test_decisions_that_were_made_before_are_saved_with_the_new_ones(
    open_page: Open, tmp_path: Path, problems: list[Problem]
) -> None:
    before = {"-b/7.png": Decision(action="keep"), "c/8.png": Decision(action="other class", label='a "b",\nc')}
    path = tmp_path / "check.html"
    path.write_text(render_check(inspection_of(problems), noise, decisions=before), encoding="utf-8")
    opened = open_page(path)
    assert saved(opened, tmp_path) == before
    opened.page.keyboard.press("l")
    assert saved(opened, tmp_path) == before | {"a/00000.png": Decision(action="leave out")}


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
