"""A process knows how long it has been there, and looks seldom for objects that nobody uses."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convscope.cli import main
from convscope.core.process import end_soon, seconds_since_start, seldom_collecting


def test_it_counts_from_the_start_of_the_process_and_not_of_the_module() -> None:
    program = "import time; time.sleep(0.3); from convscope.core.process import seconds_since_start as s; print(s())"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert 0.28 < float(done.stdout) < time.monotonic() - started + 0.05


def test_where_nothing_says_when_it_is_the_time_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*given: object, **named: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    before = time.process_time()
    assert before <= seconds_since_start() <= time.process_time()


def test_collecting_is_seldom_inside_and_as_before_outside() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        assert gc.get_threshold()[0] >= 100_000
        assert gc.get_threshold()[1:] == before[1:]
    assert gc.get_threshold() == before


def test_who_has_switched_collecting_off_keeps_it_off() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(0)
        with seldom_collecting():
            assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_a_process_that_ends_soon_is_not_looked_through_again() -> None:
    try:
        end_soon()
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()


def test_only_a_process_that_is_the_command_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    main(["--version"])
    assert gc.get_freeze_count() == 0
    try:
        monkeypatch.setattr(sys, "argv", ["convscope", "--version"])
        main()
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()
