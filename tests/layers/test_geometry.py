"""Windows and receptive fields: integers that agree with counting."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.core.errors import LayoutError, ParameterError
from convscope.layers.geometry import ReceptiveField, Window, output_size, same_padding
from tests.checks.laws import LAWS

windows = st.builds(
    Window, kernel=st.integers(1, 7), stride=st.integers(1, 4), before=st.integers(0, 3), after=st.integers(0, 3)
)


@LAWS
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(0, 9))
def test_the_number_of_places_is_what_counting_gives(size: int, kernel: int, stride: int, padding: int) -> None:
    places = [first for first in range(0, size + padding, stride) if first + kernel <= size + padding]
    if places:
        assert output_size(size, kernel, stride, padding) == len(places)
    else:
        with pytest.raises(LayoutError, match="`kernel` must be at most the side of the map with its padding"):
            output_size(size, kernel, stride, padding)


@pytest.mark.parametrize("arguments", [(0, 1), (1, 0), (5, 3, 0), (5, 3, 1, -1), (-5, 3)])
def test_sizes_that_are_none_are_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ParameterError, match="`size`, `kernel` and `stride` must be at least 1"):
        output_size(*arguments)


@pytest.mark.parametrize("values", [{"kernel": 0}, {"kernel": 1, "stride": 0}, {"kernel": 2, "before": -1}])
def test_windows_that_are_none_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(
        ParameterError, match="`kernel`, `stride` and `dilation` must be at least 1, `before` and `after`"
    ):
        Window(**values)


@LAWS
@given(st.integers(1, 200), st.integers(1, 200))
def test_same_padding_keeps_any_side(kernel: int, size: int) -> None:
    before, after = same_padding(kernel)
    assert output_size(size, kernel, padding=before + after) == size
    assert 0 <= after - before <= 1


@LAWS
@given(st.lists(windows, max_size=4), st.integers(0, 5))
def test_the_field_is_the_box_of_pixels_found_by_following_every_window_down(chain: list[Window], place: int) -> None:
    field = ReceptiveField()
    for window in chain:
        field = field.through(window)
    seen = {place}
    for window in reversed(chain):
        seen = {at * window.stride - window.before + offset for at in seen for offset in range(window.kernel)}
    assert min(seen) == field.start + place * field.stride
    assert max(seen) == field.start + place * field.stride + field.size - 1
    assert Fraction(min(seen) + max(seen), 2) == field.center + place * field.stride
