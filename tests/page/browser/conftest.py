"""One browser for all tests of a process; a page for each; what a page must never do is checked after every test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import convscope
from convscope.api import look

from .opening import CHROMIUM, FLAGS, Open, Opened, open_in


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("the page is tested in chromium, which is not installed (apt-get install chromium)")
    api = pytest.importorskip(
        "playwright.sync_api", reason="the browser is driven by playwright, which is not installed"
    )
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open pages; in the end none has written on its console, and none has asked for anything but itself."""
    opened: list[Opened] = []

    def opening(path: Path, **given: Any) -> Opened:
        opened.append(open_in(browser, path, **given))
        return opened[-1]

    yield opening
    for one in opened:
        one.page.context.close()
    assert [line for one in opened for line in one.said] == []
    assert [address for one in opened for address in one.asked] == []


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small network that has learned digits."""
    folder = tmp_path_factory.mktemp("digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look, "MOST_IMAGES", 60)  # a page of 200 opens more slowly
        return written(folder)


def written(folder: Path) -> Path:
    trained = convscope.train("digits", layout="8C3-MP2-12C3-AP2-16N", epochs=2, output=folder / "run")
    return convscope.look(trained.folder.path, output=folder / "look.html").path
