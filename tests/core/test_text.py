"""Names from outside cannot command a terminal."""

import ast
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convscope
from convscope.core.text import counted, printable


@given(st.binary(max_size=60))
def test_every_file_name_becomes_one_printable_line(name: bytes) -> None:
    shown = printable(os.fsdecode(name))
    shown.encode("utf-8")
    assert shown.isprintable() or not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    assert len(shown.splitlines()) <= 1


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_marks_that_turn_the_reading_direction_are_written_out() -> None:
    assert printable("photo\u202egnp.exe") == "photo\\u202egnp.exe"


NOUNS = "pictures|files|classes|epochs|cores|threads|rows|units|kinds|seeds|images|channels|columns|values|seconds|maps"
AFTER = re.compile(rf"^ (?:\w+ )?(?:{NOUNS}|trainings|names|labels)\b")
NO_NUMBERS = {"what", "part", "group", "name", "found.part", "values"}
NEVER_ONE = {"law.pictures", "_round(law.for_half)", "len(worst)", "len(_COLUMNS)", "rate", "count", "frame[5]"}
SOURCE = Path(convscope.__file__).parent


def uncounted(text: str) -> list[str]:
    """Return what stands right before a plural in an f-string and is neither counted nor a constant."""
    pairs = (
        pair
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.JoinedStr)
        for pair in zip(node.values, node.values[1:], strict=False)
    )
    return [
        written
        for number, after in pairs
        if isinstance(number, ast.FormattedValue) and isinstance(after, ast.Constant) and AFTER.match(str(after.value))
        for written in [ast.unparse(number.value)]
        if not written.startswith("counted(") and not re.fullmatch(r"[A-Z_]+( // \d)?", written)
    ]


def test_no_number_stands_before_a_plural_that_it_may_not_have() -> None:
    assert uncounted("f'{len(a):,} usable pictures, {B} files'") == ["len(a)"]
    found = {one for path in SOURCE.rglob("*.py") for one in uncounted(path.read_text(encoding="utf-8"))}
    assert found <= NO_NUMBERS | NEVER_ONE


@pytest.mark.parametrize(("number", "text"), [(1, "1 core"), (0, "0 cores"), (1.0, "1 core"), (1234.5, "1234.5 cores")])
def test_a_number_has_its_noun(number: float, text: str) -> None:
    assert counted(number, "core") == text
