"""One number has one rounding, whether Python or a program of a page writes it."""

from convscope.core.text import percent
from convscope.explorer.comparison import shipped_comparison
from convscope.measures.comparison.moved import sentence_of


def test_a_half_is_rounded_up_as_the_page_does() -> None:
    assert [percent(value) for value in (0.7125, 0.0625, 0.4375)] == ["71.3 %", "6.3 %", "43.8 %"]


def test_the_sentence_that_is_shipped_is_of_the_numbers_beside_it() -> None:
    moved = shipped_comparison().moved
    assert moved is not None
    assert moved.sentence == sentence_of(moved.pixels, {one.name: one.accuracy for one in moved.variants})
