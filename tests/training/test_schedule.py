"""One cycle of the learning rate, and the pace that leads through it."""

from typing import Any

import pytest

from convscope.core.errors import ParameterError
from convscope.training.state import TrainingClock, learning_rate_factor


@pytest.mark.parametrize("warmup", [0.0, 0.01, 0.2, 0.99])
def test_the_rate_rises_to_one_and_falls_to_zero(warmup: float) -> None:
    factors = [learning_rate_factor(part / 1_000, warmup) for part in range(1_001)]
    top = factors.index(max(factors))
    assert max(factors) == pytest.approx(1, abs=0.02)
    assert top == pytest.approx(1_000 * warmup, abs=1)
    assert factors[-1] == 0
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_the_rate_is_never_below_zero_past_the_end() -> None:
    assert learning_rate_factor(1.0000001, 0.2) == 0


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 1_000, 123_457])
def test_as_many_steps_as_planned_are_taken(steps: int) -> None:
    pace = TrainingClock(per_step=1 / steps)
    taken = 0
    while not pace.done:
        pace.step()
        taken += 1
    assert taken == steps
    assert pace.fraction == pytest.approx(1)


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_every_step_learns_even_the_first_and_the_last(steps: int) -> None:
    pace = TrainingClock(per_step=1 / steps)
    for _ in range(steps):
        assert 0 < learning_rate_factor(pace.midpoint, 0.2) <= 1
        pace.step()


class Clock:
    """A clock that is turned by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("convscope.training.state.time.monotonic", clock)
    return clock


def go(pace: TrainingClock, clock: Clock, seconds_per_step: Any) -> int:
    taken = 0
    while not pace.done:
        clock.now += seconds_per_step(taken)
        pace.step()
        taken += 1
        assert taken < 100_000
    return taken


@pytest.mark.parametrize("guess", [3, 100, 50_000])
@pytest.mark.parametrize(
    "seconds", [lambda step: 0.1, lambda step: 0.05 if step < 400 else 0.2, lambda step: 0.1 + 0.05 * (step % 2)]
)
def test_a_time_budget_is_kept_and_the_rate_ends_near_zero(guess: int, seconds: Any, clock: Clock) -> None:
    pace = TrainingClock(per_step=1 / guess, budget_s=100.0, started_s=clock.now)
    go(pace, clock, seconds)
    if guess > 3:
        assert pace.elapsed_s == pytest.approx(100, rel=0.05)
        assert pace.fraction > 0.95
    else:
        assert pace.elapsed_s <= 100


@pytest.mark.parametrize("after", [0, 30, 300])
def test_what_comes_after_the_last_step_belongs_to_the_budget(after: int, clock: Clock) -> None:
    pace = TrainingClock(per_step=1 / 100, budget_s=100.0, started_s=clock.now, after=after)
    go(pace, clock, lambda step: 0.1)
    assert pace.elapsed_s + after * 0.1 == pytest.approx(100, rel=0.02)
    assert pace.fraction > 0.95


def test_a_slow_start_is_not_taken_for_slow_steps(clock: Clock) -> None:
    pace = TrainingClock(per_step=1 / 100, budget_s=100.0, started_s=clock.now, after=20)
    go(pace, clock, lambda step: 0.1 if step else 40.0)  # processes start before the first
    assert pace.elapsed_s + 20 * 0.1 == pytest.approx(100, rel=0.02)
    assert pace.fraction > 0.95


def test_a_resumed_time_budget_goes_on_as_if_it_had_not_stopped(clock: Clock) -> None:
    whole = TrainingClock(per_step=1 / 1_000, budget_s=100.0, started_s=clock.now)
    for _ in range(500):
        clock.now += 0.1
        whole.step()
    resumed = TrainingClock(per_step=1 / 7, budget_s=100.0, started_s=clock.now)
    clock.now += 3_600  # an hour later
    resumed.go_on(fraction=whole.fraction, per_step=whole.per_step, before_s=whole.elapsed_s - 3_600)
    assert resumed.elapsed_s == pytest.approx(50)
    taken = go(resumed, clock, lambda step: 0.1)
    assert taken == pytest.approx(500, rel=0.05)
    assert resumed.elapsed_s == pytest.approx(100, rel=0.03)


@pytest.mark.parametrize("budget", [0.0, -5.0, float("nan")])
def test_a_budget_that_leaves_no_time_is_refused(budget: float) -> None:
    with pytest.raises(ParameterError, match=r"`minutes` must leave some time for training\. Got"):
        TrainingClock(per_step=0.1, budget_s=budget)


@pytest.mark.parametrize(
    ("budget", "seconds", "after"), [(60, 2.0, 0.5), (100, 0.7, 0), (58, 0.55, 0.5), (600, 5, 0.5)]
)
def test_where_the_last_step_ends_the_way_no_step_is_left(
    budget: float, seconds: float, after: float, clock: Clock
) -> None:
    pace = TrainingClock(per_step=1 / 1_000, budget_s=budget, after=after, started_s=clock.now)
    go(pace, clock, lambda step: seconds)
    assert pace.fraction == 1
    assert pace.per_step > 0
    assert pace.steps_left == 0


def test_a_run_that_was_kept_at_its_end_with_no_pace_goes_on_with_no_step() -> None:
    pace = TrainingClock(per_step=0.1)
    pace.go_on(fraction=1.0, per_step=0.0, before_s=3.0)
    assert pace.done
    assert pace.steps_left == 0
