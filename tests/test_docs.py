"""The documentation knows every command and option, every pooling and nonlinearity, and needs no network."""

import importlib.util
import pydoc
import re
from pathlib import Path
from types import ModuleType

import click
import pytest
from PIL import Image

from convscope.cli.group import COMMANDS, group
from convscope.features.classifiers import CLASSIFIERS
from convscope.features.hand_made import HAND_MADE
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.patch_learning import WAYS
from convscope.layers.pooling import POOLINGS
from convscope.measures.comparison.variants import VARIANTS
from convscope.networks.layout import LINEAR_CLASSIFIERS

CHECKOUT = Path(__file__).resolve().parents[1]
DOCS = CHECKOUT / "docs"


def _command(name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def test_the_page_of_commands_matches_the_commands() -> None:
    program = _program("commands_page")
    written = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert written == program.page(), "the options have changed: run make commands"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_on_the_page(name: str) -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    _, _, section = page.partition(f"\n## convscope {name}\n")
    section, _, _ = section.partition("\n## ")
    for option in _command(name).params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]} has no help"
            for spelling in [*option.opts, *option.secondary_opts]:
                assert spelling in section


def test_the_short_help_of_each_command_is_its_first_sentence_in_brief() -> None:
    assert list(COMMANDS) == group.list_commands(click.Context(group))
    for name, line in COMMANDS.items():
        assert _command(name).name == name
        assert line.endswith(".")
        assert len(line) < 70
        first = (_command(name).help or "").split()[0]
        assert line.split()[0] == first, f"{name}: {line!r} and its own help begin differently"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_of_the_comparison_is_explained(name: str) -> None:
    assert f"`{name}`" in (DOCS / "compare.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WAYS)
def test_every_method_to_learn_from_patches_is_explained(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "patch-learning.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*(f"`{code}`" for code in POOLINGS), *NONLINEARITIES, *LINEAR_CLASSIFIERS])
def test_every_word_of_a_layout_is_explained(word: str) -> None:
    assert word in (DOCS / "layout.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation() -> None:
    navigation = (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in DOCS.rglob("*.md"):
        assert page.relative_to(DOCS).as_posix() in navigation


def test_every_decision_has_question_choice_and_price() -> None:
    decisions = sorted((DOCS / "decisions").glob("0*.md"))
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    assert len(decisions) >= 4
    for page in decisions:
        text = page.read_text(encoding="utf-8")
        assert page.name in index
        assert all(f"\n## {part}\n" in text for part in ("Question", "Choice", "Price"))


IMAGES = DOCS / "assets" / "pages"
LAYERS = (DOCS / "layers" / "index.md").read_text(encoding="utf-8")
CLASSIFIERS_PAGE = (DOCS / "classifiers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", POOLINGS)
def test_every_pooling_has_its_formula_and_figure(code: str) -> None:
    assert f"| `{code}2` |" in LAYERS
    assert f"](../assets/pages/pooling-{code.lower()}.svg)" in LAYERS


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_every_nonlinearity_has_its_formula(name: str) -> None:
    assert f"| `{name}` |" in LAYERS


@pytest.mark.parametrize("name", [*LINEAR_CLASSIFIERS, *CLASSIFIERS, *HAND_MADE])
def test_every_classifier_and_baseline_has_its_formula(name: str) -> None:
    assert f"| `{name}` |" in CLASSIFIERS_PAGE


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_of_features_has_its_figure(name: str) -> None:
    assert f"](assets/pages/regions-{name}.svg)" in CLASSIFIERS_PAGE


def test_the_glossary_is_sorted_and_defines_each_term_once() -> None:
    rows = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("|---|---|---|\n")[2].splitlines()
    terms = [row.split(" | ")[0].removeprefix("| ").casefold() for row in rows]
    assert 40 < len(terms) < 80
    assert len(set(terms)) == len(terms)
    assert [term[0] for term in terms] == sorted(term[0] for term in terms)


def test_the_figures_of_the_pages_are_those_that_the_program_draws_and_are_small() -> None:
    program = _program("draw_pages")
    drawn = {path.stem: path for path in IMAGES.glob("*.svg")}
    assert set(drawn) == set(program.IMAGES)
    assert sum(path.stat().st_size for path in drawn.values()) < 400_000
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    assert all(f"assets/pages/{name}.svg" in pages for name in drawn)
    assert (DOCS / "assets" / "explorer.webp").stat().st_size < 150_000
    assert (DOCS / "assets" / "walk.webp").stat().st_size < 400_000
    with Image.open(DOCS / "assets" / "walk.webp") as moving:
        assert moving.n_frames > 50, "it moves"
    for name in ("pooling-mp", "convolution"):
        figure = program.IMAGES[name]()
        texts = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert all(f">{text}<" in drawn[name].read_text(encoding="utf-8") for text in texts), "run tools/draw_pages.py"


def _program(name: str, *, folder: str = "tools") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def _shown() -> list[tuple[str, str]]:
    """Return (page, object) for everything that a page takes from the package."""
    shown = []
    for path in sorted(DOCS.rglob("*.md")):
        for found in re.finditer(r"(?m)^::: (\S+)((?:\n    .*)*)", path.read_text(encoding="utf-8")):
            members = re.search(r"members: \[(.*)\]", found[2])
            names = [name.strip() for name in members[1].split(",")] if members else []
            shown += [(path.name, name) for name in (found[1], *(f"{found[1]}.{name}" for name in names))]
    return shown


@pytest.mark.parametrize(("page", "name"), _shown())
def test_what_a_page_takes_from_the_package_is_there(page: str, name: str) -> None:
    assert pydoc.locate(name) is not None, f"{page} shows {name}"
