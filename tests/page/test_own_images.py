"""An image of the reader's own becomes like the training images: inverted, clean, its ink in their size and place."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.images.ink import ink_of
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.drawn_digits import WAYS, drawn

from .javascript import needs_node, run_driver

SIDE = 28
Gray = NDArray[np.uint8]


def trained_on(digit: int) -> Gray:
    """Return an image as in MNIST: the ink in a box of 20 pixels, its mass in the middle."""
    ink = drawn(digit, "large")
    rows, columns = np.nonzero(ink > 76)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    step = max(ink.shape) / 20
    small = np.zeros((SIDE, SIDE))
    top, left = (round((20 - size / step) / 2) + 4 for size in ink.shape)
    for row in range(int(ink.shape[0] / step)):
        for column in range(int(ink.shape[1] / step)):
            block = ink[int(row * step) : int((row + 1) * step), int(column * step) : int((column + 1) * step)]
            small[top + row, left + column] = block.mean()
    return np.rint(small).astype(np.uint8)


def raster(gray: Gray, **steps: bool) -> dict[str, Any]:
    rgba = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    size = {"rows": gray.shape[0], "columns": gray.shape[1]}
    return {"data": base64.b64encode(rgba.tobytes()).decode(), **size, "steps": steps}


def given(rasters: list[dict[str, Any]], images: list[Gray], folder: Path) -> tuple[Any, list[Any], list[Gray]]:
    network = Network(
        Layout.parse("2C3-MP2"), height=SIDE, width=SIDE, channels=1, classes=3, mean=(0.1,), std=(0.3,), seed=0
    )
    model = Model(
        network=network.eval(),
        classes=("a", "b", "c"),
        preprocessing=Preprocessing(height=SIDE, width=SIDE, channels=1, background=(int(images[0][0, 0]),)),
    )
    shown = [NamedImage(name=str(number), pixels=image[:, :, None]) for number, image in enumerate(images)]
    found = run_driver("own_driver.mjs", {"data": to_json(explorer_data(model, shown)), "rasters": rasters}, folder)
    pixels = [
        np.frombuffer(base64.b64decode(one["pixels"]), np.uint8).reshape(SIDE, SIDE) for one in found["made"] if one
    ]
    return found["ink"], found["made"], pixels


TRAINED = [trained_on(digit) for digit in range(10)]


@needs_node
def test_ink_of_any_size_and_position_comes_where_that_of_the_training_images_is(tmp_path: Path) -> None:
    ink, made, pixels = given([raster(drawn(digit, way)) for way in WAYS for digit in (1, 4, 8)], TRAINED, tmp_path)
    assert (ink["paper"], ink["side"]) == (0, 20)
    assert all(one["steps"] == {"inverted": False, "fitted": True} for one in made)
    for image in pixels:
        rows, columns = np.nonzero(image > 0.3 * image.max())
        assert abs(max(np.ptp(rows), np.ptp(columns)) + 1 - ink["side"]) <= 2
        mass = image * (image > 0.3 * image.max())
        center = [(mass.sum(axis) * (np.arange(SIDE) + 0.5)).sum() / mass.sum() for axis in (1, 0)]
        np.testing.assert_allclose(center, ink["center"], atol=0.8)


@needs_node
def test_dark_on_light_becomes_what_light_on_dark_is(tmp_path: Path) -> None:
    light = [drawn(digit, "slanted") for digit in range(10)]
    _, made, pixels = given([raster(one) for one in [*light, *(255 - one for one in light)]], TRAINED, tmp_path)
    assert [one["steps"]["inverted"] for one in made] == [False] * 10 + [True] * 10
    for one, other in zip(pixels[:10], pixels[10:], strict=True):
        np.testing.assert_allclose(one.astype(int), other, atol=2)


@needs_node
def test_an_image_without_ink_is_left_as_it_is(tmp_path: Path) -> None:
    _, made, _ = given([raster(np.full((280, 280), level, np.uint8)) for level in (0, 128, 255)], TRAINED, tmp_path)
    assert [one["steps"] for one in made] == [{"inverted": False, "fitted": False}] * 3


@needs_node
def test_paper_with_a_shadow_becomes_clean(tmp_path: Path) -> None:
    shadow = np.linspace(0, 40, 280)[None, :]
    paper = (230 - 0.75 * drawn(3, "thick") - shadow).astype(np.uint8)
    _, _, (image,) = given([raster(paper)], TRAINED, tmp_path)
    assert np.count_nonzero(image[[0, -1], :]) == np.count_nonzero(image[:, [0, -1]]) == 0
    assert image.max() > 240


@needs_node
def test_what_has_the_size_and_the_paper_already_is_left_as_it_is(tmp_path: Path) -> None:
    _, made, pixels = given([raster(one) for one in TRAINED], TRAINED, tmp_path)
    assert all(one["steps"] == {"inverted": False, "fitted": False} for one in made)
    for image, expected in zip(pixels, TRAINED, strict=True):
        np.testing.assert_array_equal(image, expected)


@needs_node
def test_images_without_a_common_paper_are_left_alone(tmp_path: Path) -> None:
    photos = list(np.random.default_rng(0).integers(0, 256, (12, SIDE, SIDE), dtype=np.uint8))
    ink, made, _ = given([raster(drawn(1, "thin"))], photos, tmp_path)
    assert ink is None
    assert made == [None]


@needs_node
@pytest.mark.parametrize("paper", [0, 255])
def test_a_drawing_comes_back_from_its_address_bit_for_bit(tmp_path: Path, paper: int) -> None:
    images = [one ^ np.uint8(paper) for one in TRAINED]
    _, made, _ = given([raster(one) for one in images], images, tmp_path)
    assert all(one["same"] for one in made)
    if paper == 0:
        assert max(len(one["address"]) for one in made) < 800


@needs_node
@pytest.mark.parametrize("paper", [0, 255])
def test_the_page_and_explain_exchange_paper_and_ink_of_the_same_images(tmp_path: Path, paper: int) -> None:
    images = [one ^ np.uint8(paper) for one in TRAINED]
    tried = [one ^ np.uint8(side) for side in (0, 255) for way in WAYS for one in (drawn(3, way), drawn(7, way))]
    _, made, _ = given([raster(one) for one in tried], images, tmp_path)
    ink = ink_of(np.stack(images)[..., None])
    assert ink is not None
    ways = [ink.is_exchanged_in(np.asarray(Image.fromarray(one).resize((SIDE, SIDE)))) for one in tried]
    assert ways == [one["steps"]["inverted"] for one in made]
    assert ways.count(True) == len(tried) // 2
