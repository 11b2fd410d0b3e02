"""Every example in a docstring, in docs/ and in the README does what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import convscope

MODULES = [
    module.name for module in pkgutil.walk_packages(convscope.__path__, "convscope.") if "__main__" not in module.name
]
CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = [
    page for page in [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))] if ">>> " in page.read_text()
]
FLAGS = doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", ["convscope", *MODULES])
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
    finder = doctest.DocTestFinder(exclude_empty=True)
    tried = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(tried) > 40
