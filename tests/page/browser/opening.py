"""A page opened in a real browser, and everything that it says and asks for."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars")
DESKTOP, PHONE = (1280, 900), (390, 844)
LIGHT_AND_DARK = [(DESKTOP, False), (PHONE, True)]  # each size and each theme, not each pair
LOOKS = ["desktop-light", "phone-dark"]
ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "build" / "page"  # who makes this folder finds images of the pages in it
TOOLS = ROOT / "tools" / "page" / "node_modules"


@dataclass(kw_only=True)
class Opened:
    """A page, what it wrote on the console, and what it asked for beside itself.

    A page of the browser opens one file after another: a new one costs twice what opening a file in it does.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.context.on("request", lambda asked: self._note(asked.url))

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, address: str) -> None:
        """Keep an address that is neither the file nor made inside it."""
        if address.split("#", maxsplit=1)[0] != self.address and not address.startswith(("blob:null/", "data:")):
            self.asked.append(address)

    def open(
        self, path: Path, *, size: tuple[int, int] = DESKTOP, dark: bool = False, place: str = "", motion: bool = True
    ) -> "Opened":
        """Open a file from disk; `place` is what stands behind the # of its address."""
        self.address = path.resolve().as_uri()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(
            media="screen",
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if motion else "reduce",
        )
        self.page.goto(f"{self.address}#{place}" if place else self.address)
        return self

    def leave(self) -> None:
        """Forget what the file stored and what it did to its window."""
        self.page.evaluate("localStorage.clear()")
        self.address = "about:blank"
        self.page.goto(self.address)
        self.said.clear()
        self.asked.clear()

    def ready(self) -> "Opened":
        """Wait until an image and its maps are shown."""
        self.page.wait_for_selector("#numbers:not([hidden]) .working :is(.sum, table, .hint)", state="attached")
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the worker has answered and what it answered is drawn."""
        self.page.evaluate(
            """async () => {
              const parts = ["glance", "numbers", "images"];
              const texts = () => parts.map((id) => document.getElementById(id)?.textContent);
              const busy = () => document.querySelector("[aria-busy=true]") !== null;
              const shown = () => texts().join() + location.hash + busy();
              for (let still = 0, last = shown(); still < 3; ) {
                await new Promise((done) => setTimeout(() => requestAnimationFrame(done), 12));
                const now = shown();
                still = now === last && !busy() ? still + 1 : 0;
                last = now;
              }
            }"""
        )

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true; the policy of the page forbids Playwright's own way."""
        self.page.evaluate(
            f"""async () => {{
              for (let tries = 0; !({expression}); tries++) {{
                if (tries > 400) throw new Error("never true: " + {json.dumps(expression)});
                await new Promise((done) => setTimeout(done, 25));
              }}
            }}"""
        )

    def text(self, selector: str) -> str:
        """Return the text of the first element that is found."""
        found: str = self.page.locator(selector).first.inner_text()
        return found

    def shot(self, name: str) -> None:
        """Keep an image of the whole page, for who made a folder for it."""
        if not IMAGES.is_dir():
            return
        seen = "document.querySelectorAll('main > section').forEach((one) => (one.style.contentVisibility = '{}'))"
        self.page.evaluate(seen.format("visible"))  # what is not seen is not painted
        self.page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        self.page.evaluate(seen.format(""))


Open = Callable[..., Opened]


def new_page(browser: Any, *, phone: bool = False, before: str | None = None) -> Opened:
    """Return an empty page; `before` is a program that runs before those of the file."""
    context = browser.new_context(has_touch=phone, is_mobile=phone, offline=True)
    if before:
        context.add_init_script(before)
    return Opened(page=context.new_page())
