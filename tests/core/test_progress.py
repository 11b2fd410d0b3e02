"""Reporters: who sees what, how often, and that telling never stops a job."""

import errno
import io
import os
import re
import sys
import threading
from typing import TextIO

import pytest

from convscope.core.context import reporter_for
from convscope.core.progress import Plain, Reporter, Silent, Task
from convscope.core.rich_reporter import RichReporter


@pytest.fixture(autouse=True)
def _terminal_without_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def _live(stream: TextIO, width: int = 120) -> RichReporter:
    return RichReporter(stream, width=width)


def _run(reporter: Reporter) -> None:
    with reporter.task("training", total=4, unit="steps") as task:
        task.advance()
        task.advance(2, note="loss 0.31  accuracy 0.93")
        task.update(4)


def test_plain_writes_at_most_one_line_every_two_seconds_and_a_first_and_a_last() -> None:
    stream, hands = io.StringIO(), Hands()
    with Plain(stream, hands).task("training", total=10) as task:
        for step in range(100):
            hands.now = step / 10
            task.update(step / 10)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "training …"
    assert lines[-1] == "training: took 9.9 s"
    assert len(lines) == 2 + 4  # at 2, 4, 6 and 8 seconds
    assert lines[2] == "training: 40 %, 6 s left"


def test_plain_gets_slower_so_that_hours_are_no_flood() -> None:
    stream, hands = io.StringIO(), Hands()
    with Plain(stream, hands).task("training", total=36_000) as task:
        for step in range(36_000):
            hands.now = float(step)
            task.update(step)
    assert len(stream.getvalue().splitlines()) < 800


def test_plain_has_no_control_characters_even_from_names() -> None:
    stream = io.StringIO()
    reporter = Plain(stream)
    reporter.say("left out: a\nb\x1b[2J\udcff.png")
    assert stream.getvalue() == "left out: a\\nb\\x1b[2J\\xff.png\n"


@pytest.mark.parametrize("make", [Plain, _live, lambda _: Silent()], ids=["plain", "live", "silent"])
def test_a_failing_job_is_shown_as_stopped_and_its_error_goes_on(make) -> None:  # type: ignore[no-untyped-def]  # ids
    stream = io.StringIO()

    def fail() -> None:
        with make(stream).task("reading", total=4, unit="files") as task:
            task.advance()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not stream.getvalue() or re.search(r"reading: stopped after .*, 1 of 4 files, 25 %", stream.getvalue())


def test_a_reader_that_has_left_does_not_stop_the_job() -> None:
    _run(Plain(Gone()))
    _run(_live(Gone()))
    _live(Gone()).say("hello")


def test_a_closed_stream_does_not_stop_the_job() -> None:
    stream = io.StringIO()
    stream.close()
    _run(Plain(stream))
    assert isinstance(reporter_for(stream), Plain)


def test_silent_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    _run(Silent())
    Silent().say("hello")
    assert capfd.readouterr() == ("", "")


def test_live_shows_title_note_speed_and_the_time_left() -> None:
    stream = io.StringIO()
    hands = Hands()
    live = _live(stream)
    with live.task("training", total=4, unit="steps") as task:
        _with_clock(task, hands)
        task.advance()
        hands.now = 10.0
        task.advance(1, note="loss 0.31  accuracy 0.93  2,310 images/s")
        live._bars.refresh()  # type: ignore[union-attr]  # drawn now, not at the next tick
    drawn = stream.getvalue()
    for piece in ("training", "2 of 4 steps", "50 %", "0.1 steps/s", "20 s left", "accuracy 0.93", "2,310 images/s"):
        assert piece in drawn


def test_live_says_lines_above_the_bar_and_leaves_one_line_when_done() -> None:
    stream = io.StringIO()
    live = _live(stream)
    with live.task("reading", total=2, unit="files") as task:
        task.advance(2)
        live.say("left out: [bold]broken[/bold].png")
    drawn = stream.getvalue()
    assert "left out: [bold]broken[/bold].png\n" in drawn
    assert re.search(r"reading: 2 files in \d\.\d s\n$", drawn)
    assert "\x1b[?25h" in drawn  # the cursor is shown again


def test_live_jobs_may_stand_inside_each_other() -> None:
    stream = io.StringIO()
    live = _live(stream)
    with live.task("outer", total=1) as outer:
        with live.task("inner", total=1) as inner:
            inner.advance()
        outer.advance()
    assert stream.getvalue().rindex("inner: took") < stream.getvalue().rindex("outer: took")
    assert threading.active_count() < 20


def test_live_never_breaks_a_narrow_terminal() -> None:
    stream = io.StringIO()
    live = _live(stream, width=40)
    with live.task("training", total=4, unit="steps") as task:
        task.advance(1, note="a note that is far longer than what such a narrow terminal can show in one line")
        live._bars.refresh()  # type: ignore[union-attr]  # drawn now, not at the next tick
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    bars = [
        line for line in re.split(r"[\r\n]", plain) if "1 of 4" in line and "took" not in line and " in " not in line
    ]
    assert bars
    assert all(len(line) <= 40 for line in bars)


def test_a_terminal_gets_a_bar_and_a_dumb_one_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty", reason="pseudo-terminals are known only on POSIX")
    main, other = pty.openpty()
    with os.fdopen(other, "w") as terminal:
        monkeypatch.setenv("TERM", "xterm")
        reporter = reporter_for(terminal)
        assert isinstance(reporter, RichReporter)
        _run(reporter)
        monkeypatch.setenv("TERM", "dumb")
        assert isinstance(reporter_for(terminal), Plain)
        terminal.flush()
        shown = ""
        while "training: 4 steps in" not in shown:  # a read may give a part
            shown += os.read(main, 65_536).decode()
    os.close(main)
    assert "training: 4 steps in" in shown
    assert isinstance(reporter_for(io.StringIO()), Plain)


def test_an_abstract_reporter_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Reporter()  # type: ignore[abstract]  # that is the point


def _with_clock(task: Task, hands: Hands) -> None:
    """Let the job read the time from `hands`."""
    task._clock = hands
    task._began_s = 0.0


if sys.platform == "win32":
    pytest.skip("the expectations about control sequences are those of POSIX terminals", allow_module_level=True)
