"""One browser for all tests of a process; a page for each; what a page must never do is checked after every test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import convscope
from convscope.api import look

from .opening import CHROMIUM, DESKTOP, FLAGS, PHONE, Open, Opened, new_page


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


@pytest.fixture(scope="session")
def resting() -> dict[bool, list[Opened]]:
    """Pages that no test uses now: of desktops and of phones."""
    return {False: [], True: []}


@pytest.fixture
def open_page(browser: Any, resting: dict[bool, list[Opened]]) -> Iterator[Open]:
    """Open files; in the end none has written on its console, and none has asked for anything but itself.

    `before` is a program that runs before those of the file, in a page that no other test uses.
    """
    used: list[tuple[Opened, bool | None]] = []

    def opening(path: Path, *, size: tuple[int, int] = DESKTOP, before: str | None = None, **given: Any) -> Opened:
        phone = size == PHONE
        again = before is None and resting[phone]
        opened = resting[phone].pop() if again else new_page(browser, phone=phone, before=before)
        used.append((opened, phone if before is None else None))
        return opened.open(path, size=size, **given)

    yield opening
    said = [line for opened, _ in used for line in opened.said]
    asked = [address for opened, _ in used for address in opened.asked]
    for opened, phone in used:
        if phone is None:
            opened.page.context.close()
        else:
            opened.leave()
            resting[phone].append(opened)
    assert said == []
    assert asked == []


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
