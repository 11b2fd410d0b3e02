"""What is made by tools is what those tools make; what they check is right."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from convscope.core.document import program

from .javascript import NODE, STATIC, needs_node

LONGEST_MODULE, LONGEST_FUNCTION = 400, 60
FUNCTION = re.compile(r"(\s*)(?:.*\bfunction\b.*|.*=> \{|(?:async )?(?!if|for|while|switch|catch)\w+\(.*\) \{)")
PACKAGE = STATIC.parents[1]
TOOLS = Path(__file__).parents[2] / "tools" / "page"

needs_tools = pytest.mark.skipif(
    not (TOOLS / "node_modules").is_dir(), reason="the page's tools are not installed (npm ci --prefix tools/page)"
)


@needs_node
@needs_tools
def test_the_module_in_the_page_is_what_its_source_makes() -> None:
    command = [str(NODE), "build.mjs", "--print"]
    done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=True)
    written = (STATIC / "kernels.js").read_text(encoding="utf-8")
    assert done.stdout == written, "build it with: npm run build --prefix tools/page"


@needs_tools
def test_the_types_of_the_page_hold() -> None:
    compiler = TOOLS / "node_modules" / ".bin" / "tsc"
    done = subprocess.run(
        [str(compiler), "--project", "tsconfig.json"], cwd=TOOLS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[:3_000]


@needs_node
@needs_tools
def test_prettier_has_formatted_the_page() -> None:
    prettier = TOOLS / "node_modules" / ".bin" / "prettier"
    done = subprocess.run(
        [str(prettier), "--config", "package.json", "--check", f"{PACKAGE}/*/static/*.js", "*.mjs"],
        cwd=TOOLS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:3_000]


def test_no_line_of_the_page_is_longer_than_120_columns() -> None:
    long = [
        f"{path.name}:{number}"
        for path in sorted(PACKAGE.glob("*/static/*.js"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert long == []


@pytest.mark.parametrize("name", ["explorer.js", "worker.js"])
def test_no_name_is_given_twice_in_one_program(name: str) -> None:
    names = re.findall(
        r"^(?:async )?(?:function|const|let|class) (\w+)", program("convscope.explorer", name), re.MULTILINE
    )
    assert len(names) > 50
    assert [one for one, count in Counter(names).items() if count > 1] == []


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Give every function of a module that prettier has formatted: where it is, and the lines between its braces."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        start = None if line.lstrip().startswith(("*", "//", "/*")) else FUNCTION.fullmatch(line)
        if start is not None:
            end = next((at for at in range(number + 1, len(lines)) if lines[at].startswith(f"{start[1]}}}")), number)
            yield f"{path.name}:{number + 1}", end - number - 1


def test_modules_and_functions_of_the_page_stay_short() -> None:
    paths = sorted(PACKAGE.glob("*/static/*.js"))
    lengths = {where: lines for path in paths for where, lines in _functions(path)}
    assert len(lengths) > 400
    assert {where: lines for where, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}
    modules = {path.name: path.read_text(encoding="utf-8").count("\n") for path in paths}
    assert {name: lines for name, lines in modules.items() if lines > LONGEST_MODULE} == {}


@pytest.mark.skipif(not TOOLS.is_dir(), reason="the tools are not in an installed package")
def test_the_lock_names_no_address_and_every_version() -> None:
    text = (TOOLS / "package-lock.json").read_text(encoding="utf-8")
    assert "http" not in text
    lock = json.loads(text)
    wanted = json.loads((TOOLS / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert lock["packages"][""]["devDependencies"] == wanted
    assert all(part["integrity"].startswith("sha512-") for name, part in lock["packages"].items() if name)
