"""The pages of a run and of the comparison beside it link to each other, whichever is written last."""

import os
import re
import shutil
from pathlib import Path

import pytest

import convscope
from convscope.api.compare_files import write_files
from convscope.core.document import static
from convscope.explorer.comparison import SHIPPED, shipped_comparison
from tests.measures.comparison.made_up import comparison, variant
from tests.page.test_look_page import data_of

LAYOUT = "4C3-MP2"


def links(path: Path) -> set[str]:
    nav = path.read_text(encoding="utf-8").partition('<nav class="pages"')[2].partition("</nav>")[0]
    return set(re.findall('href="([^"]*)"', nav))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pages")
    convscope.train("digits", layout=LAYOUT, epochs=1, output=place / "digits-1")
    return place


def test_the_three_pages_link_to_each_other(folder: Path) -> None:
    run = folder / "digits-1"
    assert links(run / "report.html") == set()
    alone = convscope.look(run).path
    assert "Measured on networks that come with convscope" in alone.read_text(encoding="ascii")
    assert (links(alone), links(run / "report.html")) == ({"report.html"}, {"look.html"})
    found = comparison(variant("convolution", 0.9), variant("mlp-parameters", 0.6), data="digits", layout=LAYOUT)
    page = write_files(found, folder / "compare-digits")
    assert links(page) == {"../digits-1/look.html", "../digits-1/report.html"}
    assert links(run / "report.html") == {"look.html", "../compare-digits/compare.html"}
    again = convscope.look(run, force=True).path
    assert links(again) == {"report.html", "../compare-digits/compare.html"}
    assert '"data":"made up"' not in data_of(again.read_text(encoding="ascii"))


def test_the_comparison_that_comes_with_the_package_has_the_whole_sentence_in_a_few_kilobytes() -> None:
    shipped = shipped_comparison()
    assert len(static("convscope.explorer", SHIPPED)) < 10_000
    assert not shipped.own
    assert shipped.seeds == 5
    assert shipped.moved is not None
    accuracies = {row.name: row.accuracy for row in shipped.moved.variants}
    assert list(accuracies) == ["shared weights", "own weights", "plain network", "without pooling"]
    assert max(accuracies, key=lambda name: accuracies[name]) == "shared weights"


@pytest.mark.parametrize("place", ["digits-1/mine", "digits-1", "mine"], ids=["inside", "the run itself", "beside"])
def test_a_comparison_in_any_folder_in_or_beside_the_run_is_linked(folder: Path, tmp_path: Path, place: str) -> None:
    run = tmp_path / "digits-1"
    shutil.copytree(folder / "digits-1", run)
    convscope.look(run, force=True)
    found = comparison(variant("convolution", 0.9), variant("mlp-parameters", 0.6), data="digits", layout=LAYOUT)
    page = write_files(found, tmp_path / place)
    for target in ("look.html", "report.html"):
        assert os.path.relpath(page, run) in links(run / target)
        assert os.path.relpath(run / target, page.parent) in links(page)
    convscope.look(run, force=True)
    assert os.path.relpath(page, run) in links(run / "look.html"), "whichever is written last"


def test_a_report_that_is_written_again_keeps_its_links(tmp_path: Path) -> None:
    run = tmp_path / "digits-1"
    convscope.train("digits", layout=LAYOUT, epochs=1, output=run)
    convscope.look(run)
    assert links(run / "report.html") == {"look.html"}
    convscope.train(resume=run)
    assert links(run / "report.html") == {"look.html"}
