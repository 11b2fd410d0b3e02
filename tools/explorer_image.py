"""Write docs/assets/explorer.webp, the image of the explorer page in README.md.

python tools/explorer_image.py

Trains a small network on the digits, writes its page and opens it in Chromium. Needs playwright and a Chromium.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import convscope

TARGET = Path(__file__).resolve().parents[1] / "docs" / "assets" / "explorer.webp"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LAYOUT = "12C3-MP2-24C3-MP2-32N"
CHOSEN = "#90/3/4/3/2"  # image, layer, unit, row, column
WIDTH_PX = 1240
EDGE_PX, NUMBERS_PX = 0, 620  # margin of both parts; height of the numbers that are shown


def screenshot(page_file: Path) -> Image.Image:
    """Return the part of the page with the maps of every layer and the numbers of one value."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900}, color_scheme="light")
        page.goto(f"{page_file.as_uri()}{CHOSEN}")
        page.wait_for_selector("#numbers:not([hidden]) .working :is(.sum, table, .hint)", state="attached")
        page.wait_for_timeout(1_500)  # the rest of the page is drawn when it is idle
        maps, numbers = (page.locator(name).first.bounding_box() for name in ("#glance", "#numbers"))
        whole = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        browser.close()
    if maps is None or numbers is None:
        raise SystemExit("The page shows no maps or no numbers.")
    upper = whole.crop((0, int(maps["y"]) - EDGE_PX, WIDTH_PX, int(maps["y"] + maps["height"]) + EDGE_PX))
    lower = whole.crop((0, int(numbers["y"]) - EDGE_PX, WIDTH_PX, int(numbers["y"]) + NUMBERS_PX))
    both = Image.new("RGB", (WIDTH_PX, upper.height + lower.height), "white")
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both


def main() -> int:
    """Write the image; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        trained = convscope.train("digits", layout=LAYOUT, epochs=12, output=Path(folder, "run"))
        page = convscope.look(trained.folder.path, output=Path(folder, "page.html"))
        screenshot(page.path).save(TARGET, quality=85, method=6)
    print(f"{TARGET} ({TARGET.stat().st_size / 1000:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
