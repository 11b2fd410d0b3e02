"""What the further views do in a real browser: a second network, the camera, saving, the lesson, records."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.explorer.comparison import shipped_comparison
from convscope.explorer.page import render_look
from tests.page.test_records_on_page import full_page

from .opening import CHROMIUM, FLAGS, PHONE, Open, Opened, new_page

BEND = """() => {
  for (const details of document.querySelectorAll("details.move")) details.open = true;
  const slider = document.querySelector(".sliders input[aria-label$=elastic]");
  slider.value = slider.max; slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of record, and names that try to be markup."""
    path = tmp_path_factory.mktemp("records") / "look.html"
    path.write_text(render_look(full_page()), encoding="utf-8")
    return path


def parts(opened: Opened, where: str) -> list[str]:
    found: list[str] = opened.page.locator(f"{where} .changes:not([hidden]):not(.measured) .value").all_inner_texts()
    return found


def test_another_pooling_stands_beside_and_moves_along(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#beside select").select_option(label="this network with subset pooling")
    opened.until("document.querySelector('#beside .said')?.textContent")
    names = opened.page.locator("#beside .layer code").all_inner_texts()
    assert [name for name in names if name.startswith(("SS", "MP", "AP"))] == ["SS2", "SS2"]
    assert parts(opened, "#beside") == []
    opened.page.evaluate(BEND)
    opened.until("document.querySelector('#beside .changes:not([hidden])')")
    opened.settle()
    above, below = parts(opened, "#glance"), parts(opened, "#beside")
    assert len(above) == len(below)
    assert above[:2] == below[:2], "the first convolution is the same"
    assert above != below
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.until("!document.querySelector('#beside .off').hidden")
    opened.settle()
    assert opened.text("#beside .off").startswith("1 unit turned off"), "it has the same units"
    assert parts(opened, "#beside")[:2] == parts(opened, "#glance")[:2] != above[:2]
    opened.page.locator("#beside .off button").click()
    opened.until("document.querySelector('#glance .off').hidden && document.querySelector('#beside .off').hidden")
    opened.settle()
    opened.page.locator("#beside summary").click()
    opened.page.locator("#beside .pooling .map").first.click()
    opened.until("document.querySelector('#beside .working').textContent.includes('The first value')")


def test_images_are_chosen_by_answer(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    for choice, wrong in (("right", False), ("wrong", True)):
        opened.page.get_by_label("Images shown").select_option(choice)
        opened.settle()
        assert ("wrong" in opened.text("#glance .said")) == wrong
    opened.page.get_by_label("Images shown").select_option("class/3")
    opened.settle()
    assert opened.text("#glance .first .name").endswith("class 3")


def test_keys_draw(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.get_by_role("button", name="Draw").first.click()
    opened.settle()
    before = opened.page.locator("#glance .answer .value").all_inner_texts()
    opened.page.locator("canvas.pad").focus()
    for key in [*["ArrowUp"] * 8, "Space", *["ArrowDown"] * 12]:
        opened.page.keyboard.press(key)
    opened.settle()
    assert opened.page.locator("#glance .answer .value").all_inner_texts() != before


def test_the_camera_gives_images_where_there_is_one_and_a_sentence_where_there_is_none(
    open_page: Open, browser: Any, digits: Path
) -> None:
    without = open_page(digits).ready()
    without.page.get_by_role("button", name="Camera").click()
    without.until("document.querySelector('#images .message').textContent")
    assert "choose an image file" in without.text("#images .message")
    started = browser.browser_type.launch(
        executable_path=CHROMIUM, args=[*FLAGS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    )
    opened = new_page(started).open(digits).ready()
    opened.page.evaluate("""() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.streams = [];
      navigator.mediaDevices.getUserMedia = async (options) => {
        await new Promise((done) => setTimeout(done, 300));
        window.streams.push(await ask(options));
        return window.streams.at(-1);
      };
    }""")
    opened.page.get_by_role("button", name="Camera").dblclick()
    opened.until("location.hash.startsWith('#own')")
    opened.until("document.querySelector('#glance .first .name').textContent.includes('from your camera')")
    assert opened.page.evaluate("window.streams.length") == 1, "one stream, however often it is pressed"
    assert "from your camera" in opened.text("#glance .first .name")
    opened.page.get_by_role("button", name="Close the camera").click()
    assert opened.page.evaluate("document.querySelector('video').srcObject.active") is False
    assert (opened.said, opened.asked) == ([], [])
    started.close()


def saved(opened: Opened, where: str, kind: str) -> tuple[str, bytes]:
    with opened.page.expect_download() as download:
        opened.page.locator(f"{where} .save").first.get_by_role("button", name=f" {kind}: ").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("where", ["#numbers", "#units", "#good", "#distorted", "#kinds"])
def test_what_is_drawn_can_be_saved(open_page: Open, records: Path, digits: Path, where: str) -> None:
    opened = open_page(digits if where == "#good" else records).ready()
    name, content = saved(opened, where, "PNG")
    assert name.endswith(".png")
    image = Image.open(io.BytesIO(content))
    assert min(image.size) > 100
    assert len(np.unique(np.asarray(image.convert("L")))) > 5, "something is drawn"
    name, content = saved(opened, where, "SVG")
    assert name.endswith(".svg")
    assert content.startswith(b"<svg")
    assert b"http" not in content.replace(b"http://www.w3.org/", b"")


@pytest.mark.parametrize("size", [None, PHONE])
def test_every_button_of_the_lesson_does_something(open_page: Open, digits: Path, size: Any) -> None:
    opened = open_page(digits, **({} if size is None else {"size": size})).ready()
    opened.page.locator(".lesson .bench").wait_for()
    state = """() => JSON.stringify([...document.querySelectorAll(".lesson")].map((lesson) => [
      lesson.textContent, ...[...lesson.querySelectorAll("input, select")].map((one) => one.value),
      ...[...lesson.querySelectorAll("canvas")].map((one) => one.toDataURL())]))"""
    opened.page.get_by_text("Add a second unit", exact=True).evaluate("(one) => one.click()")
    buttons = opened.page.locator(".lesson .step-list button")
    dead = []
    for place in range(buttons.count() - 1):  # the last leads away
        button = buttons.nth(place)
        before = opened.page.evaluate(state)
        button.evaluate("(one) => one.click()")
        if opened.page.evaluate(state) == before:
            dead.append(button.text_content())
    again = {"Without nonlinearity"}  # it is so already
    assert set(map(str.strip, dead)) - again == set()


def test_records_are_shown_and_where_there_are_none_no_place_is_empty(
    open_page: Open, records: Path, digits: Path
) -> None:
    opened = open_page(records).ready()
    assert opened.page.locator("#glance .measured:visible").count() == 0, "not before it is asked for"
    assert "points of accuracy" in opened.text("#units .card .ablation").replace("\u00a0", " ")
    heads = opened.page.locator("#kinds thead button")
    heads.nth(1).click()
    shares = [
        float(cell.split(" ")[0]) for cell in opened.page.locator("#kinds tbody td:nth-child(2)").all_inner_texts()
    ]
    assert shares == sorted(shares, reverse=True)
    heads.nth(1).click()
    assert opened.page.locator("#kinds th").nth(1).get_attribute("aria-sort") == "ascending"
    opened.page.get_by_label("show it under the layers").click()
    opened.settle()
    assert opened.page.locator("#glance .measured:visible").count() > 0
    bare = open_page(digits).ready()
    for place in ("#distorted", "#glance .measured", ".ablation"):  # a comparison comes with the package
        assert bare.page.locator(f"{place}:visible").count() == 0, place


def test_the_result_of_the_comparison_is_said_in_its_section_and_in_the_steps_that_claim_it(
    open_page: Open, tmp_path: Path
) -> None:
    path, shipped = tmp_path / "look.html", shipped_comparison()
    path.write_text(render_look(replace(full_page(), comparison=shipped)), encoding="utf-8")
    opened = open_page(path).ready()
    assert shipped.moved is not None
    sentence = shipped.moved.sentence
    assert opened.page.locator("#kinds .moved strong").all_text_contents() == [sentence]
    assert "not on this one" in opened.page.locator("#kinds .moved summary").all_text_contents()[0]
    accuracies = opened.page.locator("#kinds .moved .value").all_text_contents()
    assert [float(text.removesuffix(" %")) for text in accuracies] == pytest.approx(
        [100 * row.accuracy for row in shipped.moved.variants], abs=0.06
    )
    assert opened.page.locator("#kinds .moved li").count() == 4
    opened.page.evaluate("document.querySelectorAll('details.lesson').forEach((one) => (one.open = true))")
    opened.until("document.querySelectorAll('.lesson .moved strong').length === 2")
    assert opened.page.locator(".lesson .moved strong").all_text_contents() == [sentence] * 2
