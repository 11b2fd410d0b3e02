"""The units on the page: its patches are those of the record, cut as Python cuts them, and all of it fits."""

import base64
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convscope.core.document import inline_json
from convscope.core.records import from_json, to_json
from convscope.explorer import units as module
from convscope.explorer.data import ExplorerData, NamedImage, explorer_data
from convscope.explorer.page import render_look
from convscope.explorer.units import UnitsData, units_data
from convscope.layers.kinds import Linear
from convscope.measures.units.measuring import measure_units
from convscope.measures.units.patches import cut
from convscope.measures.units.records import UnitsRecord
from convscope.networks.folding import fold
from convscope.networks.model import Model
from tests.checks.models import small_model, some_pixels

from .javascript import needs_node, run_driver
from .test_report_page import HOSTILE, Page

COUNT = 6
IN_PAGE = {0: 2, 3: 0, 4: 1}  # measured image: its place in the page


def measured(text: str) -> tuple[Model, np.ndarray, UnitsRecord]:
    model, images = small_model(text), some_pixels(COUNT, seed=5)
    return model, images, measure_units(model, images, labels=np.arange(COUNT) % 3, name=lambda at: HOSTILE[at])


def page_of(text: str) -> tuple[Model, np.ndarray, UnitsRecord, ExplorerData]:
    model, images, record = measured(text)
    units = units_data(record, in_page=IN_PAGE, image=lambda at: images[at], background=(1, 2, 3))
    shown = [NamedImage(name="", pixels=images[at]) for at in sorted(IN_PAGE, key=lambda at: IN_PAGE[at])]
    return model, images, record, replace(explorer_data(model, shown), units=units)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    pages = [page_of(text) for text in ("4C3-MP2-6C5/2-5N", "3U3:2-AP2-5N")]
    made = run_driver("units_driver.mjs", [to_json(page[3]) for page in pages], tmp_path_factory.mktemp("units"))
    return [(*page, result) for page, result in zip(pages, made, strict=True)]


@needs_node
def test_patches_on_the_page_are_those_of_the_record_cut_as_python_cuts_them(drawn: Any) -> None:
    count = {"page": 0, "own": 0}
    for _, images, record, data, made in drawn:
        for layer, found, here in zip(record.layers, made, data.units.layers, strict=True):
            fields = layer.field_rows, layer.field_columns
            whole = fields[0].size >= 17 and fields[1].size >= 14
            for unit, drawn_unit, shown in zip(layer.units, found, here.units, strict=True):
                for top, patch, kept in zip(unit.top, drawn_unit["patches"], shown.top, strict=True):
                    own = cut(images[top.image], fields, (top.row, top.column), (1, 2, 3))
                    seen = images[top.image] if whole else own
                    if kept[0] < 0:
                        count["own"] += 1
                        with Image.open(io.BytesIO(base64.b64decode(patch["webp"]))) as stored:
                            far = np.abs(np.asarray(stored.convert("RGB")).astype(int) - seen).max()
                        assert far <= (8 if whole else 0), "whole images have 16 shades"
                        continue
                    assert kept[0] == IN_PAGE[top.image]
                    count["page"] += 1
                    pixels = np.frombuffer(base64.b64decode(patch["pixels"]), np.uint8)
                    np.testing.assert_array_equal(pixels.reshape(seen.shape), seen)
    assert min(count.values()) > 10


@needs_node
def test_the_weights_shown_are_those_on_the_maps_that_count_most(drawn: Any) -> None:
    for model, _, record, _, made in drawn:
        for layer, found in zip(record.layers, made, strict=True):
            folded = fold(model.network)
            node = folded.graph.nodes[layer.layer - 1]
            weights = folded.tensors_of(node)["weight"].numpy()
            for place, unit in enumerate(found):
                if not isinstance(node.layer, Linear):
                    down, across = weights.shape[0] // 2, weights.shape[1] // 2
                    central = weights[down, across] if weights.ndim == 6 else weights
                    own = (central[place] ** 2).sum(axis=(1, 2))
                else:
                    below = model.network.plan.below(layer.layer - 1).maps
                    own = (weights[place].reshape(below, -1) ** 2).sum(axis=1)
                best = np.argsort(-own, kind="stable")[:4]
                np.testing.assert_allclose([own[one["map"]] for one in unit["inputs"]], own[best], rtol=1e-5)


def test_patches_that_do_not_fit_are_left_out_the_weakest_of_each_unit_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _, images, record = measured("4C3-MP2-6N")

    def patches(most: int) -> tuple[int, list[int]]:
        monkeypatch.setattr(module, "MOST_PATCH_TEXT", most)
        monkeypatch.setattr(module, "TEXT_OF_VALUE", 0)
        data = units_data(record, in_page={}, image=lambda at: images[at], background=(0, 0, 0))
        units = [unit for layer in data.layers for unit in layer.units]
        return sum(len(webp) for _, webp in data.elsewhere), [len(unit.top) for unit in units]

    everything, counts = patches(10**9)
    assert max(counts) == COUNT, "as many as there are images; at most nine"
    less, fewer = patches(everything // 2)
    assert 0 < less <= everything // 2
    assert min(fewer) >= 1
    assert max(fewer) < max(counts)
    assert patches(0)[0] == 0


def test_without_pixels_only_patches_of_images_in_the_page_are_there() -> None:
    _, _, record = measured("4C3-MP2-6N")
    data = units_data(record, in_page=IN_PAGE)
    tops = [one for layer in data.layers for unit in layer.units for one in unit.top]
    assert tops
    assert {image for image, *_ in tops} == {0, 1, 2}
    assert data.elsewhere == ()


def test_names_from_elsewhere_stay_names_and_the_record_comes_back() -> None:
    data = page_of("4C3-MP2-6N")[3]
    plain = json.loads(inline_json(to_json(data)))
    assert to_json(from_json(ExplorerData, plain)) == plain
    assert isinstance(data.units, UnitsData)
    text = render_look(data)
    assert [kind for kind, _ in Page(text).elements].count("script") == 3
    assert not Page(text).all("img")
    names = "".join(name for name, _ in data.units.elsewhere)
    assert "<" in names, "some are hostile"
    assert not set("\u202e\u2028\x00") & set(names)


def test_the_classes_that_a_unit_fires_for_most_come_first() -> None:
    _, _, record = measured("4C3-MP2-6N")
    data = units_data(record, in_page={})
    for layer, here in zip(record.layers, data.layers, strict=True):
        for unit, shown in zip(layer.units, here.units, strict=True):
            values = [value for _, value in shown.classes]
            assert values == sorted(values, reverse=True)
            if unit.silent < 1:
                assert shown.classes[0][0] == int(np.argmax(unit.class_means))
                assert values[-1] == min(unit.class_means), "the last is the one that it fires least for"
