"""Windows and receptive fields: integers that agree with counting."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.core.errors import DataError, LayoutError, ParameterError
from convscope.core.records import from_json, json_text
from convscope.layers.geometry import ReceptiveField, Window, output_size, same_padding, whole
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


@LAWS
@given(st.lists(windows, max_size=3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 9))
def test_fields_between_values_hold_all_that_they_are_made_of(
    chain: list[Window], above: int, below: int, place: int
) -> None:
    field = ReceptiveField()
    for window in chain:
        field = field.through(window)
    step = Fraction(below, above)
    last = math.floor(place * step)  # values repeated: place × step, rounded down
    repeated = field.resampled(step, Fraction(1, step.denominator) - 1, 0)
    assert repeated.first(place) <= field.first(last)
    assert repeated.ends(place + 1)[-1] >= field.ends(last + 1)[-1]


@LAWS
@given(st.integers(1, 50), st.integers(-20, 20), st.integers(1, 12))
def test_a_value_that_is_repeated_is_seen_from_everywhere(size: int, start: int, positions: int) -> None:
    field = ReceptiveField(size=size, start=start).repeated(positions)
    for position in range(positions):
        assert field.first(position) <= start
        assert field.ends(position + 1)[-1] >= start + size


@LAWS
@given(st.fractions(-50, 50, max_denominator=64), st.fractions(0, 9, max_denominator=64))
def test_fractions_come_back_from_a_record(start: Fraction, stride: Fraction) -> None:
    field = ReceptiveField(size=3, stride=whole(stride), start=whole(start))
    assert from_json(ReceptiveField, json.loads(json_text(field))) == field


@pytest.mark.parametrize("text", ["1/0", "a/b", "1/2/3", "", "١/2", "9" * 40 + "/2"])
def test_what_is_no_fraction_is_refused(text: object) -> None:
    with pytest.raises(DataError):
        from_json(ReceptiveField, {"size": 1, "stride": 1, "start": text})
