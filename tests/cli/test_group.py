"""The frame around every command: exit codes, one sentence an error, names that cannot harm a terminal."""

import importlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from convscope import __version__
from convscope.cli import main
from convscope.cli.group import COMMANDS, group
from convscope.core.errors import DataError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let `convscope check` raise what a test puts into the list, or print it."""
    does: list[Any] = []

    @click.command("check")
    @click.argument("words", nargs=-1)
    @click.pass_context
    def fake(context: click.Context, /, words: tuple[str, ...]) -> None:
        del words
        for item in does:
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, int):
                context.exit(item)
            click.echo(str(item))

    monkeypatch.setattr(type(group), "get_command", lambda _self, _context, name: fake if name == "check" else None)
    return does


@pytest.mark.parametrize("code", [0, 1, 130])
def test_a_command_chooses_its_exit_code(command: list[Any], code: int) -> None:
    command.append(code)
    assert main(["check"]) == code


def test_an_error_on_purpose_is_one_sentence_and_exit_2(command: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(DataError("`data` must be a folder. Got a\nb\x1b[31m\udcff. Check the path."))
    assert main(["check"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: `data` must be a folder. Got a\\nb\\x1b[31m\\xff. Check the path.\n"


@pytest.mark.parametrize("words", [["--traceback", "check"], ["check", "--traceback"], ["check", "x", "--traceback"]])
def test_trace_may_stand_anywhere(command: list[Any], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(DataError("`data` must be a folder."))
    assert main(words) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("Error: `data` must be a folder.\n")


def test_after_two_dashes_trace_is_a_name(command: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(DataError("No."))
    assert main(["check", "--", "--traceback"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/root/x"), "Error: /root/x: Permission denied."),
        (OSError("odd"), "Error: odd."),
        (MemoryError(), "Error: There is not enough memory. Use smaller images (--size) or fewer at once (--batch)."),
        (
            KeyError("x"),
            "Error: convscope has a fault here (KeyError: 'x'). Please run the command again with --traceback",
        ),
        (click.ClickException("No."), "Error: No."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_other_error_is_a_sentence_too(
    command: list[Any], error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command.append(error)
    assert main(["check"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(sentence)
    assert "Traceback" not in err


def test_ctrl_c_is_exit_130(command: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    command.append(KeyboardInterrupt())
    assert main(["check"]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."


def test_a_reader_that_left_ends_it_quietly(command: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    command.append(BrokenPipeError())
    number = sys.stdout.fileno()
    saved = os.dup(number)
    try:
        assert main(["check"]) == 141
    finally:
        os.dup2(saved, number)
        os.close(saved)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "Got 'trian'. Did you mean 'train'?"),
        (
            ["zzz"],
            f"must be one of {', '.join(COMMANDS)}. Got 'zzz'.",
        ),
        (["--nothing"], "No such option"),
    ],
)
def test_what_does_not_exist_is_exit_2(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.endswith("See: convscope --help\n")
    assert said.count("\n") == 1


def test_ctrl_c_outside_of_every_command_is_exit_130_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("convscope.cli.group.main", stopped)
    assert main(["--help"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in ("train", "predict", "check", "cache"))
    assert "--traceback" in out


@pytest.mark.parametrize("words", [[], ["--traceback"]])
def test_the_bare_command_shows_the_help_as_help_does(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    asked = capsys.readouterr()
    assert main(words) == 0
    assert capsys.readouterr() == asked
    assert asked.out.count("\n") > 20


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_fits_eighty_columns(name: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*([] if name is None else [name]), "--help"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_argument_that_is_missing_is_one_readable_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.import_module(f"convscope.cli.{name}").command
    first = next((one for one in found.params if one.required), None)
    if first is None:  # train, compare, machine and cache need nothing
        return
    assert main([name]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(
        rf"Error: `{first.human_readable_name}` must be .*\. Got none\. See: convscope {name} --help\n", said
    )
    assert "\\" not in said


LONG = {
    "path": "x/" * 2_500,
    "words": "x y " * 1_250,
    "layout": "-".join(["2C1"] * 198 + ["2Q1"]),
    "number": "9" * 5_000,
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
@pytest.mark.parametrize(
    "words",
    [
        ["V"], ["--V"], ["check", "V"], ["train", "V"], ["train", "digits", "--epochs", "V"],
        ["train", "digits", "--layout", "V"], ["train", "digits", "--pretrain", "V", "--layout", "4C3"],
        ["train", "digits", "--size", "V"], ["train", "--resume", "V"], ["predict", "V", "V"], ["draw", "V"],
        ["draw", "layout", "V", "-o", "a.png"], ["draw", "layout", "4C3", "-o", "V"], ["draw", "filters", "V"],
        ["look", "V"], ["measure", "V", "V"], ["measure", "V", "--what", "cost"], ["features", "V", "V", "-o", "a.npz"],
        ["compare", "digits", "--variants", "V"], ["cache", "--cache-dir", "V", "V"], ["machine", "V"],
        ["measure", "digits", "digits", "--strengths", "V"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_that_is_far_too_long_is_quoted_whole(
    words: list[str], value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.replace("V", value) for word in words]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("Error: ")
    assert max(map(len, said)) <= 800
    assert value not in "".join(said)
    assert "fault" not in said[-1]


HOSTILE = "a\x1b[31m\u202e\nb"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "words",
    [
        ["draw", "layout", "4C3", "-o", "V/a.png"], ["draw", "layout", "4C3", "-o", "V.jpg"],
        ["draw", "convolution", "-o", "V.png"], ["check", "V"], ["train", "V"], ["V"], ["--V"], ["draw", "V"],
        ["train", "digits", "--epochs", "V"], ["train", "digits", "--layout", "V"], ["train", "digits", "--V"],
        ["train", "digits", "--dry-run", "--layout", "4C3", "--cache-dir", "V"], ["cache", "--cache-dir", "V"],
        ["measure", "4C3", "--what", "cost", "-o", "V"], ["predict", "V", "V"], ["look", "V", "-o", "V"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_control_characters_of_ones_own_words_are_written_out(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / HOSTILE).mkdir()
    main([word.replace("V", HOSTILE) for word in words])
    shown = "".join(capsys.readouterr())
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "\nb" not in shown  # the line end of the name
    assert r"\x1b[31m" in shown or "4C3" in words


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"convscope {__version__}\n"


def test_the_signal_handler_is_put_back(command: list[Any]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["check"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_like_an_exit_so_that_files_are_put_in_order(command: list[Any]) -> None:
    command.append(_Killing())
    with pytest.raises(SystemExit) as end:
        main(["check"])
    assert end.value.code == 143


class _Killing:
    """A text whose printing sends this process the signal."""

    def __str__(self) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "printed"


def _process(*words: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "convscope", *words],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
        timeout=120,
    )


def test_python_m_convscope_is_the_command() -> None:
    done = _process("--version")
    assert (done.returncode, done.stdout.decode().strip()) == (0, f"convscope {__version__}")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_narrow_encoding_does_not_break_an_error_about_a_wide_name(encoding: str) -> None:
    done = _process("check", "fotos-größe-写真", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 2
    assert b"fotos-gr" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="only POSIX names files by bytes")
def test_a_name_that_is_no_utf_8_is_written_out() -> None:
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"convscope", b"check", b"caf\xe9"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    done.stderr.decode("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's way to close a stream")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_is_no_fault(closed: str) -> None:
    done = subprocess.run(
        f'"{sys.executable}" -m convscope machine {closed}', shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "fault" not in done.stdout + done.stderr
