"""The map of a network that is too large for a row of columns, and its blocks opened."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.explorer.data import NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.networks.graph import Graph
from tests.page.graph_networks import graph_model
from tests.page.large_networks import densenet, efficientnet, resnet18, unet

from .opening import DESKTOP, PHONE, Open, Opened
from .test_looking import overflow, violations

LAPTOP = (1280, 800)


def page_of(graph: Graph, path: Path) -> Path:
    model = graph_model(graph, seed=1)
    side = graph.image.rows
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    images = [NamedImage(name=f"image {number}", pixels=one, truth=number) for number, one in enumerate(pixels)]
    path.write_text(render_look(explorer_data(model, images, title="large")), encoding="ascii")
    return path


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(resnet18(), tmp_path_factory.mktemp("resnet") / "look.html")


def columns(opened: Opened) -> list[str]:
    return [" ".join(text.split()) for text in opened.page.locator(".in-block .layer h3").all_inner_texts()]


def cards(opened: Opened) -> list[str]:
    found: list[str] = opened.page.locator(".block-open .block-name").all_inner_texts()
    return found


def open_block(opened: Opened, name: str) -> None:
    opened.page.locator(".block-open", has=opened.page.get_by_text(name, exact=True)).click()
    opened.settle()


@pytest.mark.parametrize(("size", "dark"), [(LAPTOP, False), (PHONE, True)], ids=["laptop-light", "phone-dark"])
def test_the_map_fits_its_window_and_axe_finds_no_violation(
    open_page: Open, resnet: Path, size: tuple[int, int], dark: bool
) -> None:
    opened = open_page(resnet, size=size, dark=dark).ready()
    name = f"map-{'phone' if size == PHONE else 'laptop'}-{'dark' if dark else 'light'}"
    opened.shot(name)
    assert overflow(opened) <= 0
    assert violations(opened) == []
    open_block(opened, "layer2.0")
    opened.shot(f"{name}-open")
    assert overflow(opened) <= 0
    assert violations(opened) == []


def test_a_block_opens_into_its_layers_and_back(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    assert len(cards(opened)) == 12
    open_block(opened, "layer2.0")
    assert [text.split()[-1] for text in columns(opened)] == [
        "layer1.1.add",
        "conv1",
        "conv2",
        "downsample.0",
        "add",
    ]
    assert "Reads layer1.1.add." in opened.text(".in-block .layer:nth-child(4)")
    assert "Adds conv2." in opened.text(".in-block .layer:nth-child(5)")
    opened.page.locator(".in-block .layer:nth-child(3) .map").nth(2).click()
    opened.settle()
    assert "layer2.0.conv2, map 3" in opened.text("#numbers .title")
    assert opened.page.locator("#numbers .working .sum").count() > 0
    opened.page.get_by_role("button", name="The block after").click()
    opened.settle()
    assert opened.text(".way [aria-current]") == "layer2.1"
    opened.page.keyboard.press("Escape")
    opened.settle()
    assert len(cards(opened)) == 12


def test_a_card_says_what_its_block_does(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    said = [" ".join(text.split()) for text in opened.page.locator(".block-what").all_inner_texts()]
    assert said[:3] == ["Convolution of 7 × 7.", "Max pooling of 3 × 3.", "2 convolutions of 3 × 3, adds its input."]
    assert said[4] == "2 convolutions of 3 × 3, adds its input through a pointwise convolution."
    assert "3 layers, 4 maps of 8 × 8" in " ".join(opened.text(".block-open >> nth=2").split())
    previews = opened.page.locator(".block-preview:visible")
    assert previews.count() == 12
    assert "class" in opened.text(".answer-bar .says")


def test_moved_images_and_units_off_are_followed_in_any_block(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    open_block(opened, "layer1.0")
    opened.page.locator("#glance .slider input").first.fill("3")
    opened.settle()
    assert opened.page.locator(".in-block .changes:visible").count() == 4
    opened.page.get_by_role("button", name="The block after").click()  # whose values before the move were not asked for
    opened.settle()
    assert opened.page.locator(".in-block .changes:visible").count() == 4
    opened.page.locator("#numbers").get_by_role("button", name="Turn this unit off").click()
    opened.settle()
    assert "1 unit turned off" in opened.text("#glance .off")
    assert ";off=6.1;open=6-8" in opened.page.evaluate("location.hash")


def test_every_number_of_an_opened_block_is_a_sum(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    open_block(opened, "layer3.1")
    for column in range(1, 5):
        opened.page.locator(f".in-block .layer:nth-child({column}) .map").first.click()
        opened.settle()
        assert opened.page.locator("#numbers .working :is(.sum, table)").count() > 0
    opened.page.get_by_role("button", name="The layer before").click()
    opened.settle()
    assert opened.page.locator(".in-block").count() == 1


def test_the_address_keeps_the_open_block(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    open_block(opened, "layer1.1")
    address = opened.page.evaluate("location.hash")
    assert address.endswith(";open=6-8")
    again = open_page(resnet, size=LAPTOP, place=address[1:]).ready()
    assert again.text(".way [aria-current]") == "layer1.1"
    unknown = open_page(resnet, size=LAPTOP, place=re.sub(r"open=.*", "open=6-9", address[1:])).ready()
    assert len(cards(unknown)) == 12


def test_back_in_the_browser_closes_the_block_and_forward_opens_it(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    open_block(opened, "layer1.1")
    opened.page.locator(".in-block .layer:nth-child(3) .map").nth(2).click()
    opened.settle()
    open_address = opened.page.evaluate("location.hash")
    opened.page.evaluate("history.back()")
    opened.until("!document.querySelector('.in-block')")
    opened.settle()
    assert len(cards(opened)) == 12
    assert ";open=" not in opened.page.evaluate("location.hash")
    opened.page.evaluate("history.forward()")
    opened.until("document.querySelector('.in-block')")
    opened.settle()
    assert opened.page.evaluate("location.hash") == open_address


def test_a_value_that_comes_into_a_block_is_shown_and_the_block_stays_open(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    open_block(opened, "layer2.0")
    opened.page.locator(".in-block .layer:nth-child(1) .map").nth(1).click()
    opened.settle()
    assert opened.text(".way [aria-current]") == "layer2.0"
    assert "layer1.1.add" in opened.text("#numbers .title")
    address = opened.page.evaluate("location.hash")
    again = open_page(resnet, size=LAPTOP, place=address[1:]).ready()
    assert again.text(".way [aria-current]") == "layer2.0"
    assert "layer1.1.add" in again.text("#numbers .title")


def test_a_layer_is_found_by_its_name_and_opened_with_enter(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    field = opened.page.get_by_role("searchbox", name="Find a layer")
    field.fill("4.0 downsample")
    assert opened.page.locator(".found li").all_inner_texts() == ["layer4.0.downsample.0"]
    field.press("Enter")
    opened.settle()
    assert opened.text(".way [aria-current]") == "layer4.0"
    assert "layer4.0.downsample.0" in opened.text("#numbers .title")
    field.fill("<b>")
    assert "No layer" in opened.text(".map-search")


def test_the_map_is_used_with_the_keyboard(open_page: Open, resnet: Path) -> None:
    opened = open_page(resnet, size=LAPTOP).ready()
    opened.page.locator(".block-open").nth(3).focus()
    opened.page.keyboard.press("Enter")
    opened.settle()
    assert opened.page.evaluate("document.activeElement.className") == "back"
    opened.page.keyboard.press("Enter")
    opened.settle()
    assert opened.page.evaluate("document.activeElement.querySelector('.block-name').textContent") == "layer1.1"


def test_depthwise_and_pointwise_convolutions_are_explained(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(page_of(efficientnet(gate=True), tmp_path / "look.html"), size=LAPTOP).ready()
    opened.shot("map-efficientnet")
    assert "each unit sees one map only" in opened.text(".kinds")
    assert "mixes all maps at one position" in opened.text(".kinds")
    open_block(opened, "blocks.3.1")
    opened.shot("map-efficientnet-open")
    assert "each unit sees one map only" in opened.text(".in-block .layer:nth-child(3)")
    assert overflow(opened) <= 0


def test_a_block_of_blocks_opens_into_their_map(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(page_of(densenet(), tmp_path / "look.html"), size=LAPTOP).ready()
    opened.shot("map-densenet")
    open_block(opened, "features.denseblock2")
    opened.shot("map-densenet-open")
    assert cards(opened)[:2] == ["denselayer1", "denselayer2"]
    assert "Concatenates" in opened.text(".block-open:nth-child(1) >> nth=2")
    open_block(opened, "denselayer3")
    assert "features.denseblock2" in opened.text(".way")
    assert [text.split()[-1] for text in columns(opened)][-3:] == ["cat", "conv1", "conv2"]


def test_paths_of_a_small_network_are_named_in_its_columns(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(page_of(unet(3, classes=True), tmp_path / "look.html"), size=DESKTOP).ready()
    opened.shot("unet-columns")
    assert opened.page.locator(".network-map").count() == 0
    reads: list[Any] = opened.page.locator(".layer .reads", has_text="Concatenates").all_inner_texts()
    assert reads == ["Concatenates down1.conv.3.", "Concatenates inc.conv.3."]


def test_what_is_saved_says_that_closed_blocks_are_left_out_and_has_the_layers_of_an_open_one(
    open_page: Open, resnet: Path
) -> None:
    def drawn() -> str:
        with opened.page.expect_download() as download:
            opened.page.locator("#glance .save").get_by_role("button", name=" SVG: ").click()
        return Path(download.value.path()).read_text(encoding="utf-8")

    opened = open_page(resnet).ready()
    assert "closed blocks" in drawn()
    assert "layer1.0.conv2" not in drawn()
    open_block(opened, "layer1.0")
    assert "layer1.0.conv2" in drawn()
