"""Standard streams that are closed, and a current folder that was removed: a sentence where they are needed."""

import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convscope.cli import main
from convscope.cli.standard import filled
from convscope.core.context import reporter_for
from convscope.core.errors import StorageError
from convscope.core.process import refuse_lost_folder
from convscope.core.progress import Plain
from convscope.networks.model_file import write_model
from tests.checks.models import small_model

CLOSED = [" ".join(some) for count in (1, 2, 3) for some in itertools.combinations(("<&-", ">&-", "2>&-"), count)]
posix = pytest.mark.skipif(os.name != "posix", reason="the shell's way to close them")


def run(words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command with the shell's redirections, in a folder."""
    command = f'"{sys.executable}" -m convscope {words}'
    return subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False, timeout=100)


@posix
@pytest.mark.parametrize("closed", CLOSED)
def test_what_needs_no_stream_works_without(closed: str, tmp_path: Path) -> None:
    done = run(f"cache --cache-dir x {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("stream", [None, "closed"])
def test_names_from_no_standard_input_are_one_sentence(
    stream: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_model(small_model(), tmp_path / "m.safetensors")
    closed = (tmp_path / "closed").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stdin", None if stream is None else closed)
    assert main(["predict", str(tmp_path / "m.safetensors"), "-"]) == 2
    assert (
        "Error: There is no standard input to read names from: it is closed. Name the images" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "words",
    [
        ["predict", "m.safetensors", "x.png"],
        ["predict", "m.safetensors", "x.png", "--json"],
        ["predict", "m.safetensors", "x.png", "--csv", "-"],
        ["check", "digits", "--json"],
        ["measure", "m.safetensors", "--cost", "--json"],
        ["compare", "digits", "--json"],
        ["train", "digits", "--json"],
    ],
)
def test_what_would_be_written_to_no_standard_output_is_refused_at_once(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(words) == 2
    assert "There is no standard output to write to: it is closed." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_with_all_three_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(small_model(), tmp_path / "m.safetensors")
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    words = ["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "none.png"), "--csv", str(tmp_path / "o.csv")]
    assert main(words) == 1  # the image is not there, which its row says
    assert len((tmp_path / "o.csv").read_text().splitlines()) == 2


def test_reporters_of_no_stream_are_silent() -> None:
    for reporter in (reporter_for(None), Plain(None)):
        reporter.say("nothing")
        with reporter.task("work", 2) as task:
            task.advance(2)


@posix
def test_no_file_gets_the_number_of_a_stream_that_is_closed(tmp_path: Path) -> None:
    program = "import os; from convscope.cli.standard import filled; filled().__enter__(); "
    program += "print(os.open('x', os.O_CREAT), file=open('y', 'w'))"
    subprocess.run(f'"{sys.executable}" -c "{program}" <&- >&- 2>&-', shell=True, cwd=tmp_path, check=False)
    assert int((tmp_path / "y").read_text()) > 2


LOST = 'mkdir lost && cd lost && rmdir ../lost && "{}" -m convscope {}'


@posix
@pytest.mark.parametrize(
    ("words", "code"), [("train digits", 2), ("predict m x", 2), ("cache --cache-dir /x", 0), ("train --help", 0)]
)
def test_in_a_folder_that_was_removed_there_is_one_sentence(words: str, code: int, tmp_path: Path) -> None:
    command = LOST.format(sys.executable, words)
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    assert done.stderr == "" or done.stderr.startswith("Error: The current folder")


@posix
def test_in_python_too(tmp_path: Path) -> None:
    program = "import convscope\ntry: convscope.train\nexcept OSError as error: print(error)"
    command = f"mkdir lost && cd lost && rmdir ../lost && \"{sys.executable}\" -c '{program}'"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith("The current folder"), done.stderr


@posix
def test_once_torch_is_there_absolute_paths_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import convscope

    (tmp_path / "lost").mkdir()
    monkeypatch.chdir(tmp_path / "lost")
    (tmp_path / "lost").rmdir()
    with pytest.raises(StorageError, match="current folder"):
        refuse_lost_folder()
    trained = convscope.train("digits", epochs=1, layout="4C3-MP2", output=tmp_path / "run")
    assert trained.report.images == 359
    with pytest.raises(StorageError, match="Cannot write run: its folder"):
        convscope.train("digits", epochs=1, layout="4C3-MP2", output="run")


def test_streams_are_put_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=errors) for errors in ("strict", "replace")]
    for name, stream in zip(("stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)
    with filled():
        print("\u2026")
        assert [stream.errors for stream in streams] == ["backslashreplace", "backslashreplace"]
    assert [stream.errors for stream in streams] == ["strict", "replace"]
    assert streams[0].buffer.getvalue().startswith(b"\\u2026")  # type: ignore[attr-defined]  # of BytesIO


def test_a_stream_that_was_closed_meanwhile_stays_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    with filled():
        stream.close()
    assert stream.closed
