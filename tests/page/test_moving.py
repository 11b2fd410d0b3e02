"""Moving an image on the page, and how much of what changes is moved along."""

import base64
from typing import Any

import numpy as np
import pytest
import torch

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.measures.distortions.family import DISTORTIONS
from convscope.measures.movement import Distance, ImageMotion, Variation, background_maps, by_position, with_edge
from convscope.networks.folding import ready
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
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    given, before, networks = [], [], []
    for seed, (text, motion) in enumerate(MOTIONS):
        case = Case(layout=Layout.parse(text), height=SIDE, width=SIDE, channels=3, classes=2)
        pixels = images_of(case, 4, seed)
        networks.append(model_of(case, seed))
        data = explorer_data(networks[-1], [NamedImage(name="", pixels=one) for one in pixels])
        given.append({"data": to_json(data), "motion": motion})
        before.append(pixels[0])
    found = run_driver("moving_driver.mjs", given, tmp_path_factory.mktemp("moving"))
    after = [np.frombuffer(base64.b64decode(one["pixels"]), np.uint8).reshape(SIDE, SIDE, 3) for one in found]
    return list(zip(before, after, found, networks, strict=True))


@needs_node
def test_an_image_that_is_not_moved_stays_what_it_was(made: Any) -> None:
    before, after, found, _ = made[0]
    np.testing.assert_array_equal(before, after)
    assert found["still"]
    assert all(one == {"moved": None, "really": 0} for one in found["changes"])
    assert not made[1][2]["still"]


@needs_node
@pytest.mark.parametrize(
    ("index", "name", "strength"), [(1, "shift-x", 1), (3, "shift-x", 1), (4, "rotation", 90), (7, "scale", -0.5)]
)
def test_moved_along_and_really_changed_are_what_measure_calls_so(
    made: Any, index: int, name: str, strength: float
) -> None:
    before, after, found, model = made[index]
    planned, arithmetic = model.network.plan, ready(model.network)
    motion = DISTORTIONS[name].motion
    assert motion is not None

    def maps(pixels: np.ndarray) -> list[torch.Tensor]:
        image = arithmetic.standardize(torch.from_numpy(pixels[None].copy()))
        return [by_position(values) for _, values in arithmetic.values(image)]

    with torch.no_grad():
        clean, distorted = maps(before), maps(after)
        empty = background_maps(planned.layers, maps(np.zeros_like(before)))
    moving = ImageMotion(planned, motion(strength, (SIDE, SIDE)))
    layers = zip(planned.layers, clean, distorted, empty, found["references"], found["changes"], strict=True)
    for layer, old, new, behind, reference, change in layers:
        distance = Distance(moving.over(layer) if layer.rows * layer.columns > 1 else None)
        distance.add(with_edge(old, behind), new)
        expected = distance.compared(Known(reference["between"]))
        really = expected.changed if expected.residual is None else expected.residual
        assert change["really"] == pytest.approx(really, rel=2e-3, abs=2e-4)
        if expected.moved is None:
            assert change["moved"] is None
        else:
            assert change["moved"] == pytest.approx(max(0, expected.moved), abs=2e-3)


class Known(Variation):
    """A distance between two different images that is known."""

    def __init__(self, distance: float) -> None:
        super().__init__()
        self._square = distance**2

    def between(self, inside: torch.Tensor | None = None) -> float:
        return self._square


@needs_node
def test_a_shifted_image_has_the_background_where_nothing_came_in(made: Any) -> None:
    before, after, *_ = made[1]
    np.testing.assert_array_equal(after[:, 1:], before[:, :-1])
    assert not after[:, 0].any()
    before, after, *_ = made[8]
    np.testing.assert_array_equal(after[1:], before[:-1])
    assert not after[0].any()


@needs_node
def test_away_from_the_edges_a_convolution_is_moved_along_and_a_pooled_map_really_changes(made: Any) -> None:
    convolution, pooling, _ = made[3][2]["changes"]
    assert convolution["moved"] > 0.8, "all but a column that comes in"
    assert pooling["moved"] < convolution["moved"]
    assert pooling["really"] > 0.1


@needs_node
def test_a_quarter_turn_is_clockwise_and_moves_pixels_only(made: Any) -> None:
    before, after, *_ = made[4]
    assert np.abs(np.rot90(before, -1).astype(int) - after).max() <= 1


@needs_node
def test_blur_noise_and_scale_do_what_they_say(made: Any) -> None:
    (sharp, soft, *_), (clean, noisy, *_), (_, small, *_) = made[5:8]
    assert soft.std() < 0.5 * sharp.std()
    assert abs(float(soft.mean()) - float(sharp.mean())) < 3
    inside = (clean > 80) & (clean < 175)  # nothing is clipped
    assert (noisy.astype(float) - clean)[inside].std() == pytest.approx(25.5, rel=0.15)
    assert not small[:3].any()
    assert small[SIDE // 2, SIDE // 2].any()


@needs_node
def test_a_bent_image_keeps_its_colors_and_the_maps_bend_along(made: Any) -> None:
    before, after, found, _ = made[9]
    assert not found["still"]
    assert np.abs(before.astype(int) - after).mean() > 5
    assert abs(float(before.mean()) - float(after.mean())) < 25
    convolution = found["changes"][0]
    assert convolution["moved"] > 0.1, "some of what changes is movement"
    np.testing.assert_allclose(found["bend"]["mean"], 1.0, rtol=1e-9)
    assert found["bend"]["roughness"] < 0.5, "neighbors go together"
