"""Names from outside cannot command a terminal."""

import ast
import os
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convscope
from convscope.core import errors
from convscope.core.text import counted, printable, sentence


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


LONG = {
    "a layout": "-".join(["32C5"] * 199),
    "a path": "/a" * 2_500,
    "a value with spaces": repr("one word and " * 400),
    "a value of one word": repr("a" * 5_000),
    "a name in backticks": f"`{'a b ' * 1_000}`",
    "a path with spaces": "/a b" * 1_250,
    "numbers": str(list(range(2_000))),
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_of_a_value_that_is_far_too_long_the_ends_stay_and_so_does_what_to_do(value: str) -> None:
    said = sentence(f"`layout` must fit. Got {value} (1 thing). Check the user's text.")
    assert len(said) <= 800
    assert said.startswith(f"`layout` must fit. Got {value[:40]}")
    assert "…" in said
    assert said.endswith(f"{value[-20:]} (1 thing). Check the user's text.")


def test_what_can_be_read_stays_whole() -> None:
    path = "/" + "/".join(["a folder of some"] * 3 + ["x" * 200])
    said = f"`data` must be a folder, one of {', '.join(map(str, range(60)))}. Got {path!r}. The user's."
    assert sentence(said) == said


HOSTILE = "a\nb\r\x1b[2J\x9b31m\u202egnp\u2028\udcff"
ERRORS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ConvscopeError)]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_commands_no_terminal_wherever_it_is_shown(kind: type[errors.ConvscopeError]) -> None:
    error = kind(f"Got {HOSTILE}{'y' * 5_000}. Check it.")
    assert str(error).startswith(r"Got a\nb\r\x1b[2J\x9b31m\u202egnp\u2028\xff")
    assert str(error).endswith("y. Check it.")
    assert len(str(error)) < 400
    assert str(pickle.loads(pickle.dumps(error))) == str(kind(str(error))) == str(error)


NOUNS = "images|files|classes|epochs|cores|threads|rows|units|kinds|variants|seeds|channels|columns|values|seconds|maps"
AFTER = re.compile(rf"^ (?:\w+ )?(?:{NOUNS}|trainings|runs|names|labels)\b")
NO_NUMBERS = {"what", "part", "name", "self.images", "near.agree", "comparison.split", "printable(tensor)"}
NEVER_ONE = {
    "law.images", "_images_text(law.for_half)", "len(worst)", "len(_COLUMNS)", "rate", "count", "frame[5]",
    "self.groups", "self.size", "columns", "rows", "rows or 'any'", "columns or 'any'", "below[0]", "tuple(after)",
    "channels", "len(names)",
}  # fmt: skip
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
    assert uncounted("f'{len(a):,} usable images, {B} files'") == ["len(a)"]
    found = {one for path in SOURCE.rglob("*.py") for one in uncounted(path.read_text(encoding="utf-8"))}
    assert found <= NO_NUMBERS | NEVER_ONE


@pytest.mark.parametrize(("number", "text"), [(1, "1 core"), (0, "0 cores"), (1.0, "1 core"), (1234.5, "1234.5 cores")])
def test_a_number_has_its_noun(number: float, text: str) -> None:
    assert counted(number, "core") == text
