"""Font fallback: letters that DejaVu Sans, matplotlib's own font, lacks are drawn in other installed fonts."""

import contextlib
import functools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from convscope.core.text import shortened

FONT = "DejaVu Sans"
"""The first font of all text: the same letters everywhere."""
_MOST_WORDS, _LONGEST_WORD = 5, 24
# Fonts of formulas, with code points of their own, and one that has a box for every letter.
_NOT_FOR_NAMES = ("cm", "STIXSize", "STIXNonUnicode", "Last Resort")


def write_letters(drawn: Figure) -> tuple[str, ...]:
    """Set the fonts that each text of a figure needs; return the words that no installed font can draw.

    Fonts that are newer than matplotlib's font cache are found too. Matplotlib from 3.11 on lays out right-to-left
    scripts and joined letters.
    """
    texts = [(text, _missing(text.get_text())) for text in drawn.findobj(Text)]
    needed = frozenset[int]().union(*(missing for _, missing in texts))
    if not needed:
        return ()
    families, unwritten = _families(needed)
    for text, missing in texts:
        if missing:
            text.set_fontfamily([FONT, *families])
    words = [word for text, missing in texts if missing & unwritten for word in text.get_text().split()]
    return tuple(dict.fromkeys(word for word in words if _missing(word) & unwritten))


def boxes_sentence(words: Sequence[str], where: str) -> str:
    """Return a sentence on words that are boxes in a figure.

    Examples:
        >>> boxes_sentence(["日本", "猫"], "confusion.png")
        'boxes in confusion.png: no installed font has the letters of 日本, 猫. Install one that has, such as Noto'
    """
    named = ", ".join(shortened(word, _LONGEST_WORD) for word in words[:_MOST_WORDS])
    more = f" and {len(words) - _MOST_WORDS:,} more" if len(words) > _MOST_WORDS else ""
    return f"boxes in {where}: no installed font has the letters of {named}{more}. Install one that has, such as Noto"


def _missing(text: str) -> frozenset[int]:
    """Return the code points that DejaVu Sans lacks, without invisible marks."""
    if text.isascii():
        return frozenset()
    return frozenset(ord(letter) for letter in text if ord(letter) not in _letters_of_first() and _shows(letter))


def _shows(letter: str) -> bool:
    return (
        not letter.isspace() and unicodedata.category(letter) not in ("Cc", "Cf") and not "\ufe00" <= letter <= "\ufe0f"
    )


@functools.cache
def _letters_of_first() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(FONT)).get_charmap())


@functools.lru_cache(maxsize=64)
def _families(needed: frozenset[int]) -> tuple[tuple[str, ...], frozenset[int]]:
    """Return a few families that have most of the letters, and the letters that none has."""
    families, left = _chosen(needed, font_manager.fontManager.ttflist)
    if left:
        more, left = _chosen(left, _newly_installed())
        families += more
    return families, left


def _chosen(needed: frozenset[int], entries: Iterable[Any]) -> tuple[tuple[str, ...], frozenset[int]]:
    """Return the chosen families, greedily by the number of missing letters, and the letters that none has."""
    has: dict[str, frozenset[int]] = {}
    for entry in sorted(entries, key=_plainness):  # the plainest font of each family
        if entry.name not in has and not entry.name.startswith(_NOT_FOR_NAMES):
            has[entry.name] = _letters_in(entry, needed)
    chosen: list[str] = []
    while has:
        best = max(has, key=lambda name: (len(has[name] & needed), "Sans" in name, name))
        covered = has.pop(best) & needed
        if not covered:
            break
        chosen.append(best)
        needed -= covered
    return tuple(chosen), needed


def _plainness(entry: Any) -> tuple[Any, ...]:
    weight = entry.weight if isinstance(entry.weight, int) else 400
    return entry.style != "normal", abs(weight - 400), entry.stretch != "normal", entry.name, entry.fname


def _letters_in(entry: Any, needed: frozenset[int]) -> frozenset[int]:
    """Return which of the letters a font has; none if it cannot be read."""
    face = {"face_index": entry.index} if getattr(entry, "index", 0) else {}  # matplotlib from 3.11 on
    try:
        font = FT2Font(entry.fname, **face)
        return frozenset(code for code in needed if font.get_char_index(code))
    except (OSError, RuntimeError, ValueError):
        return frozenset()


@functools.cache
def _newly_installed() -> list[Any]:
    """Return the fonts that are missing in matplotlib's font cache, and add them to it."""
    manager = font_manager.fontManager
    before = len(manager.ttflist)
    known = {entry.fname for entry in manager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with contextlib.suppress(Exception):  # a damaged or unsupported font
            manager.addfont(path)
    return manager.ttflist[before:]
