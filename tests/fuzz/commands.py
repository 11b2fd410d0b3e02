"""One command as a person types it, in this process: what it prints, how it ends, and whether that is as promised."""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convscope.cli import main

from .cases import Verdict, Watch

CODES = (0, 1, 2)
_FAULT = re.compile(r"has a fault here \((\w+)")
_FRAME = re.compile(r'File ".*?[/\\]convscope[/\\](.*?)", line \d+, in (\w+)')


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def command(words: Sequence[str], *, stdin: bytes = b"") -> Ended:
    """Run ``convscope words`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    before, sys.stdin = sys.stdin, given
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*words, "--traceback"])
    finally:
        sys.stdin = before
    return Ended(code=code, out=out.getvalue(), err=err.getvalue())


def check_command(ended: Ended, watch: Watch, *, seed: int | None = None) -> None:
    """Tell what no command may do: end in a fault, with a strange exit code, or print what is no number."""
    fault = _FAULT.search(ended.err)
    if fault is not None:
        frames = _FRAME.findall(ended.err)
        inner = [frame for frame in frames if not frame[0].startswith("cli")] or frames or [("?", "?")]
        watch.found(Verdict.CRASH, f"{fault[1]} in {inner[-1][0]}, {inner[-1][1]}", ended.err[-3000:], seed=seed)
    elif ended.code not in CODES:
        watch.found(Verdict.CRASH, f"exit code {ended.code}", ended.err[-3000:], seed=seed)
    elif ended.code == 2 and "Error:" not in ended.err:
        watch.found(Verdict.WRONG, "exit code 2 without a sentence", ended.out + ended.err, seed=seed)
    if ended.out.startswith("{") and (reason := not_strict(ended.out)):
        watch.found(Verdict.WRONG, f"JSON that is none: {reason}", ended.out[:2000], seed=seed)


def not_strict(text: str) -> str:
    """Return why a text is no strict JSON; empty where it is."""

    def refused(word: str) -> Any:
        raise ValueError(f"it holds {word}")

    try:
        json.loads(text, parse_constant=refused)
    except ValueError as error:
        return str(error)[:60]
    return ""


def contents(*places: Path) -> dict[str, bytes]:
    """Return every file in or below `places`, by its path."""
    found: dict[str, bytes] = {}
    for place in places:
        for path in (place,) if place.is_file() else sorted(place.rglob("*")):
            if path.is_file():
                found[str(path)] = path.read_bytes()
    return found


def leftovers(*places: Path) -> list[str]:
    """Return what only a command that is running may have there: half-written files and folders."""
    every = [path for place in places for path in place.rglob("*")]
    return [
        str(path) for path in every if path.name.endswith(".part") or path.name.startswith((".building-", ".removed-"))
    ]


def in_folder(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Change to a folder for a while."""
    return contextlib.chdir(folder)


def cache_in(folder: Path) -> None:
    """Let decoded images be kept in `folder`."""
    os.environ["CONVSCOPE_CACHE"] = str(folder)
