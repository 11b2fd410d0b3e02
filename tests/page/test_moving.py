"""Moving an image on the page, and how much of what changes is moved along."""

import base64
from typing import Any

import numpy as np
import pytest

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.networks.layout import Layout
from tests.checks.layouts import Case

from .javascript import needs_node, run_driver
from .test_engine import images_of, model_of

SIDE = 15
MOTIONS: list[tuple[str, dict[str, float]]] = [
    ("4C3v", {}),
    ("4C3v", {"right": 1}),
    ("4C3v-MP2-3C2v", {"right": 2, "down": -2}),
    ("4C3v-MP2", {"right": 1}),
    ("4C3v", {"turn": 90}),
    ("4C3v", {"blur": 1.0}),
    ("4C3v", {"noise": 0.1}),
    ("4C3v", {"scale": 0.5}),
    ("4C3v", {"down": 1}),
    ("4C3v", {"bend": 1.0}),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[np.ndarray, np.ndarray, dict[str, Any]]]:
    given, before = [], []
    for seed, (text, motion) in enumerate(MOTIONS):
        case = Case(layout=Layout.parse(text), height=SIDE, width=SIDE, channels=3, classes=2)
        pixels = images_of(case, 1, seed)[0]
        data = explorer_data(model_of(case, seed), [NamedImage(name="", pixels=pixels)])
        given.append({"data": to_json(data), "motion": motion})
        before.append(pixels)
    found = run_driver("moving_driver.mjs", given, tmp_path_factory.mktemp("moving"))
    after = [np.frombuffer(base64.b64decode(one["pixels"]), np.uint8).reshape(SIDE, SIDE, 3) for one in found]
    return list(zip(before, after, found, strict=True))


@needs_node
def test_an_image_that_is_not_moved_stays_what_it_was(made: Any) -> None:
    before, after, found = made[0]
    np.testing.assert_array_equal(before, after)
    assert found["still"]
    assert all(one["changed"] == 0 and one["left"] in (0, None) for one in found["changes"])
    assert not made[1][2]["still"]


@needs_node
def test_a_shifted_image_has_the_background_where_nothing_came_in(made: Any) -> None:
    before, after, _ = made[1]
    np.testing.assert_array_equal(after[:, 1:], before[:, :-1])
    assert not after[:, 0].any()
    before, after, _ = made[8]
    np.testing.assert_array_equal(after[1:], before[:-1])
    assert not after[0].any()


@needs_node
def test_maps_of_a_convolution_move_along_exactly(made: Any) -> None:
    for place in (1, 2):
        for one in made[place][2]["changes"][:-1]:
            assert one["changed"] > 0.1
            assert one["left"] < 1e-6


@needs_node
def test_a_shift_within_the_window_is_not_a_shift_of_the_pooled_map(made: Any) -> None:
    convolution, pooling, _ = made[3][2]["changes"]
    assert convolution["left"] < 1e-6
    assert pooling["left"] > 0.01


@needs_node
def test_a_quarter_turn_is_clockwise_and_moves_pixels_only(made: Any) -> None:
    before, after, _ = made[4]
    assert np.abs(np.rot90(before, -1).astype(int) - after).max() <= 1


@needs_node
def test_blur_noise_and_scale_do_what_they_say(made: Any) -> None:
    (sharp, soft, _), (clean, noisy, _), (_, small, _) = made[5:8]
    assert soft.std() < 0.5 * sharp.std()
    assert abs(float(soft.mean()) - float(sharp.mean())) < 3
    inside = (clean > 80) & (clean < 175)  # nothing is clipped
    assert (noisy.astype(float) - clean)[inside].std() == pytest.approx(25.5, rel=0.15)
    assert not small[:3].any()
    assert small[SIDE // 2, SIDE // 2].any()


@needs_node
def test_a_bent_image_keeps_its_colours_and_the_maps_bend_along(made: Any) -> None:
    before, after, found = made[9]
    assert not found["still"]
    assert np.abs(before.astype(int) - after).mean() > 5
    assert abs(float(before.mean()) - float(after.mean())) < 25
    convolution = found["changes"][0]
    assert convolution["left"] < convolution["changed"], "some of what changes is movement"
    np.testing.assert_allclose(found["bend"]["mean"], 1.0, rtol=1e-9)
    assert found["bend"]["roughness"] < 0.5, "neighbours go together"
