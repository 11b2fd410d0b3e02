"""What a person does on the page, with a mouse and with keys, in a real browser."""

import base64
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from .opening import DESKTOP, PHONE, Open, Opened

PNG = BytesIO()
Image.radial_gradient("L").resize((40, 30)).save(PNG, "PNG")
WORKERS = """() => {
  const post = Worker.prototype.postMessage, listen = Worker.prototype.addEventListener;
  window.jobs = { posted: 0, open: 0, most: 0 };
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.task) this.task = message.task;
    if (message.job && this.task === "maps") {
      jobs.posted += 1; jobs.open += 1; jobs.most = Math.max(jobs.most, jobs.open);
    }
    return post.call(this, message, ...rest);
  };
  Worker.prototype.addEventListener = function (kind, ...rest) {
    if (kind === "message" && !this.counted) {
      this.counted = true; // before the page's own listener, which may ask again at once
      listen.call(this, kind, () => (jobs.open -= this.task === "maps" ? 1 : 0)); // others may answer in parts
    }
    return listen.call(this, kind, ...rest);
  };
}"""

FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  const seen = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [`${here.closest("section")?.id} ${here.outerHTML.slice(0, 100)}`, seen];
}"""


def place(opened: Opened) -> list[int]:
    """Return image, layer, unit, row and column from the address."""
    address: str = opened.page.evaluate("location.hash")
    assert re.fullmatch(r"#(own|\d+)((/\d+){4})?(;off=[\d.,]+)?(;move=[^;]+)?(;draw=[\w-]+)?", address), address
    address = address.split(";", maxsplit=1)[0]
    return [0 if part == "own" else int(part) for part in address[1:].split("/")]


def choose(opened: Opened, number: int) -> None:
    """Click on a thumbnail, from 1, and wait for its answer, which may take longer than a page rests."""
    opened.page.locator("#images .thumbnail").nth(number - 1).click()
    opened.until(f"/^#{number}\\b/.test(location.hash)")
    opened.settle()


def probabilities(opened: Opened) -> list[str]:
    found: list[str] = opened.page.locator("#glance .answer .value").all_inner_texts()
    return found


def test_a_touched_map_shows_its_numbers(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=PHONE).ready()
    opened.page.locator("#glance .convolution .map").nth(9).tap()  # of the second convolution
    opened.settle()
    assert place(opened)[1:3] == [3, 2]
    assert "map 2" in opened.text("#numbers .title")


def test_every_map_of_every_layer_can_be_pressed(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    layers = opened.page.locator("#glance .layer")
    assert layers.count() == 7
    for layer in range(layers.count()):
        layers.nth(layer).locator(".map:visible, .line").last.click()
        opened.settle()
        assert place(opened)[1] == layer
        assert opened.page.locator("#numbers .working > *").count() > 0


def test_keys_walk_over_places_maps_and_layers(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/3/4/4").ready()
    assert place(opened) == [1, 1, 3, 4, 4]
    board = opened.page.locator("#numbers [role=application]")
    board.focus()
    for key, expected in (
        ("ArrowRight", [1, 1, 3, 4, 5]),
        ("ArrowDown", [1, 1, 3, 5, 5]),
        ("ArrowLeft", [1, 1, 3, 5, 4]),
        ("ArrowUp", [1, 1, 3, 4, 4]),
        ("End", [1, 1, 3, 4, 8]),
        ("Home", [1, 1, 3, 4, 1]),
        ("]", [1, 1, 4, 4, 1]),
        ("[", [1, 1, 3, 4, 1]),
        ("PageDown", [1, 2, 3, 2, 1]),
        ("PageUp", [1, 1, 3]),
    ):
        board.press(key)
        opened.settle()
        assert place(opened)[: len(expected)] == expected, key


def test_images_are_chosen_with_mouse_and_keys(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    before = probabilities(opened)
    choose(opened, 5)
    assert place(opened)[0] == 5
    assert probabilities(opened) != before
    opened.page.keyboard.press("ArrowRight")
    opened.until("/^#6\\b/.test(location.hash)")


def test_an_image_of_ones_own_is_taken_from_a_file_dropped_or_pasted(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#images input[type=file]").set_input_files(
        {"name": "<img src=x onerror=alert(1)>.png", "mimeType": "image/png", "buffer": PNG.getvalue()}
    )
    opened.until("location.hash.startsWith('#own')")
    opened.settle()
    by_file = probabilities(opened)
    assert "<img src=x" in opened.text("#glance .first .name")
    for event in ("drop", "paste"):
        choose(opened, 2)
        assert probabilities(opened) != by_file
        opened.page.evaluate(
            """([text, kind]) => {
              const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], "mine.png", { type: "image/png" }));
              const given = kind === "drop"
                ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
                : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
              document.body.dispatchEvent(given);
            }""",
            [base64.b64encode(PNG.getvalue()).decode(), event],
        )
        opened.until("location.hash.startsWith('#own')")
        opened.settle()
        assert probabilities(opened) == by_file, event


def test_a_file_that_is_no_image_is_named_in_a_sentence(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#images input[type=file]").set_input_files(
        {"name": "broken.png", "mimeType": "image/png", "buffer": PNG.getvalue()[:50]}
    )
    opened.until("document.querySelector('#images [role=status]').textContent.includes('broken.png')")


def test_a_drawing_is_recognized_while_it_is_made(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.get_by_role("button", name="Draw").first.click()
    box = opened.page.locator("canvas.pad").bounding_box()
    opened.settle()
    empty = probabilities(opened)
    opened.page.mouse.move(box["x"] + 140, box["y"] + 40)
    opened.page.mouse.down()
    for layer in range(10):
        opened.page.mouse.move(box["x"] + 140, box["y"] + 40 + 20 * layer)
    opened.settle()
    assert probabilities(opened) != empty, "before the pen is lifted"
    opened.page.mouse.up()
    assert place(opened)[0] == 0


def test_a_slider_moves_the_image_and_never_queues_more_than_one_frame(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, before=f"({WORKERS})()").ready()
    started = opened.page.evaluate("jobs.posted")
    assert started == 1, "the network runs in the worker, once"
    before = probabilities(opened)
    opened.page.evaluate(
        """() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
          const slider = document.querySelector(".sliders input[type=range]");
          for (let place = 0; place < 200; place++) {
            slider.value = String((place % 5) - 2); slider.dispatchEvent(new Event("input", { bubbles: true }));
          }
          slider.value = slider.max; slider.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    opened.settle()
    jobs = opened.page.evaluate("jobs")
    assert jobs["open"] == 0
    assert jobs["most"] == 1, "while one is computed, only the newest waits"
    assert jobs["posted"] - started <= 3
    moved = probabilities(opened)
    assert moved != before
    opened.page.evaluate(
        """() => {
          const slider = document.querySelector(".sliders input[type=range]");
          slider.value = slider.max; slider.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    opened.settle()
    assert probabilities(opened) == moved, "what was shown in the end was the last of the 201"


def test_a_unit_that_is_turned_off_says_so_and_comes_back(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/1/4/4").ready()
    before = probabilities(opened)
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.settle()
    assert "1 unit turned off" in opened.text("#glance .off")
    assert probabilities(opened) != before
    opened.page.locator("#glance .off button").click()
    opened.settle()
    assert probabilities(opened) == before


def test_the_address_leads_to_the_same_number_and_says_which_units_are_off(open_page: Open, digits: Path) -> None:
    first = open_page(digits, place="1/1/1/4/4").ready()
    first.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    first.settle()
    address: str = first.page.evaluate("location.hash")[1:]
    assert address == "1/1/1/4/4;off=1.1"
    second = open_page(digits, place=address).ready()
    assert "1 unit turned off" in second.text("#glance .off")
    assert probabilities(second) == probabilities(first)
    assert second.text("#numbers .title") == first.text("#numbers .title")
    others = open_page(digits, place="1/1/1/4/4;off=1.1,1.1,0.1,2.1,1.999,99.1").ready()
    assert "1 unit turned off" in others.text("#glance .off"), "what there is not is left out"
    second.page.evaluate("location.hash = '#1/1/1/4/4'")
    second.settle()
    assert second.page.locator("#glance .off").is_hidden()


def test_the_lesson_computes_what_is_typed(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    cells = opened.page.locator(".bench .editable input[type=number]:visible")
    cells.first.wait_for()
    assert cells.count() >= 25 + 9
    features = opened.page.locator(".bench").inner_text()
    cells.nth(12).fill("37")  # the middle, which every feature sees
    opened.settle()
    assert opened.page.locator(".bench").inner_text() != features


def test_the_lesson_shows_what_it_takes_a_number_for_and_begins_anew(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator(".lesson .bench").wait_for()
    first = opened.page.locator(".bench .editable input").first
    image = opened.page.locator(".lesson .bench select").first
    before, named = first.input_value(), image.input_value()
    for typed, taken in (("999", "255"), ("3.6", "4"), ("", "0")):
        first.fill(typed)
        first.blur()
        assert first.input_value() == taken
    first.fill("7")
    first.blur()
    assert image.input_value() == "", "an image that was changed has no name"
    assert image.evaluate("(one) => one.selectedOptions[0].text") == "changed"
    opened.page.locator(".lesson").get_by_role("button", name="Reset").first.click()
    assert first.input_value() == before
    assert image.input_value() == named != ""
    opened.page.locator(".lesson .lesson-step ~ div select").last.select_option("MP")
    window = "Of the same window, the largest value (max) is 54, the mean 13.5, the first (subset) −27."
    assert window in opened.page.locator(".lesson").text_content()


def test_patches_and_cells_of_the_confusion_matrix_open_their_images(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    patch = opened.page.locator("#units button.patch").nth(2)
    value = re.search(r"(\d[\d.]*)$", patch.get_attribute("aria-label"))
    assert value is not None
    patch.click()
    opened.settle()
    assert opened.text("#numbers .title").endswith(value[1])
    opened.page.locator("#good table button").first.click()
    opened.settle()
    shown = opened.page.locator("#images .thumbnail:visible").count()
    assert 0 < shown < opened.page.locator("#images .thumbnail").count()


def test_every_section_is_reached_by_the_tab_key_and_focus_is_seen(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, dark=True).ready()
    opened.page.keyboard.press("Tab")
    assert "skip" in opened.page.evaluate("document.activeElement.className"), "the first stop leads to the numbers"
    for section in ("images", "glance", "numbers", "units", "good"):
        opened.page.evaluate(f"(document.getElementById('{section}').tabIndex = -1, document.activeElement.blur())")
        opened.page.evaluate(f"document.getElementById('{section}').focus()")
        for _ in range(3):
            opened.page.keyboard.press("Tab")
            where, ring = opened.page.evaluate(FOCUSED)
            assert ring, f"nothing shows that {where} has the focus"
            assert section in where


def test_playing_obeys_reduced_motion_goes_on_from_what_is_pressed_and_stops(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/1/1/1", motion=False).ready()
    numbers = opened.page.locator("#numbers")
    numbers.get_by_role("button", name="Play").click()
    opened.page.wait_for_timeout(250)
    assert place(opened)[3:] == [1, 1], "slowly"
    at = "location.hash.split('/').slice(3).map(Number)"  # row and column; a busy machine may see a later position only
    opened.until(f"(([row, column]) => row > 1 || column > 1)({at})")
    opened.page.evaluate("location.hash = '#1/1/1/5/5'")
    opened.until(f"(([row, column]) => row > 5 || (row === 5 && column > 5))({at})")
    numbers.get_by_role("button", name="Stop").click()
    stopped = place(opened)
    opened.page.wait_for_timeout(900)
    assert place(opened) == stopped


def test_thumbnails_show_their_images(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="50/1/1/4/4").ready()
    painted = "[...document.querySelectorAll('.thumbnail img')].map((image) => image.src !== '')"
    opened.until(f"{painted}[49]")
    opened.until(f"{painted}.every(Boolean)")
    shown: list[int] = opened.page.evaluate(
        "[...document.querySelectorAll('.thumbnail img')].map((one) => one.naturalWidth)"
    )
    assert len(shown) >= 50
    assert set(shown) == {8}


SLOWLY = """() => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    return message.job ? setTimeout(() => post.call(this, message, ...rest), 250) : post.call(this, message, ...rest);
  };
}"""
SLIDE = """(value) => {
  const slider = document.querySelector("#glance .sliders input");
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""
CHANGES = (
    "[...document.querySelectorAll('#glance .changes:not(.measured) .value')].map((one) => one.textContent).join()"
)


def test_no_choice_is_undone_by_one_that_comes_before_its_answer(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/1/4/4").ready()
    off = opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off")
    opened.page.evaluate(SLOWLY)
    opened.page.locator(".thumbnail").nth(4).click()
    off.click()
    opened.until("location.hash === '#5/1/1/4/4;off=1.1'")
    opened.settle()
    assert place(opened)[0] == 5


def test_changes_are_from_the_image_that_is_moved_however_soon_it_is(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    choose(opened, 8)
    opened.page.evaluate(SLIDE, 1)
    opened.until("!document.querySelector('#glance .changes:not(.measured)').hidden")
    opened.settle()
    expected = opened.page.evaluate(CHANGES)
    choose(opened, 2)
    opened.page.evaluate(SLOWLY)
    opened.page.locator(".thumbnail").nth(3).click()
    opened.page.locator(".thumbnail").nth(7).click()
    opened.page.evaluate(SLIDE, 1)
    opened.until(f"/^#8\\b/.test(location.hash) && {CHANGES} === {expected!r}")


PAINTED = """() => {
  const sheet = document.querySelector("#glance .sheet"), scale = sheet.width / sheet.clientWidth;
  const copy = Object.assign(document.createElement("canvas"), { width: sheet.width, height: sheet.height });
  const context = copy.getContext("2d", { willReadFrequently: true }), own = sheet.getBoundingClientRect();
  context.drawImage(sheet, 0, 0);
  return [...document.querySelectorAll("#glance .convolution .maps")[0].querySelectorAll(".framed")].map((frame) => {
    const box = frame.getBoundingClientRect();
    const at = (length) => Math.round(length * scale);
    const [left, top] = [at(box.left - own.left), at(box.top - own.top)];
    const { data } = context.getImageData(left, top, at(box.width), at(box.height));
    let [sum, seen] = [0, 0];
    for (let byte = 0; byte < data.length; byte += 4) [sum, seen] = [sum + data[byte], seen + (data[byte + 3] === 255)];
    return [sum / (data.length / 4), seen / (data.length / 4)];
  });
}"""


def test_every_map_is_painted_in_its_own_frame_in_any_window(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/1/4/4").ready()
    wide = opened.page.evaluate(PAINTED)
    for width in (390, 600, 1280):
        opened.page.set_viewport_size({"width": width, "height": 900})
        opened.settle()
        now = opened.page.evaluate(PAINTED)
        assert [whole for _, whole in now] == [1.0] * len(wide), f"all of each frame is painted at {width}"
        assert [color for color, _ in now] == pytest.approx([color for color, _ in wide], abs=6), width
    assert len({round(color) for color, _ in wide}) > 3, "maps differ, or nothing was tested"


def test_maps_become_as_sharp_as_the_screen_that_they_are_moved_to(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, before="").ready()
    width = "document.querySelector('#glance .sheet').width"
    before = opened.page.evaluate(width)
    sharper = {"width": DESKTOP[0], "height": DESKTOP[1] + 1, "deviceScaleFactor": 2, "mobile": False}
    opened.page.context.new_cdp_session(opened.page).send("Emulation.setDeviceMetricsOverride", sharper)
    opened.until(f"{width} === {2 * before}")
