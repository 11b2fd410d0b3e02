"""Files that are damaged, old, hostile, within another page, or on a browser that can do less."""

import base64
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from convscope.api.look import LookResult
from convscope.core.document import program
from convscope.explorer.data import FORMAT_VERSION, NamedImage, explorer_data
from convscope.explorer.page import render_look
from tests.checks.models import small_model, some_pixels
from tests.page.test_look_page import DATA, NAMES, data_of, hostile_page, inline

from .opening import DESKTOP, PHONE, Open, Opened
from .test_looking import overflow


def written(folder: Path, text: str) -> Path:
    path = folder / "look.html"
    path.write_text(text, encoding="utf-8")
    return path


def page_text() -> str:
    return render_look(explorer_data(small_model(), [NamedImage(name="a", pixels=one) for one in some_pixels(3)]))


def with_data(page: str, change: Callable[[str], str]) -> str:
    """Return a page whose JSON is changed."""
    data = inline(page, DATA)
    changed = change(data_of(page))
    assert changed != data_of(page)
    return page.replace(data, base64.b64encode(zlib.compress(changed.encode())).decode())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace('"weight":"', '"weight":"AAAA', 1), r"^The file is damaged: .*bytes of weights"),
        (lambda text: re.sub(r'"pixels":"....', '"pixels":"', text, count=1), "^The file is damaged: an image"),
        (lambda text: text.replace('"format_version":', '"format_version":1', 1), f"reads version {FORMAT_VERSION}"),
        (lambda text: text.replace('"format_version":', '"format_version"', 1), "^The file is damaged: its data"),
        (lambda text: text.replace('"layers":[', '"layers":7,"other":[', 1), "^The file is damaged"),
        (lambda text: re.sub(r'"kernel":\d+', '"kernel":0', text, count=1), "^The file is damaged: the sizes of"),
    ],
    ids=["weights", "image", "version", "text", "layers", "sizes"],
)
def test_damaged_or_old_data_say_so(
    open_page: Open, tmp_path: Path, change: Callable[[str], str], sentence: str
) -> None:
    is_said(open_page(written(tmp_path, with_data(page_text(), change))), sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text[: text.index('id="data"') + 500], "^The file is damaged"),  # as a mail cuts it off
        (lambda text: re.sub(r'(id="data">.{300}).', r"\1", text), "^The file is damaged: its data"),
        (lambda text: re.sub(r'(id="data">.{300})....', r"\1AAAA", text), "^The file is damaged: its data"),
    ],
    ids=["cut", "a letter is missing", "letters changed"],
)
def test_a_damaged_file_says_so(open_page: Open, tmp_path: Path, change: Callable[[str], str], sentence: str) -> None:
    is_said(open_page(written(tmp_path, change(page_text()))), sentence)


def test_a_browser_that_is_too_old_says_so(open_page: Open, tmp_path: Path) -> None:
    path = written(tmp_path, page_text())
    is_said(open_page(path, before="delete globalThis.DecompressionStream"), "^This page needs a browser of 2023")


def is_said(opened: Opened, sentence: str) -> None:
    opened.until("document.querySelector('#page [role=alert]')?.checkVisibility({ visibilityProperty: true })")
    assert re.search(sentence, opened.text("#page [role=alert]"))


def test_names_are_text_whatever_they_are(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(written(tmp_path, hostile_page())).ready()
    for thumbnail in opened.page.locator("#images .thumbnail").all():
        thumbnail.click()
    opened.settle()
    strange = "img:not(.still), img[onerror], img[src]:not([src^='data:image/']), script, b"
    assert opened.page.locator("#page").locator(strange).count() == 0
    assert NAMES[0] in opened.page.locator("#page").inner_text()
    for width, height in (DESKTOP, PHONE):
        opened.page.set_viewport_size({"width": width, "height": height})
        opened.settle()
        opened.shot(f"hostile-{width}")
        assert overflow(opened) <= 0


def test_it_works_within_the_sandbox_of_a_notebook(open_page: Open, tmp_path: Path) -> None:
    looked = LookResult(path=written(tmp_path, page_text()), images=3)
    outer = tmp_path / "notebook.html"
    outer.write_text(
        f"<!DOCTYPE html><link rel=icon href='data:,'><div id=page></div>{looked._repr_html_()}", encoding="utf-8"
    )
    opened = open_page(outer)
    inner = opened.page.frame_locator("iframe")
    inner.locator("#numbers .working").wait_for()
    assert "%" in inner.locator("#glance .said").inner_text()
    opened.asked = [address for address in opened.asked if address != "about:srcdoc"]


@pytest.mark.parametrize("missing", ["Worker", "WebAssembly"])
def test_it_works_without(open_page: Open, tmp_path: Path, missing: str) -> None:
    path = written(tmp_path, page_text())
    expected = open_page(path).ready().text("#glance .answer")
    opened = open_page(path, before=f"delete globalThis.{missing}").ready()
    assert opened.page.evaluate(f"typeof {missing}") == "undefined"
    assert opened.text("#glance .answer") == expected


def test_it_works_where_the_worker_has_no_webassembly(open_page: Open, tmp_path: Path) -> None:
    path = written(tmp_path, page_text())
    expected = open_page(path).ready().text("#glance .answer")
    without = """const Given = Blob;
        globalThis.Blob = class extends Given {
          constructor(parts, options) {
            super(options ? ["delete globalThis.WebAssembly;", ...parts] : parts, options); // a program has options
          }
        };"""
    opened = open_page(path, before=without).ready()
    assert [worker.evaluate("typeof WebAssembly") for worker in opened.page.workers] == ["undefined"]
    assert opened.text("#glance .answer") == expected


def test_the_programs_in_the_file_are_those_of_the_package() -> None:
    assert program("convscope.explorer", "explorer.js") in page_text()
