"""README.md and docs/: their commands exist with the options shown, their Python runs, their links lead somewhere."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from convscope.cli.group import COMMANDS, group

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"
PAGES = [README, CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")


def _blocks(page: Path, language: str) -> Iterator[str]:
    for match in re.finditer(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield match[1]


def _lines(page: Path) -> Iterator[list[str]]:
    """Give the words of every line of every shell block."""
    for block in _blocks(page, "sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


RESULTS_TABLE = CHECKOUT / "benchmarks" / "readme_table.py"
COMMAND_LINES = sorted({tuple(words) for page in PAGES for words in _lines(page) if words[0] == "convscope"})
MAKE_LINES = sorted({words[1] for page in PAGES for words in _lines(page) if words[0] == "make"})


def test_the_first_screen_has_the_two_commands() -> None:
    first = list(_lines(README))[:3]
    assert [" ".join(words) for words in first] == [
        "make demo",
        "pip install .",
        "convscope train my-photos/",
    ]
    assert README.read_text(encoding="utf-8").index("convscope train my-photos/") < 1_500


def test_the_table_of_results_is_that_of_the_result_files() -> None:
    done = subprocess.run([sys.executable, str(RESULTS_TABLE), "--check"], check=False)
    assert done.returncode == 0, "write it with: python benchmarks/readme_table.py"


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_every_command_that_is_shown_can_be_given(words: tuple[str, ...]) -> None:
    if words[1] in ("--version", "--help"):
        return
    assert words[1] in COMMANDS
    command = group.get_command(click.Context(group), words[1])
    assert command is not None
    command.make_context(words[1], list(words[2:]))  # reads every option and its type; raises a usage error


@pytest.mark.parametrize("target", MAKE_LINES)
def test_every_target_of_make_that_is_shown_exists_and_is_explained(target: str) -> None:
    assert re.search(rf"^{target}:.* ## .+", MAKEFILE, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(list(_blocks(README, "python")))))
def test_the_python_of_the_readme_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    block = list(_blocks(README, "python"))[number]
    exec(compile(block, f"README.md, block {number}", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_links_to_files_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target
