"""How far, how fast, how long still."""

import threading

import pytest

from convscope.core.progress import Task
from convscope.core.text import duration


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_is_that_of_the_whole_job() -> None:
    hands = Hands()
    task = Task("training", total=10, clock=hands)
    task.update(1)
    hands.now = 9.0
    task.update(4)
    assert task.left_s == pytest.approx(18.0)  # 3 in 9 seconds, 6 to go


def test_the_time_left_runs_down_between_two_reports() -> None:
    hands = Hands()
    task = Task("training", total=10, clock=hands)
    task.update(0)
    hands.now = 5.0
    task.update(5)
    hands.now = 7.0
    assert task.left_s == pytest.approx(3.0)
    hands.now = 70.0
    assert task.left_s == 0.0


def test_a_resumed_job_is_not_taken_for_a_fast_one() -> None:
    hands = Hands()
    task = Task("training", total=1.0, clock=hands)
    hands.now = 0.1
    task.update(0.9)  # what an earlier run did
    assert task.left_s is None
    hands.now = 10.1
    task.update(0.95)
    assert task.left_s == pytest.approx(10.0)


def test_nothing_is_said_about_the_time_left_before_it_can_be_known() -> None:
    task = Task("reading", total=5, unit="files", clock=lambda: 0.0)
    assert task.text() == "reading: 0 of 5 files, 0 %"
    task.advance(1)
    assert "left" not in task.text()


def test_an_unknown_total_still_counts() -> None:
    hands = Hands()
    task = Task("reading", total=0, unit="lines", clock=hands)
    task.advance(3)
    hands.now = 2.0
    task.advance(8)
    assert task.text() == "reading: 11 lines, 4 lines/s"
    assert task.fraction == 0.0


def test_an_empty_note_keeps_the_one_before() -> None:
    task = Task("training", total=2, clock=lambda: 0.0)
    task.advance(1, "loss 0.31")
    task.advance(0.5)
    assert task.text() == "training: 75 %  loss 0.31"


def test_a_hundred_percent_is_said_only_when_all_is_done() -> None:
    task = Task("reading", total=1_000, unit="files", clock=lambda: 0.0)
    task.update(999)
    assert "99 %" in task.text()


def test_the_closing_line_tells_a_finished_job_from_a_stopped_one() -> None:
    hands = Hands()
    task = Task("reading", total=4, unit="files", clock=hands)
    task.update(3, "one unusable")
    hands.now = 2.5
    assert task.closing(finished=True) == "reading: 3 files in 2.5 s  one unusable"
    assert task.closing(finished=False) == "reading: stopped after 2.5 s, 3 of 4 files, 75 %  one unusable"
    assert Task("listing", total=0, clock=lambda: 0.0).closing(finished=False) == "listing: stopped after 0.0 s"


def test_many_threads_lose_no_step() -> None:
    task = Task("reading", total=4_000)

    def work() -> None:
        for _ in range(1_000):
            task.advance(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert task.done == 4_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (86_400, "1 d 0 h"),
    ],
)
def test_durations_carry_over_to_the_next_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_one_of_a_kind_is_no_plural() -> None:
    task = Task("reading", total=1, unit="files")
    assert task.amount() == "0 of 1 file, 0 %"
    task.update(1)
    assert task.closing(finished=True).startswith("reading: 1 file in ")
    alone = Task("reading", total=0, unit="files")
    alone.update(1)
    assert alone.amount() == "1 file"
    alone.update(2)
    assert alone.amount() == "2 files"
