"""The harness finds what it is there to find: kinds that are broken on purpose, each in one way."""

import json
import mmap
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.core.errors import UnreadableImageError
from convscope.images.decoding.decoder import decode

from .bytewise import CHANGES, damaged
from .campaign import Tally, read_tally, run
from .cases import Finding, Kind, Verdict, cause_of
from .commands import Ended, check_command
from .image_changes import all_changes, harmless
from .image_files import image_files
from .json_changes import changed, changed_text
from .page import BEGIN, END, PAGE, RESULTS, table, write_page, write_results
from .watching import Watcher
from .workers import Block, tried

forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="campaigns fork and ask Linux about a process")


class Broken(Kind):
    """Case 3 of ten is what a subclass makes of it."""

    name, title, cpu_s = "broken", "nothing", 0.2

    def prepare(self, folder: Path) -> None:
        self._file = folder / "theirs"
        self._file.write_text("all they have")

    def evaluate(self, seeds, watch) -> None:
        for seed in seeds:
            watch.begin(seed)
            if seed == 3:
                self.go_wrong(watch)

    def go_wrong(self, watch) -> None:
        raise NotImplementedError

    def save(self, seed: int, folder: Path) -> None:
        (folder / "file").write_text(str(seed))


class Raises(Broken):
    def go_wrong(self, watch) -> None:
        raise KeyError("nobody foresaw it")


class EndsTheProcess(Broken):
    def go_wrong(self, watch) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class NeverEnds(Broken):
    def go_wrong(self, watch) -> None:
        while True:
            pass


class WritesToStandardError(Broken):
    def go_wrong(self, watch) -> None:
        os.write(2, b"TIFFReadDirectory: so it says\n")


class TakesMemory(Broken):
    cpu_s, memory_mb = 30.0, 20

    def go_wrong(self, watch) -> None:
        with mmap.mmap(-1, 60 << 20) as fresh:  # of the system: an array may take what an earlier test has given back
            np.frombuffer(fresh, np.uint8)[:] = 1


@forks
@pytest.mark.parametrize(
    ("kind", "verdict", "cause"),
    [
        (Raises, Verdict.CRASH, "KeyError in test_harness.py, go_wrong"),
        (EndsTheProcess, Verdict.CRASH, "the process ended (SIGKILL)"),
        (NeverEnds, Verdict.HANG, "takes too long"),
        (WritesToStandardError, Verdict.WRONG, "words on standard error (TIFFReadDirectory:)"),
        (TakesMemory, Verdict.WRONG, "memory"),
    ],
)
def test_what_goes_wrong_in_one_case_is_found_and_the_others_are_tried_all_the_same(
    kind: type[Kind], verdict: Verdict, cause: str, tmp_path: Path
) -> None:
    tally = Tally(kind="broken", title="")
    run(kind(), tally, first=0, count=10, workers=1, minutes=1, folder=tmp_path, tell=lambda text: None)
    assert tally.tried == 10
    assert [(found.seed, found.verdict) for found in tally.findings] == [(3, verdict)]
    assert tally.findings[0].cause == cause


@forks
def test_cases_of_one_block_are_tried_again_where_one_of_them_ends_the_process() -> None:
    blocks = list(tried(EndsTheProcess(), iter([(0, 10)]), workers=1))
    assert sorted((block.start, block.stop) for block in blocks) == [(at, at + 1) for at in range(10)]
    assert sum(len(block.findings) for block in blocks) == 1


@forks
def test_a_campaign_goes_on_where_it_was_and_keeps_the_files_of_what_it_found(tmp_path: Path) -> None:
    options = {"workers": 2, "minutes": 1, "folder": tmp_path, "tell": lambda text: None}
    run(Raises(), Tally(kind="broken", title=""), first=0, count=6, **options)
    tally = read_tally(Raises(), tmp_path)
    assert (tally.spans, tally.cases(Verdict.CRASH)) == ([(0, 6)], 1)
    assert (tmp_path / "cases/broken-3/file").read_text() == "3"
    run(Raises(), tally, first=0, count=9, **options)
    assert (tally.spans, tally.cases(Verdict.CRASH)) == ([(0, 9)], 1)


def test_a_watch_in_the_same_process_finds_words_on_standard_error() -> None:
    watcher = Watcher(Broken(), deadline=False)
    with watcher.watching():
        watcher.begin(1)
        os.write(2, b"so it says")
        watcher.begin(2)
    assert [(found.seed, found.verdict) for found in watcher.findings] == [(1, Verdict.WRONG)]


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (Ended(code=2, out="", err="Error: convscope has a fault here (KeyError: 'x'). Please"), Verdict.CRASH),
        (Ended(code=3, out="", err="Error: no such code"), Verdict.CRASH),
        (Ended(code=2, out="", err=""), Verdict.WRONG),
        (Ended(code=0, out='{"probability": NaN}', err=""), Verdict.WRONG),
        (Ended(code=0, out='{"probability": 0.5', err=""), Verdict.WRONG),
    ],
)
def test_commands_that_end_as_none_may_are_found(ended: Ended, verdict: Verdict) -> None:
    watcher = Watcher(Broken(), deadline=False)
    check_command(ended, watcher)
    assert [found.verdict for found in watcher.findings] == [verdict]


@pytest.mark.parametrize(
    "ended", [Ended(code=0, out='{"probability": 0.5}', err=""), Ended(code=2, out="", err="Error: `x` must be y.")]
)
def test_commands_that_end_as_promised_are_not(ended: Ended) -> None:
    watcher = Watcher(Broken(), deadline=False)
    check_command(ended, watcher)
    assert watcher.findings == []


def test_a_case_is_the_same_every_time() -> None:
    one, other = Broken().random(7).bytes(20), Broken().random(7).bytes(20)
    assert one == other != Broken().random(8).bytes(20)


@pytest.mark.parametrize("change", [*CHANGES, *all_changes()])
def test_changes_take_any_file_and_seldom_leave_it_as_it_was(change) -> None:
    files = [b"", b"x", *image_files().values()]
    same = 0
    for at, data in enumerate(files):
        result = change(data, np.random.default_rng(at))
        assert isinstance(result, bytes)
        same += result == data
    assert same < len(files)


def test_damage_stays_small_enough_to_be_read() -> None:
    data = image_files()["good.png"]
    assert max(len(damaged(data, np.random.default_rng(at))) for at in range(200)) < 100 * len(data)


def test_harmless_changes_are_known_for_most_formats() -> None:
    names = [name for name, data in image_files().items() if harmless(data, np.random.default_rng(0))]
    assert {name.rpartition(".")[2] for name in names} >= {"png", "jpg", "gif", "bmp", "tif"}


def test_changed_json_is_another_value_and_the_good_one_stays() -> None:
    good = {"format_version": 1, "values": [1.5, {"x": None}], "name": "a"}
    assert any(changed(good, np.random.default_rng(at)) != good for at in range(5))
    assert good == {"format_version": 1, "values": [1.5, {"x": None}], "name": "a"}
    assert isinstance(changed_text('{"a": 1}', np.random.default_rng(1)), bytes)


def test_a_cause_is_where_convscope_was_last() -> None:
    with pytest.raises(UnreadableImageError) as found:
        decode(b"")
    assert cause_of(found.value) == "UnreadableImageError in images/decoding/decoder.py, _decode"


def test_the_page_says_how_many_were_tried_and_what_was_found(tmp_path: Path, monkeypatch) -> None:
    tally = Tally(kind="broken", title="broken things", seconds=90.0)
    found = Finding(kind="broken", seed=3, verdict=Verdict.LOST, cause="a file is gone")
    tally.add(Block(start=0, stop=1_000, findings=(found, found)))
    monkeypatch.setattr("tests.fuzz.page.RESULTS", tmp_path / "robustness.json")
    monkeypatch.setattr("tests.fuzz.page.PAGE", tmp_path / "page.md")
    text = table(results := write_results([tally]))
    assert "| broken things | 1,000 | 0 | 0 | 1 | 0 |" in text
    assert "- lost, 1 case: `a file is gone` (`--case broken:3`)" in text
    (tmp_path / "page.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(results)
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == f"before\n{BEGIN}\n{text}\n{END}\nafter\n"
    again = table(write_results([Tally(kind="broken", title=""), replace(tally, kind="images", title="images")]))
    assert [line.split("|")[1] for line in again.splitlines() if "1,000" in line] == [" images ", " broken things "]


@forks
def test_a_process_that_waits_for_ever_counts_as_a_hang(monkeypatch) -> None:
    class Waits(Broken):
        def go_wrong(self, watch) -> None:
            time.sleep(1_000)

    monkeypatch.setattr("tests.fuzz.workers.QUIET_S", 0.1)
    blocks = list(tried(Waits(), iter([(3, 4)]), workers=1))
    assert [found.verdict for block in blocks for found in block.findings] == [Verdict.HANG]


@pytest.mark.skipif(not RESULTS.exists(), reason="no campaign was written down")
def test_the_table_of_the_page_is_what_the_results_say() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == table(found), "write it with: python -m tests.fuzz --page"
