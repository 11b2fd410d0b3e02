"""Every example in a docstring, in docs/ and in the README does what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

import convscope

PACKAGE = Path(convscope.__path__[0])
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = [
    page for page in [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))] if ">>> " in page.read_text()
]
FLAGS = doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert not failed, "see above"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, _ = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert not failed, "see above"


def test_the_modules_have_examples() -> None:
    assert len(MODULES) > 40
