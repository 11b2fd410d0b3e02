"""A network of branches on the page: every layer opens, and says what its values are made of."""

from pathlib import Path

import pytest

from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from tests.page.graph_networks import every_graph
from tests.page.test_graphs import image_for

from .opening import Open


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = every_graph()["branches"]
    path = tmp_path_factory.mktemp("graphs") / "look.html"
    images = [NamedImage(name="one", pixels=image_for(model))]
    path.write_text(render_look(explorer_data(model, images)), encoding="ascii")
    return path


def test_every_layer_of_a_graph_opens_and_says_what_a_value_is_made_of(open_page: Open, branches: Path) -> None:
    opened = open_page(branches).ready()
    assert "pixels and, through a gate, on the whole image" in opened.page.locator("#glance").inner_text()
    nodes = every_graph()["branches"].network.plan.layers
    for number, node in enumerate(nodes, 1):
        opened.page.evaluate(f"location.hash = '#1/{number}/1/1/1'")
        opened.settle()
        working = opened.text("#numbers .working")
        assert working.strip(), node.name
        if node.name == "gated":
            assert " × " in working
            assert "se.expand" in working, "the gate is named"
        if node.name == "cat":
            assert "product, map 1" in working


def test_a_unit_of_a_branch_can_be_turned_off_and_a_term_opens_where_it_comes_from(
    open_page: Open, branches: Path
) -> None:
    opened = open_page(branches, place="1/4/2/3/3").ready()
    opened.page.locator("#numbers .working .link").nth(1).click()
    opened.until("location.hash.startsWith('#1/2/2/3/3')")
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.until("location.hash.includes('off=2.2')")
    opened.settle()
    assert "0" in opened.text("#numbers .working")
