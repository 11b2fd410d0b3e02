"""Wilson's interval, by law; Student's, by his table."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.core.errors import DataError, ParameterError
from convscope.core.statistics import Proportion, mean_half_width, mean_interval, wilson_interval

TRIALS = st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(TRIALS)
def test_it_lies_within_0_and_1_and_holds_the_measured_share(trial: tuple[int, int]) -> None:
    correct, total = trial
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total <= high <= 1
    assert low < high


@given(TRIALS)
def test_successes_and_failures_mirror_each_other(trial: tuple[int, int]) -> None:
    correct, total = trial
    low, high = wilson_interval(correct, total)
    assert wilson_interval(total - correct, total) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(TRIALS)
def test_its_ends_solve_the_equation_that_defines_it(trial: tuple[int, int]) -> None:
    correct, total = trial
    share, z = correct / total, 1.959963984540054
    for end in wilson_interval(correct, total):
        assert (share - end) ** 2 == pytest.approx(z * z * end * (1 - end) / total, abs=1e-9)


def test_a_published_value() -> None:
    # Newcombe 1998, table I: 81 of 263, 95 %
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_more_trials_and_less_confidence_make_it_shorter() -> None:
    def width(interval: tuple[float, float]) -> float:
        return interval[1] - interval[0]

    assert width(wilson_interval(980, 1_000)) > width(wilson_interval(9_800, 10_000))
    assert width(wilson_interval(98, 100, confidence=0.99)) > width(wilson_interval(98, 100, confidence=0.9))


def test_without_trials_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("correct", "total"), [(-1, 3), (4, 3)])
def test_more_successes_than_trials_are_refused(correct: int, total: int) -> None:
    with pytest.raises(ParameterError, match=r"`correct` must be between 0 and `total`\. Got -?\d \(of 3\)\."):
        wilson_interval(correct, total)


@pytest.mark.parametrize("confidence", [0.0, 1.0, math.nan, 95.0])
def test_a_confidence_must_be_a_fraction(confidence: float) -> None:
    with pytest.raises(ParameterError, match="`confidence` must be between 0 and 1, for example 0.95"):
        wilson_interval(1, 2, confidence)


@pytest.mark.parametrize(("confidence", "quantile"), [(0.95, 4.3027), (0.99, 9.9248)])
def test_the_interval_of_a_mean_is_students(confidence: float, quantile: float) -> None:
    assert mean_half_width([1.0, 2.0, 3.0], confidence) == pytest.approx(quantile / 3**0.5, rel=1e-4)


def test_one_value_has_no_interval() -> None:
    with pytest.raises(ParameterError, match=r"`values` must be at least two for an interval of their mean\. Got 1"):
        mean_half_width([1.0])


@given(TRIALS)
def test_a_proportion_is_its_fraction_with_the_interval(trial: tuple[int, int]) -> None:
    correct, total = trial
    accuracy = Proportion(correct=correct, total=total)
    assert accuracy.fraction == correct / total
    assert accuracy.interval == wilson_interval(correct, total) == mean_interval([correct], total)


@pytest.mark.parametrize(("correct", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_impossible_counts_are_refused(correct: int, total: int) -> None:
    with pytest.raises(DataError, match="at least 1"):
        Proportion(correct=correct, total=total)


def test_the_mean_of_several_runs_has_students_interval_within_0_and_1() -> None:
    low, high = mean_interval([90, 92, 94], 100)
    assert (low + high) / 2 == pytest.approx(0.92)
    assert high - low == pytest.approx(2 * mean_half_width([0.9, 0.92, 0.94]))
    assert mean_interval([0, 100], 100) == (0.0, 1.0)
