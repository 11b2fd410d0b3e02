"""Names in any script: in a font that this computer has, and said where it has none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from convscope.figures import letters
from convscope.figures.confusion import draw_confusion
from convscope.figures.letters import boxes_sentence, write_letters
from convscope.figures.style import save, theme_named
from convscope.training.report import Report, make_report

NAMES = {
    "Chinese": "猫狗",
    "Japanese": "ねこ",
    "Korean": "고양이",
    "Thai": "แมว",
    "Hindi": "बिल्ली",
    "emoji": "🦜",
    "cuneiform": "\U00012000",
    "two scripts": "猫 แมว",
}


def _font(path: Path, name: str, letters_of: str) -> Path:
    """Write a font whose every letter is a full square."""
    pen = TTGlyphPen(None)
    for place, corner in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
        (pen.lineTo if place else pen.moveTo)(corner)
    pen.closePath()
    square, codes = pen.glyph(), sorted({ord(letter) for letter in letters_of if letter != " "})
    glyphs = [".notdef", *(f"u{code:x}" for code in codes)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(glyphs)
    font.setupCharacterMap({code: f"u{code:x}" for code in codes})
    font.setupGlyf(dict.fromkeys(glyphs, square))
    font.setupHorizontalMetrics(dict.fromkeys(glyphs, (900, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name.replace(" ", "")})
    font.setupOS2()
    font.setupPost()
    font.save(path)
    return path


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Let the computer have the fonts that come with matplotlib, and those that a test installs."""
    manager, caches = font_manager.fontManager, (letters._families, letters._newly_installed)
    shipped = [one for one in manager.ttflist if "mpl-data" in one.fname]
    monkeypatch.setattr(manager, "ttflist", shipped)
    installed: list[str] = []
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(installed))

    def install(name: str, letters_of: str) -> None:
        installed.append(str(_font(tmp_path / f"{name}.ttf", name, letters_of)))

    for cache in caches:
        cache.cache_clear()
    yield install
    for cache in caches:
        cache.cache_clear()


def _report(*classes: str) -> Report:
    number = len(classes)
    return make_report(
        name="some",
        split="test",
        labels=np.arange(number),
        probabilities=np.eye(number, dtype=np.float32),
        image_names=[str(place) for place in range(number)],
        indices=range(number),
        classes=classes,
        settings={},
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("name", "kind"), [*((name, "png") for name in NAMES.values()), ("猫狗", "svg"), ("猫狗", "pdf")]
)
def test_a_name_is_written_in_a_font_that_has_its_letters(
    name: str, kind: str, install: Callable[..., None], tmp_path: Path
) -> None:
    install("Some Letters", "".join(NAMES.values()))
    drawn = draw_confusion(_report("cat", name), theme=theme_named("light"))
    assert save(drawn, tmp_path / f"a.{kind}") == ()
    families = {text.get_text(): text.get_fontfamily() for text in drawn.findobj(Text)}
    assert families[name] == ["DejaVu Sans", "Some Letters"]
    assert families["cat"] == ["DejaVu Sans"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_where_no_font_has_them_the_name_is_told(name: str, install: Callable[..., None]) -> None:
    install("Other Letters", "xyz\u1234")
    assert write_letters(draw_confusion(_report("cat", "größe", name), theme=theme_named("light"))) == tuple(
        name.split()
    )


def test_the_letters_are_drawn_and_no_boxes(install: Callable[..., None], tmp_path: Path) -> None:
    def ink() -> int:
        figure = Figure(figsize=(2, 2))
        figure.text(0.5, 0.5, "猫", fontsize=60, ha="center", va="center")
        save(figure, tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as image:
            return int((np.asarray(image.convert("L")) < 128).sum())

    boxes = ink()
    letters._families.cache_clear()
    letters._newly_installed.cache_clear()
    install("Squares", "猫")
    assert ink() > 1.5 * boxes  # the letter of this font is a full square


def test_of_several_fonts_the_one_with_most_of_the_letters_comes_first(install: Callable[..., None]) -> None:
    install("One Sans", "猫")
    install("Two Serif", "猫狗")
    install("Thai Sans", "แมว")
    figure = Figure()
    text = figure.text(0, 0, "猫狗 แมว")
    assert write_letters(figure) == ()
    assert text.get_fontfamily() == ["DejaVu Sans", "Thai Sans", "Two Serif"]


def test_a_damaged_font_is_passed_over(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "damaged.ttf").write_bytes(b"\0\1\0\0 no font")
    install("Some Letters", "猫")
    found = font_manager.findSystemFonts()
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "damaged.ttf"), *found])
    figure = Figure()
    figure.text(0, 0, "猫")
    assert write_letters(figure) == ()


def test_fonts_are_looked_for_only_where_letters_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "_families", None)  # would be called
    figure = Figure()
    for text in ("cat", "größe", "Ελλάδα", "кошка", "العربية", "עברית", "a\u200db\ufe0f", "− × …"):
        figure.text(0, 0, text)
    assert write_letters(figure) == ()


def test_of_many_names_some_are_told() -> None:
    said = boxes_sentence([chr(0x4E00 + place) * 30 for place in range(7)], "a.png")
    assert said.startswith("boxes in a.png: no installed font has the letters of 一一")
    assert " and 2 more." in said
    assert len(said) < 300
