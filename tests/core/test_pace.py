"""How far, how fast, how long still."""

import threading

import pytest

from convscope.core.pace import Pace, duration


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_is_that_of_the_whole_job() -> None:
    hands = Hands()
    pace = Pace("training", total=10, clock=hands)
    pace.move(1)
    hands.now = 9.0
    pace.move(4)
    assert pace.left_s == pytest.approx(18.0)  # 3 in 9 seconds, 6 to go


def test_the_time_left_runs_down_between_two_reports() -> None:
    hands = Hands()
    pace = Pace("training", total=10, clock=hands)
    pace.move(0)
    hands.now = 5.0
    pace.move(5)
    hands.now = 7.0
    assert pace.left_s == pytest.approx(3.0)
    hands.now = 70.0
    assert pace.left_s == 0.0


def test_a_resumed_job_is_not_taken_for_a_fast_one() -> None:
    hands = Hands()
    pace = Pace("training", total=1.0, clock=hands)
    hands.now = 0.1
    pace.move(0.9)  # what an earlier run did
    assert pace.left_s is None
    hands.now = 10.1
    pace.move(0.95)
    assert pace.left_s == pytest.approx(10.0)


def test_nothing_is_said_about_the_time_left_before_it_can_be_known() -> None:
    pace = Pace("reading", total=5, unit="files", clock=lambda: 0.0)
    assert pace.text() == "reading: 0 of 5 files, 0 %"
    pace.add(1)
    assert "left" not in pace.text()


def test_an_unknown_total_still_counts() -> None:
    hands = Hands()
    pace = Pace("reading", total=0, unit="lines", clock=hands)
    pace.add(3)
    hands.now = 2.0
    pace.add(8)
    assert pace.text() == "reading: 11 lines, 4 lines/s"
    assert pace.fraction == 0.0


def test_an_empty_note_keeps_the_one_before() -> None:
    pace = Pace("training", total=2, clock=lambda: 0.0)
    pace.add(1, "loss 0.31")
    pace.add(0.5)
    assert pace.text() == "training: 75 %  loss 0.31"


def test_a_hundred_percent_is_said_only_when_all_is_done() -> None:
    pace = Pace("reading", total=1_000, unit="files", clock=lambda: 0.0)
    pace.move(999)
    assert "99 %" in pace.text()


def test_the_closing_line_tells_a_finished_job_from_a_stopped_one() -> None:
    hands = Hands()
    pace = Pace("reading", total=4, unit="files", clock=hands)
    pace.move(3, "one unusable")
    hands.now = 2.5
    assert pace.closing(whole=True) == "reading: 3 files in 2.5 s  one unusable"
    assert pace.closing(whole=False) == "reading: stopped after 2.5 s, 3 of 4 files, 75 %  one unusable"


def test_many_threads_lose_no_step() -> None:
    pace = Pace("reading", total=4_000)

    def work() -> None:
        for _ in range(1_000):
            pace.add(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pace.done == 4_000


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
    pace = Pace("reading", total=1, unit="files")
    assert pace.counted() == "0 of 1 file, 0 %"
    pace.move(1)
    assert pace.closing(whole=True).startswith("reading: 1 file in ")
    alone = Pace("reading", total=0, unit="files")
    alone.move(1)
    assert alone.counted() == "1 file"
    alone.move(2)
    assert alone.counted() == "2 files"
