"""All English text of the page is in text.js and its parts, all formats of numbers are in format.js."""

import re
from pathlib import Path

import pytest

from .javascript import STATIC, needs_node, run_driver

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`', re.DOTALL)
INSERTED = re.compile(r"\$\{[^}]*\}")
SENTENCE = re.compile(r"\b[A-Z][a-z]+ [a-z]+|\b[a-z]{2,} [a-z]{2,} [a-z]{2,}|^[A-Z][a-z]+$|[a-z]{2,}[.,] [a-z]")
SHOWN = re.compile(r'(?:\btext|"aria-label"|\btitle|textContent =):? ?"[A-Za-z]')  # a text right where it is shown
KEYS = {"Infinity", "Enter", "Escape"}  # a number, and keys of a keyboard


def test_no_text_for_people_is_outside_the_modules_of_text() -> None:
    found = []
    for path in sorted(STATIC.glob("*.js")):
        if path.name.startswith("text"):
            continue
        program = COMMENT.sub("", path.read_text(encoding="utf-8"))
        for match in LITERAL.finditer(program):
            text = match[1] if match[1] is not None else INSERTED.sub("", match[2])
            if SENTENCE.search(text) and text not in KEYS and not text.endswith(".js"):
                found.append(f"{path.name}: {text}")
        found += [f"{path.name}: {match[0]}" for match in SHOWN.finditer(program)]
    assert found == []


def test_no_number_stands_before_a_plural_that_it_may_not_have() -> None:
    plural = re.compile(
        r"\$\{(?!counted|sides|shown\b)[^}]*\} (?:other )?(?:classes|others|images|units|maps|values|numbers|seconds)"
    )
    for path in STATIC.glob("text*.js"):
        assert plural.findall(path.read_text(encoding="utf-8")) == [], path.name


def test_no_number_is_formatted_outside_format_js() -> None:
    formats = re.compile(r"\.to(?:Fixed|Precision|Exponential|LocaleString)\(|\} %`")
    for path in sorted(STATIC.glob("*.js")):
        if path.name != "format.js":
            assert formats.findall(path.read_text(encoding="utf-8")) == [], path.name


@needs_node
@pytest.mark.parametrize(
    ("images", "same", "dense", "sentence", "last"),
    [
        (3, 2 / 3, False, "They give 67 % of 3 images the class of the exact weights;", "The classifier reads"),
        (1, 1, False, "They give 1 image the same class as the exact weights;", "The classifier reads"),
        (1, 0, False, "They give 1 image another class than the exact weights;", "The classifier reads"),
        (1, 0.97, True, "They give 97 % of the positions of 1 image the class of the exact", "one map for each class."),
    ],
)
def test_the_header_says_what_has_a_class(
    images: int, same: float, dense: bool, sentence: str, last: str, tmp_path: Path
) -> None:
    rounding = {"images": images, "random": False, "same": same, "largest_difference": 0.1, "largest_logit": 9.0}
    ((rounded, *intros),) = run_driver("text_driver.mjs", [{"rounding": rounding, "dense": dense}], tmp_path)
    assert sentence in rounded
    assert all(last in intro for intro in intros)
