"""A forked child computes: it does not wait for the threads of its parent."""

import os
import sys
import threading
from pathlib import Path

import pytest

from convscope.core import forks
from convscope.core.forks import computing, threads_allowed
from convscope.images.decoding import decoder_messages
from convscope.images.decoding.pixel_budget import IN_FLIGHT, SMALL_PIXELS
from tests.checks import hangs

PROGRAM = Path(__file__).with_name("forked.py")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")
@pytest.mark.parametrize("work", ["pools", "busy", "ended", "others", "preloaded", "training", "torch_alone"])
def test_children_of_a_process_that_has_computed_answer_too(work: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(PROGRAM.parents[2])}
    command = [sys.executable, str(PROGRAM), work, str(tmp_path)]
    done = hangs.run(command, env=environment, most_processor_s=300)
    assert done.stdout.endswith("all have answered\n"), done.stderr[-2_000:]


@pytest.mark.skipif(sys.platform != "linux", reason="processor times of other processes are read as Linux tells them")
@pytest.mark.parametrize(
    ("work", "word"), [("threading.Event().wait()", "waits for ever"), ("\n    while True: pass", "computes for ever")]
)
def test_a_child_that_hangs_is_found_and_ended(work: str, word: str) -> None:
    program = f"import os, threading\nif os.fork() == 0: {work}\nos.wait()"
    with pytest.raises(AssertionError, match=word):
        hangs.run([sys.executable, "-c", program], most_processor_s=2, idle_s=3)


def test_a_process_that_was_not_forked_has_all_its_threads() -> None:
    assert threads_allowed(7) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_waits_until_other_threads_have_computed_their_batch() -> None:
    inside, leave, order = threading.Event(), threading.Event(), []

    def compute() -> None:
        with computing():
            inside.set()
            leave.wait()
            order.append("computed")

    other = threading.Thread(target=compute)
    other.start()
    inside.wait()
    threading.Timer(0.1, leave.set).start()
    child = os.fork()
    if child == 0:
        os._exit(7)
    order.append("forked")
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert order == ["computed", "forked"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_who_forks_while_computing_itself_does_not_wait() -> None:
    with computing(), computing():
        child = os.fork()
        if child == 0:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_finds_nothing_held_by_threads_of_its_parent() -> None:
    lock = decoder_messages._lock
    with IN_FLIGHT.held(), lock:
        IN_FLIGHT.take(2 * SMALL_PIXELS)
        child = os.fork()
        if child == 0:
            free = decoder_messages._lock.acquire(blocking=False) and decoder_messages._lock is not lock
            os._exit(0 if free and IN_FLIGHT.used == 0 else 1)
        assert IN_FLIGHT.used == 2 * SMALL_PIXELS
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fork_that_had_begun_before_the_import_ends_in_silence() -> None:
    forks._in_parent()
    with computing():
        assert not forks._Here.forking
