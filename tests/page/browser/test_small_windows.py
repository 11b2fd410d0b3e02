"""On a phone and at 200 %: what a press does is seen where it is pressed, and no class is left out."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model

from .opening import PHONE, Open, Opened
from .test_first_minute import draw_one, seen
from .test_looking import overflow

SMALL = [PHONE, (640, 400)]
NAMES = ["phone", "200 %"]
INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 < 3 && value > 0);
}"""
BEST = """() => {
  const box = (one) => one.getBoundingClientRect();
  const bar = box(document.querySelector(".answer-bar"));
  const parts = (row) => [row, ...row.querySelectorAll(".class, .value")];
  const rows = [...document.querySelectorAll(".best li")].map(parts);
  const inside = rows.flat().every((one) => box(one).right <= bar.right + 1 && box(one).bottom <= bar.bottom + 1);
  const apart = rows.every(([row, , value], at) => at === 0 || box(row).left >= box(rows[at - 1][2]).right);
  const whole = rows.every(([row, , value]) => value.scrollWidth <= value.clientWidth + 1 || value.clientWidth === 0)
    && rows.every(([row, , value]) => box(value).right <= box(row).right + 1);
  const room = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
  return { count: rows.length, inside, apart, whole, fits: bar.height <= room + 1 };
}"""


def page_of(folder: Path, *, images: int, classes: tuple[str, ...]) -> Path:
    """Write the page of an untrained network."""
    layout = Layout.parse("2C3-MP2")
    network = Network(layout, height=8, width=8, channels=1, classes=len(classes), seed=0).eval()
    model = Model(network=network, classes=classes, preprocessing=Preprocessing(height=8, width=8, channels=1))
    pixels = np.random.default_rng(0).integers(0, 256, (images, 8, 8, 1), dtype=np.uint8)
    shown = [NamedImage(name=f"image {number}", pixels=one, truth=0) for number, one in enumerate(pixels)]
    path = folder / "look.html"
    path.write_text(render_look(explorer_data(model, shown)), encoding="ascii")
    return path


def move(opened: Opened) -> None:
    """Move the image by a pixel."""
    opened.page.evaluate("""() => {
      const slider = document.querySelector("#glance .slider input");
      slider.value = 1; slider.dispatchEvent(new Event("input", { bubbles: true }));
    }""")
    opened.until("document.querySelector('.answer-bar .value').textContent.includes(' → ')")
    opened.settle()


@pytest.mark.parametrize("size", SMALL, ids=NAMES)
def test_three_classes_of_long_names_are_seen_with_what_they_were_before(
    open_page: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    classes = tuple(f"a class whose name is very long, number {number}" for number in range(4))
    opened = open_page(page_of(tmp_path, images=2, classes=classes), size=size).ready()
    as_wanted: dict[str, Any] = {"count": 3, "inside": True, "apart": True, "whole": True, "fits": True}
    assert opened.page.evaluate(BEST) == as_wanted
    move(opened)
    assert opened.page.evaluate(BEST) == as_wanted
    assert overflow(opened) <= 0


@pytest.mark.parametrize("size", SMALL, ids=NAMES)
def test_the_sum_of_a_pressed_value_is_in_the_window(open_page: Open, digits: Path, size: tuple[int, int]) -> None:
    opened = open_page(digits, size=size).ready()
    for kind in ("convolution", "pooling", "linear"):
        opened.page.locator(f"#glance .{kind} :is(.map, .line):visible").last.click()
        opened.settle()
        where = ".equation" if kind == "pooling" else ".total"
        result = opened.page.locator(f"#numbers .working {where} strong").first
        box = result.bounding_box()
        assert box["y"] > 0
        assert box["y"] + box["height"] <= size[1], kind
        assert seen(opened, "#numbers .title")


def test_without_an_image_no_answer_is_said_and_the_first_stroke_moves_nothing(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(page_of(tmp_path, images=0, classes=("a", "b")))
    opened.until("document.querySelector('main:not([aria-busy])')")
    assert opened.text(".answer-bar .says") == "No image yet."
    assert "No image yet" in opened.text("#images .message")
    for hidden in ("#glance", "#numbers", "#units", "#where", ".answer-bar .best"):
        assert not opened.page.locator(hidden).is_visible(), hidden
    pad = opened.page.locator("canvas.pad")
    before = pad.bounding_box()
    draw_one(opened)
    assert opened.text(".answer-bar .says").startswith("Says ")
    assert opened.page.locator("#glance").is_visible()
    assert pad.bounding_box() == pytest.approx(before, abs=1)


def test_a_link_that_holds_a_drawing_shows_it_on_the_pad(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    assert not opened.page.locator("canvas.pad").evaluate(INK)
    draw_one(opened)
    opened.until("location.hash.includes('draw=')")
    address: str = opened.page.evaluate("location.hash")[1:]
    again = open_page(digits, place=address).ready()
    assert again.page.locator("canvas.pad").evaluate(INK)
    assert not again.page.locator(".invitation").is_visible()
    again.page.locator(".thumbnail").nth(1).click()
    again.settle()
    assert not again.page.locator("canvas.pad").evaluate(INK), "an image clears it"


def test_a_part_of_a_change_and_a_distance_cannot_be_taken_for_shares_of_one_whole(
    open_page: Open, digits: Path
) -> None:
    opened = open_page(digits).ready()
    move(opened)
    rows: list[str] = opened.page.locator("#glance .changes:visible .change:visible").all_inner_texts()
    along = [row for row in rows if row.startswith("moved along")]
    changed = [row for row in rows if row.startswith("really changed")]
    assert along
    assert changed
    assert all(row.endswith(" %") for row in along)
    assert all(row.endswith(" ×") for row in changed)


def test_the_number_of_a_class_is_called_its_logit(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#glance .line").first.click()
    opened.settle()
    assert ", logit: " in opened.text("#numbers .title")
    opened.page.locator("#glance .convolution .map").first.click()
    opened.settle()
    assert "logit" not in opened.text("#numbers .title")


def test_a_wrong_answer_of_long_names_is_read_whole(open_page: Open, tmp_path: Path) -> None:
    classes = tuple(f"{number} a class whose name is very long, not like the others" for number in range(4))
    opened = open_page(page_of(tmp_path, images=40, classes=classes), size=PHONE).ready()
    opened.page.get_by_role("button", name=re.compile("^Mistakes")).click()
    opened.settle()
    words = opened.page.evaluate("""() => {
      const range = document.createRange();
      range.selectNode(document.querySelector(".verdict").firstChild);
      return [range.toString(), range.getBoundingClientRect().right, range.getBoundingClientRect().bottom];
    }""")
    bar = opened.page.locator(".answer-bar").bounding_box()
    verdict, name = (opened.page.locator(f".verdict{part}").bounding_box() for part in ("", " bdi"))
    assert words[0] == "Wrong, it is "
    assert words[1] <= name["x"] + 1, "the words stand whole before the name"
    assert name["width"] > 60
    assert name["x"] + name["width"] <= verdict["x"] + verdict["width"]
    assert verdict["y"] + verdict["height"] <= bar["y"] + bar["height"]
    opened.page.get_by_role("button", name="Correct ones").click()
    opened.settle()
    assert opened.page.locator(".answer-bar").bounding_box()["height"] == bar["height"]


def test_a_link_made_without_a_press_opens_no_numbers(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=PHONE).ready()
    move(opened)
    opened.until("location.hash.includes('move=')")
    moved: str = opened.page.evaluate("location.hash")[1:]
    draw_one(opened)
    opened.until("location.hash.includes('draw=')")
    drawn: str = opened.page.evaluate("location.hash")[1:]
    for place in (moved, drawn):
        again = open_page(digits, size=PHONE, place=place).ready()
        assert again.page.locator("#numbers.docked").count() == 0, place
    assert seen(again, "canvas.pad")
    assert open_page(digits, place="1/1/1/4/4").ready().page.locator("#numbers.docked").count() == 1
