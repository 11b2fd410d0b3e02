"""Names from outside cannot command a terminal."""

import os

from hypothesis import given
from hypothesis import strategies as st

from convscope.core.text import printable


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
