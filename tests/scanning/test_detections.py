"""Positions found on images whose truth is known, and the naive conversion beside the exact one."""

import base64
import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from convscope.api.scan import scan
from convscope.core.errors import DataError, ParameterError
from convscope.networks.folding import fold
from convscope.networks.model import Model
from convscope.scanning.alarms import Blank, false_alarms
from convscope.scanning.dense import dense_logits, dense_plan
from convscope.scanning.detections import Candidate, Search, detections, suppressed
from convscope.scanning.grid import Box, Grid
from convscope.scanning.overlay import Overlay, class_colors
from tests.checks.laws import LAWS
from tests.checks.mosaics import mosaic
from tests.checks.scans import pixels, scan_model
from tests.oracles.sliding import naive_conversion, window_by_window
from tests.page.test_look_page import data_of
from tests.page.test_report_page import Page

GRID = Grid(image=(67, 87), window=(8, 8), stride=1, tile=32)


def searched(probability: NDArray[np.float32], **settings: float) -> list[tuple[int, int]]:
    """Return the places found in the map of one class."""
    search = Search(classes=("a", "b"), wanted=("b",), **{"threshold": 0.5, "distance": 5.0, **settings})
    values = np.stack([1 - probability, probability], axis=-1)

    def read(box: Box) -> NDArray[np.float32]:
        return values[box.row : box.row + box.rows, box.column : box.column + box.columns]

    return [(one.row, one.column) for one in detections(read, GRID, search)]


def test_the_middle_of_a_plateau_is_found_once() -> None:
    values = np.zeros(GRID.shape, np.float32)
    values[10:17, 20:27] = 1.0
    values[40:43, 50:53] = 0.8
    assert searched(values) == [(13, 23), (41, 51)]
    assert searched(values, threshold=0.9) == [(13, 23)]


def test_two_positions_are_never_nearer_than_the_distance() -> None:
    values = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    found = np.array(searched(values, distance=7.0))
    apart = np.hypot(*(found[:, None] - found[None]).transpose(2, 0, 1)) + 100 * np.eye(len(found))
    assert len(found) > 10
    assert apart.min() >= 7


def test_the_table_is_in_pixels_of_the_image(tmp_path: Path) -> None:
    options = {"classes": ["b"], "threshold": 0.0, "scale": 2.0, "edges": "pad"}
    found = scan(scan_model(), pixels(20, 24), positions=tmp_path / "found.csv", **options).found
    rows = list(csv.DictReader((tmp_path / "found.csv").read_text().splitlines()))
    assert len(rows) == len(found) > 0
    assert {row["width"] for row in rows} == {"4"}  # 8 pixels of the network
    assert all(abs(float(row["left"]) + 2 - float(row["x"])) < 1e-6 for row in rows)
    assert {row["padded"] for row in rows} <= {"yes", "no"}
    scan(scan_model(), pixels(20, 24), positions=tmp_path / "found.geojson", **options)
    document = json.loads((tmp_path / "found.geojson").read_text())
    first = document["features"][0]
    ring = np.array(first["geometry"]["coordinates"][0])
    assert (ring[0] == ring[-1]).all()
    assert np.allclose(ring[:4].mean(axis=0) - 0.5, [found[0].x, found[0].y])
    assert document["type"] == "FeatureCollection"
    assert (first["type"], first["geometry"]["type"]) == ("Feature", "Polygon")
    assert set(first["properties"]) == {"objectType", "classification", "measurements"}  # as QuPath reads them
    assert first["properties"]["objectType"] == "annotation"
    assert first["properties"]["classification"] == {"name": "b", "color": class_colors(2)[1].tolist()}
    assert all(isinstance(number, float) for number in first["properties"]["measurements"].values())


def test_a_table_has_one_of_two_endings(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="csv"):
        scan(scan_model(), pixels(20, 24), positions=tmp_path / "found.xlsx")


def test_the_overlay_has_the_size_of_the_image_and_colors_inside_the_rim(tmp_path: Path) -> None:
    image = np.full((30, 40, 1), 100, np.uint8)
    scan(scan_model(), image, overlay=tmp_path / "overlay.png")
    shown = np.asarray(Image.open(tmp_path / "overlay.png"))
    assert shown.shape == (30, 40, 3)
    assert (shown[0] == 100).all()
    assert (shown[10, 10] != 100).any()
    assert len({tuple(color) for color in class_colors(40).tolist()}) == 40


def test_an_overlay_has_the_format_of_its_ending(tmp_path: Path) -> None:
    for name, kind in (("overlay.png", "PNG"), ("overlay.jpg", "JPEG"), ("overlay.JPEG", "JPEG")):
        scan(scan_model(), pixels(30, 40), overlay=tmp_path / name)
        with Image.open(tmp_path / name) as shown:
            assert shown.format == kind
    with pytest.raises(ParameterError, match=r"\.png, \.jpg"):
        scan(scan_model(), pixels(30, 40), overlay=tmp_path / "overlay.gif")


def test_a_class_named_background_is_shown_and_listed_only_if_it_is_named(tmp_path: Path) -> None:
    image, model = pixels(40, 44), dataclasses.replace(scan_model(), classes=("a", "Background", "c"))
    files = {"overlay": tmp_path / "overlay.png", "positions": tmp_path / "table.csv"}
    found = scan(model, image, threshold=0.0, **files)
    assert {one.label for one in found.found} <= {"a", "c"}
    found = scan(model, image, classes=["Background"], threshold=0.0, positions=tmp_path / "named.csv")
    assert {one.label for one in found.found} == {"Background"}
    scan(model, image, classes=["a", "c"], overlay=tmp_path / "others.png")
    assert files["overlay"].read_bytes() == (tmp_path / "others.png").read_bytes()
    only = dataclasses.replace(model, classes=("background", "Background", "BACKGROUND"))
    assert scan(only, image, threshold=0.0, positions=tmp_path / "all.csv").found


def test_at_the_place_of_an_image_the_scan_says_what_predict_says_of_it() -> None:
    model = scan_model("4C3-MP2-8N")
    images = pixels(12, 8 * 8).reshape(12, 8, 8, 1)
    made = mosaic(images, np.arange(12), size=(60, 70), count=12)
    found = scan(model, made.pixels, dtype="float32").maps[made.places[:, 0], made.places[:, 1]]
    assert np.allclose(found, model.predict_proba(images[made.labels]), atol=1e-5)


def logits(model: Model, image: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the logits by window, dense, and by the naive conversion."""
    network = fold(model.network)
    plan = dense_plan(network.graph, 1)
    assert plan is not None
    with torch.inference_mode():
        maps = network.standardize(torch.from_numpy(image)[None])
        return window_by_window(network, maps, 1), dense_logits(network, plan, maps), naive_conversion(network, maps)


def test_the_naive_conversion_is_right_without_zeros_and_wrong_with_them() -> None:
    image = pixels(40, 40)
    expected, found, naive = logits(scan_model("4C3v-MP2-8N"), image)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(naive, expected, atol=1e-5)
    expected, found, naive = logits(scan_model("4C3-MP2-4C3-8N"), image)
    assert torch.allclose(found, expected, atol=1e-5)
    assert float((naive - expected).abs().max()) > 0.1


def test_the_positions_found_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ndimage.gaussian_filter(np.random.default_rng(1).random((300, 260)), 2).astype(np.float32)
    grid = Grid(image=(307, 267), window=(8, 8), stride=1, tile=32)
    search = Search(classes=("a",), wanted=("a",), threshold=0.5, distance=6.0)
    found = []
    for block in (512, 64, 24):
        monkeypatch.setattr("convscope.scanning.detections.BLOCK", block)
        found.append(
            detections(
                lambda box: values[box.row : box.row + box.rows, box.column : box.column + box.columns, None],
                grid,
                search,
            )
        )
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 50


def blank(values: list[float], *, side: int = 400) -> Blank:
    """Return a blank image with candidates far apart."""
    grid = Grid(image=(side, side), window=(8, 8), stride=1, tile=32)
    places = [divmod(index, 30) for index in range(len(values))]
    found = [Candidate(1, 13 * row, 13 * column, 0, value) for (row, column), value in zip(places, values, strict=True)]
    return Blank(grid=grid, pixels=side * side, found=found)


@given(st.lists(st.integers(128, 255), max_size=100), st.integers(0, 30))
@settings(LAWS, max_examples=50)
def test_the_threshold_is_the_lowest_that_has_the_rate(levels: list[int], allowed: int) -> None:
    one = blank([level / 255 for level in levels])
    search = Search(classes=("a",), wanted=("a",), threshold=0.5, distance=5.0)
    rate = (allowed + 0.5) / 0.16
    if levels.count(255) > allowed:
        with pytest.raises(DataError, match="probability of 1"):
            false_alarms([one], search, rate=rate, step=1 / 255)
        return
    found = false_alarms([one], search, rate=rate, step=1 / 255)
    assert found.found == sum(level / 255 >= found.threshold for level in levels) <= allowed
    lower = [level for level in levels if level / 255 < found.threshold - 1e-9]
    if lower:
        assert len(levels) - len(lower) + lower.count(max(lower)) > allowed
    assert found.rate == pytest.approx(found.found / 0.16)
    assert found.low <= found.rate <= found.high


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(128, 254)), max_size=100), st.integers(0, 20))
@settings(LAWS, max_examples=50)
def test_each_class_has_the_lowest_threshold_that_has_the_rate(levels: list[tuple[int, int]], allowed: int) -> None:
    one = blank([level / 255 for _, level in levels])
    found = [candidate._replace(number=number) for candidate, (number, _) in zip(one.found, levels, strict=True)]
    both = Search(classes=("a", "b"), wanted=("a", "b"), threshold=0.5, distance=5.0)
    chosen = false_alarms([dataclasses.replace(one, found=found)], both, rate=(allowed + 0.5) / 0.16, step=1 / 255)
    for number in (0, 1):
        alone = [candidate for candidate in found if candidate.number == number]
        own = [dataclasses.replace(one, found=[candidate._replace(number=0) for candidate in alone])]
        search = Search(classes=("a",), wanted=("a",), threshold=0.5, distance=5.0)
        expected = false_alarms(own, search, rate=(allowed + 0.5) / 0.16, step=1 / 255)
        assert chosen.thresholds[number] == expected.threshold
    assert len(suppressed(found, dataclasses.replace(both, thresholds=chosen.thresholds))) == chosen.found


def test_the_interval_of_false_alarms_holds_the_true_rate() -> None:
    drawn, hits = np.random.default_rng(0), 0
    search = Search(classes=("a",), wanted=("a",), threshold=0.5, distance=5.0)
    for _ in range(100):
        found = false_alarms([blank([0.9] * drawn.poisson(0.16 * 300)) for _ in range(2)], search)
        hits += found.low <= 300 <= found.high
    assert hits > 80
    assert false_alarms([blank([])], search).high == pytest.approx(3 / 0.16)


def test_blank_images_raise_the_threshold_of_the_table(tmp_path: Path) -> None:
    model, image = scan_model(), pixels(60, 70)
    Image.fromarray(pixels(300, 300, seed=5)[..., 0]).save(tmp_path / "clean.png")
    options: dict[str, Any] = {"classes": ["b"], "threshold": 0.0, "positions": tmp_path / "found.csv", "force": True}
    plain = scan(model, image, **options)
    strict = scan(model, image, blank=[str(tmp_path / "*.png")], per_megapixel=3_000, **options)
    alarms = strict.receipt.alarms
    assert alarms is not None
    assert 0 < alarms.found <= 3_000 * 0.09
    assert 0 < len(strict.found) < len(plain.found)
    assert min(one.probability for one in strict.found) >= alarms.threshold - 1e-4
    for wrong, word in (({"per_megapixel": 1}, "blank"), ({"classes": [], "blank": ["x"]}, "classes")):
        with pytest.raises(ParameterError, match=word):
            scan(model, image, **(options | wrong))
    with pytest.raises(DataError, match="matches none"):
        scan(model, image, **options, blank=[str(tmp_path / "*.jpg")])


@pytest.mark.parametrize("side", [1_024, 24])
def test_an_overlay_is_the_same_whatever_part_is_read(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.setattr("convscope.scanning.overlay._READ", side)
    image, grid = pixels(90, 70), Grid(image=(90, 70), window=(8, 8), stride=2, tile=32)
    values = np.random.default_rng(2).random((*grid.shape, 2)).astype(np.float32)

    def region(box: Box) -> NDArray[np.uint8]:
        return image[box.row : box.row + box.rows, box.column : box.column + box.columns]

    def read(box: Box) -> NDArray[np.float32]:
        return values[box.row : box.row + box.rows, box.column : box.column + box.columns]

    overlay = Overlay(region=region, read=read, grid=grid, wanted=[0, 1], largest=30)
    found = overlay.pixels(Box(row=0, column=0, rows=30, columns=24))
    assert (overlay.step, overlay.shape) == (3, (30, 24))
    row, column = 7, 11  # pixel (21, 33), 3.5 before which begins the window of position (9, 15)
    own, colors = values[9, 15], class_colors(2)[values[9, 15].argmax()]
    assert np.allclose(
        found[row, column], image[21, 33] * (1 - 0.65 * own.max()) + 0.65 * own.max() * colors, atol=0.51
    )
    assert np.array_equal(found[3:10, 5:20], overlay.pixels(Box(row=3, column=5, rows=7, columns=15)))


def test_a_page_links_each_position_to_its_window_in_the_explorer(tmp_path: Path) -> None:
    model, image = scan_model(), pixels(60, 70)
    found = scan(model, image, page=tmp_path / "page", classes=["b"], threshold=0.0).found
    page = Page((tmp_path / "page" / "index.html").read_text())
    links = [str(link["href"]) for link in page.all("a") if str(link["href"]).startswith("look.html#")]
    assert len(links) == len(found) > 3
    (spot,) = page.all("circle")  # of the one class that is colored
    assert str(spot["fill"]) == "#{:02x}{:02x}{:02x}".format(*class_colors(2)[1])
    tile = np.asarray(Image.open(tmp_path / "page" / str(page.all("img")[0]["src"])))
    assert tile.shape == (60, 70, 3)
    shown = json.loads(data_of((tmp_path / "page" / "look.html").read_text()))["images"]
    marks = [tuple(int(float(str(mark[side]))) for side in ("y", "x")) for mark in page.all("rect")]
    for link, (top, left) in zip(links, marks, strict=True):
        number = int(link.split("#")[1].split("/")[0])
        own = np.frombuffer(base64.b64decode(shown[number - 1]["pixels"]), np.uint8)
        assert np.array_equal(own, image[top : top + 8, left : left + 8].ravel())
