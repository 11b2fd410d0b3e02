"""The first minute: a correct answer, cause and effect on one screen, links that lead to what they name."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from convscope.explorer.page import render_lesson

from .opening import PHONE, Open, Opened
from .test_looking import AXE, overflow, violations

SIZES = ((1280, 800), (1440, 900), (1920, 1080), PHONE, (640, 400))  # the last is 1280 x 800 at 200 %
SEEN = """(selector) => {
  const [shown] = [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const box = shown.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + box.width / 2, Math.max(box.top, 0) + Math.min(box.height / 2, 8));
  return box.top >= 0 && box.top < innerHeight && (shown.contains(at) || at?.contains(shown));
}"""


def seen(opened: Opened, selector: str) -> bool:
    """Whether the upper part of an element is within the window, and nothing lies over it."""
    found: bool = opened.page.evaluate(SEEN, selector)
    return found


def lesson_alone(open_page: Open, folder: Path, **given: Any) -> Opened:
    """Open the page of the lesson, which needs no network."""
    path = folder / "lesson.html"
    path.write_text(render_lesson(), encoding="ascii")
    opened = open_page(path, **given)
    opened.until("document.querySelector('.bench')")
    return opened


def draw_one(opened: Opened) -> None:
    """Draw an upright stroke on the pad."""
    pad = opened.page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20, steps=6)
    opened.page.mouse.up()
    opened.settle()


def test_it_opens_on_a_correct_answer_and_mistakes_are_one_press_away(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    assert opened.text(".answer-bar .verdict") == "Right."
    assert "Moved by 2 pixels: shared weights" in opened.text(".about"), "what the network is made so for"
    opened.page.get_by_role("button", name="Mistakes").click()
    opened.until("document.querySelector('.answer-bar .verdict').textContent.startsWith('Wrong, it is ')")


@pytest.mark.parametrize("size", SIZES, ids=["1280", "1440", "1920", "phone", "200 %"])
def test_a_pressed_value_its_numbers_and_the_answer_are_on_one_screen(
    open_page: Open, digits: Path, size: tuple[int, int]
) -> None:
    opened = open_page(digits, size=size).ready()
    edges: list[float] = opened.page.evaluate(
        "[...document.querySelectorAll('.layer')].map((one) => one.getBoundingClientRect().right)"
    )
    assert max(edges) <= size[0], "no column is cut off"
    opened.page.locator("#glance .convolution .map").nth(9).click()
    opened.settle()
    for part in (".answer-bar .says", "#glance .map.chosen", "#numbers .title", "#numbers .dock-tools button"):
        assert seen(opened, part), part
    if size[0] > 640:
        assert seen(opened, "#numbers .working table")
        assert opened.page.locator(".source-lines path").count() >= 8, "a line from each map that it sees"
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.until("document.querySelector('.answer-bar .value').textContent.includes(' → ')")
    assert seen(opened, ".answer-bar .value"), "what it changes is seen where it is pressed"
    assert overflow(opened) <= 0
    opened.page.keyboard.press("Escape")
    assert opened.page.locator("#numbers.docked").count() == 0


def test_the_answer_is_seen_while_units_are_turned_off_and_a_second_network_has_its_own(
    open_page: Open, digits: Path
) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#units .switch").first.click()
    opened.until("document.querySelector('.answer-bar .value').textContent.includes(' → ')")
    assert seen(opened, ".answer-bar .value")
    opened.page.locator("#beside select").select_option(label="this network with subset pooling")
    opened.until("document.querySelectorAll('.one-answer .best .value').length === 6")


@pytest.mark.parametrize("size", [SIZES[0], PHONE], ids=["desktop", "phone"])
def test_the_pad_stays_under_the_pen_and_an_image_that_is_chosen_clears_it(
    open_page: Open, digits: Path, size: tuple[int, int]
) -> None:
    opened = open_page(digits, size=size).ready()
    pad = opened.page.locator("canvas.pad")
    empty = pad.evaluate("(canvas) => canvas.toDataURL()")
    pad.evaluate("(canvas) => canvas.scrollIntoView({ block: 'center' })")
    before = pad.bounding_box()
    draw_one(opened)
    assert "your drawing" in opened.text("#glance .first .name")
    assert pad.bounding_box() == pytest.approx(before, abs=1)
    assert pad.evaluate("(canvas) => canvas.toDataURL()") != empty
    opened.page.locator(".thumbnail").nth(2).click()
    opened.settle()
    assert pad.evaluate("(canvas) => canvas.toDataURL()") == empty
    assert opened.page.locator(".invitation").is_visible()


def test_a_link_holds_a_drawing_and_its_motion(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    draw_one(opened)
    assert seen(opened, ".answer-bar .says"), "the answer is seen while something is drawn"
    opened.page.locator("#glance .slider input").first.fill("1")
    opened.until("location.hash.includes('move=right:1') && location.hash.includes('draw=')")
    opened.settle()
    address: str = opened.page.evaluate("location.hash")[1:]
    again = open_page(digits, place=address).ready()
    again.settle()
    assert again.text(".answer-bar .best") == opened.text(".answer-bar .best")
    assert "your drawing" in again.text("#glance .first .name")
    assert again.page.locator("#glance .slider output").first.inner_text() == "1 px"
    broken = open_page(digits, place=address.replace("draw=", "draw=AAAA")).ready()
    assert broken.text(".answer-bar .says").startswith("Says ")


@pytest.mark.parametrize("size", [SIZES[0], PHONE, SIZES[4]], ids=["desktop", "phone", "200 %"])
def test_a_link_leads_to_a_step_of_the_lesson_whose_board_is_seen(
    open_page: Open, digits: Path, size: tuple[int, int]
) -> None:
    opened = open_page(digits, size=size, place="lesson/2").ready()
    opened.until("!document.querySelector('[aria-busy=true]') && document.querySelector('.bench')")
    assert opened.page.locator(".step-list > li:visible").count() == 1
    assert opened.page.evaluate("location.hash") == "#lesson/2"
    for part in (".step-list > li:not(.away)", ".step-list > li:not(.away) button", ".bench [role=application]"):
        assert seen(opened, part), part
    opened.page.locator(".step-numbers").get_by_role("button", name="Next step").click()
    assert opened.page.evaluate("location.hash") == "#lesson/3"
    opened.page.locator(".after-step:not(.away) .moved").scroll_into_view_if_needed()
    opened.page.locator(".step-numbers").get_by_role("button", name="Next step").click()
    assert seen(opened, ".step-list > li:not(.away) h3"), "the step before was longer"


@pytest.mark.parametrize("size", [SIZES[0], PHONE, SIZES[4]], ids=["desktop", "phone", "200 %"])
def test_a_reader_walks_through_the_lesson_without_moving_the_pointer(
    open_page: Open, tmp_path: Path, size: tuple[int, int]
) -> None:
    opened = lesson_alone(open_page, tmp_path, size=size)
    button = opened.page.get_by_role("button", name="Next step")
    box = button.bounding_box()
    for step in range(2, 14):
        opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        opened.until(f"location.hash === '#lesson/{step}'")
        assert button.bounding_box() == box
        assert seen(opened, ".step-list > li:not(.away) h3")


@pytest.mark.parametrize("step", [5, 6, 7])
def test_a_press_of_the_lesson_moves_no_button(open_page: Open, tmp_path: Path, step: int) -> None:
    opened = lesson_alone(open_page, tmp_path, place=f"lesson/{step}")
    buttons = opened.page.locator(".step-list > li:not(.away) .tools button").all()
    boxes = [button.bounding_box() for button in buttons]
    buttons[0].click()
    opened.page.wait_for_timeout(300)
    assert [button.bounding_box() for button in buttons] == boxes


def test_the_lesson_alone_asks_for_no_webassembly_which_its_policy_forbids(open_page: Open, tmp_path: Path) -> None:
    said = "WebAssembly.Module = function () { console.error('asked for WebAssembly'); throw new Error(); }"
    lesson_alone(open_page, tmp_path, before=said)  # Firefox says so on its console


@pytest.mark.parametrize("step", [4, 6, 7, 9, 10])
def test_a_phone_shows_what_a_press_of_the_lesson_does(open_page: Open, tmp_path: Path, step: int) -> None:
    opened = lesson_alone(open_page, tmp_path, size=PHONE, place=f"lesson/{step}")
    opened.page.locator(".step-numbers").evaluate("(nav) => nav.scrollIntoView()")
    for button in opened.page.locator(".step-list > li:not(.away) .tools button:enabled").all():
        button.click()
        bottoms: list[float] = opened.page.evaluate(
            """[...document.querySelectorAll(".bench [role=application] table")].filter((one) => one.checkVisibility())
               .map((one) => one.getBoundingClientRect().bottom)"""
        )
        assert max(bottoms) <= PHONE[1], button.inner_text()


def test_a_pressed_pooling_shows_that_it_is_chosen_stays_in_place_and_is_computed_in_view(
    open_page: Open, tmp_path: Path
) -> None:
    opened = lesson_alone(open_page, tmp_path, size=SIZES[0], place="lesson/9")
    for name in ("stochastic", "mean", "max"):
        button = opened.page.locator(".step-list > li:not(.away)").get_by_role("button", name=name, exact=True)
        before = button.bounding_box()
        button.click()
        assert button.bounding_box() == before
        assert button.get_attribute("aria-pressed") == "true"
        assert opened.page.locator(".lesson [aria-pressed=true]:visible").count() == 1
        assert "36" in opened.text(".lesson .working table"), "the window with the largest feature"
        equation = opened.page.locator(".lesson .working .equation").bounding_box()
        assert equation["y"] + equation["height"] <= SIZES[0][1]
        if name == "stochastic":
            assert "0.40 / 0.60" in opened.text(".lesson .working")


def test_what_stands_beside_the_walk_stays_where_it_is(open_page: Open, tmp_path: Path) -> None:
    opened = lesson_alone(open_page, tmp_path)
    reset = opened.page.get_by_role("button", name="Reset").first
    before = reset.bounding_box()
    opened.page.get_by_role("button", name="Visit all positions").click()
    assert opened.page.get_by_role("button", name="Stop", exact=True).is_visible()
    assert reset.bounding_box() == before


def test_nothing_lies_under_what_closes_the_numbers_and_their_lines_go_with_them(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=SIZES[0]).ready()
    opened.page.locator("#glance .convolution .map").nth(3).click()
    opened.settle()
    assert opened.page.locator(".source-lines").first.is_visible()
    opened.page.locator("#numbers").evaluate("(numbers) => numbers.scrollTop = 160")
    covered = opened.page.evaluate("""() => {
      const tools = document.querySelector("#numbers .dock-tools").getBoundingClientRect();
      const head = document.querySelector("#numbers .numbers-head").getBoundingClientRect();
      return tools.top >= head.top && tools.bottom <= head.bottom + 1;
    }""")
    assert covered, "the head, which nothing shines through, is behind them"
    opened.page.locator("#numbers").get_by_role("button", name="Close").click()
    assert not opened.page.locator(".source-lines").first.is_visible()


def test_a_shift_that_ends_between_two_positions_of_a_layer_says_so(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    for shift, said in (("1", "One position here is 2 pixels"), ("2", "")):
        opened.page.locator("#glance .slider input").first.evaluate(
            "(slider, shift) => { slider.value = shift; slider.dispatchEvent(new Event('input')); }", shift
        )
        opened.settle()
        texts = opened.page.locator("#glance .pooling .changes .caption").all_text_contents()
        assert texts[0].startswith(said)
        assert bool(texts[0]) == bool(said)
        assert opened.page.locator("#glance .convolution .changes .caption").first.text_content() == ""


def test_a_phone_shows_the_image_and_the_answer_before_any_text(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, size=PHONE).ready()
    tops: list[float] = opened.page.evaluate(
        "['.one-answer canvas', '.strip', '.about'].map((one) => document.querySelector(one)"
        ".getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    assert tops[0] < 180


def test_the_lesson_alone_has_no_violation_and_follows_its_address(open_page: Open, tmp_path: Path) -> None:
    opened = lesson_alone(open_page, tmp_path, place="lesson/4")
    assert opened.page.locator(".step-list > li:visible").get_attribute("value") == "4"
    if AXE.is_file():
        assert violations(opened) == []


def test_dark_ink_on_light_paper_is_inverted_and_said(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    paper = Image.new("L", (90, 120), 250)
    ImageDraw.Draw(paper).line([(45, 20), (45, 100)], fill=10, width=14)
    content = BytesIO()
    paper.save(content, "PNG")
    file: Any = {"name": "one.png", "mimeType": "image/png", "buffer": content.getvalue()}
    opened.page.locator("#images input[type=file]").set_input_files(file)
    opened.until("location.hash.startsWith('#own')")
    opened.settle()
    assert "dark on light" in opened.text(".steps-taken")
    inverted = opened.text(".answer-bar .best")
    switch = opened.page.get_by_label("Inverted")
    assert switch.is_checked()
    switch.uncheck()
    opened.settle()
    assert opened.text(".answer-bar .best") != inverted


def test_the_mouse_sees_a_map_larger_with_the_value(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    opened.page.locator("#glance .convolution .map").nth(3).hover()
    opened.until("document.querySelector('.magnifier:not([hidden])')")
    assert opened.text(".magnifier p").startswith("map 4, row ")
    opened.page.keyboard.press("Escape")
    assert opened.page.locator(".magnifier:visible").count() == 0


def test_the_walk_and_the_view_are_saved(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/3/2/2/2").ready()
    opened.page.get_by_role("button", name="Whole section").click()
    with opened.page.expect_download(timeout=30_000) as download:
        opened.page.locator("#numbers .film").click()
    film = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename.endswith(".webm")
    assert film[:4] == b"\x1a\x45\xdf\xa3"
    assert len(film) > 2_000
    with opened.page.expect_download() as download:
        opened.page.locator("#glance .save").get_by_role("button", name=" PNG: ").click()
    image = Image.open(download.value.path())
    assert image.width > 1_000
    assert len(set(image.convert("L").resize((200, 50)).tobytes())) > 20


def test_the_skip_link_leads_to_the_map_that_keys_move_over(open_page: Open, digits: Path) -> None:
    opened = open_page(digits, place="1/1/3/4/4").ready()
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("ArrowRight")
    opened.until("location.hash === '#1/1/3/4/5'")


def test_the_view_is_saved_with_every_map_and_single_value(open_page: Open, digits: Path) -> None:
    opened = open_page(digits).ready()
    with opened.page.expect_download() as download:
        opened.page.locator("#glance .save").get_by_role("button", name=" SVG: ").click()
    drawn = Path(download.value.path()).read_text(encoding="utf-8")
    assert drawn.count("<image") == 1 + 2 * 8 + 2 * 12 + 16, "image, two convolutions with their pooling, units"
    assert "closed blocks" not in drawn


def test_the_step_of_gradient_descent_can_be_seen_however_many_images_were_shown(
    open_page: Open, tmp_path: Path
) -> None:
    opened = lesson_alone(open_page, tmp_path, place="lesson/3")
    opened.page.get_by_role("button", name="Show them 1 image").click()
    first = opened.text(".experiment .total")
    old, new = (float(one.replace("−", "-")) for one in re.findall(r"(?<=weight )−?[\d.]+", first))
    assert abs(new - old) > 0.05
    opened.page.get_by_role("button", name="Show them 200 images").click()
    assert opened.text(".experiment .total") == first, "later steps are too small to be seen"
    assert "The last of 201 images changed no weight by more than" in opened.text(".experiment")


def test_the_menu_of_weights_says_whose_they_are(open_page: Open, tmp_path: Path) -> None:
    opened = lesson_alone(open_page, tmp_path, place="lesson/6")
    assert opened.text(".toy-units label span") == "Weights"
    opened.page.get_by_role("button", name="Add a second channel").click()
    assert opened.text(".toy-units label span") == "Weights on channel 1"
