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
ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "build" / "page"  # where continuous integration finds them
TOOLS = ROOT / "tools" / "page" / "node_modules"


@dataclass(kw_only=True)
class Opened:
    """A page, what it wrote on the console, and what it asked for beside itself."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

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
        """Keep an image of the whole page."""
        IMAGES.mkdir(parents=True, exist_ok=True)
        seen = "document.querySelectorAll('main > section').forEach((one) => (one.style.contentVisibility = '{}'))"
        self.page.evaluate(seen.format("visible"))  # what is not seen is not painted
        self.page.screenshot(path=IMAGES / f"{name}.png", full_page=True)
        self.page.evaluate(seen.format(""))


Open = Callable[..., Opened]


def open_in(
    browser: Any, path: Path, *, size: tuple[int, int] = DESKTOP, dark: bool = False, place: str = "", **given: Any
) -> Opened:
    """Open a file from disk; `place` is what stands behind the # of its address."""
    touch = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        has_touch=touch,
        is_mobile=touch,
        offline=True,
        **given,
    )
    opened = Opened(page=context.new_page())
    opened.page.set_default_timeout(10_000)
    itself = path.resolve().as_uri()
    opened.page.on("console", lambda message: opened.said.append(f"{message.type}: {message.text}"))
    opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
    context.on("request", lambda asked: _note(opened, itself, asked.url))
    opened.page.goto(f"{itself}#{place}" if place else itself)
    return opened


def _note(opened: Opened, itself: str, address: str) -> None:
    """Keep an address that is neither the file nor made inside it."""
    if address.split("#", maxsplit=1)[0] != itself and not address.startswith(("blob:null/", "data:")):
        opened.asked.append(address)
