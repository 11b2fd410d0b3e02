"""The page computes what the network computes, and takes every value apart into the numbers that were used."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from convscope.core.records import to_json
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.folding import Connections, fold
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from convscope.page.look_data import Shown, look_data
from convscope.stages.nonlinearity import NONLINEARITIES
from convscope.stages.subsampling import KINDS
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import calibrated, maps_of

from .javascript import needs_node, run_driver

PICTURES = 2
EVERY = (  # what chance may leave out
    *(f"4C3-{code}2-5C2-{code}g-{word}" for code, word in zip(KINDS, NONLINEARITIES, strict=False)),
    *(f"3C4/2-{code}3/2-6N-{word}-nonorm" for code, word in zip(KINDS, list(NONLINEARITIES)[::-1], strict=False)),
    "4U3-MP2-5U2:2v-LP3/1-3N",
    "4C3-+4C3-AP3/2-+4U2:3-BP3-elu",
    "MP2-SS2-AP2",
    "softmax",
)


def model_of(case: Case, seed: int) -> Model:
    network = Network(case.layout, **case.sizes, mean=(0.4,) * case.channels, std=(0.3,) * case.channels, seed=seed)
    with torch.no_grad():
        network.train()(torch.from_numpy(images_of(case, 4, seed)))  # moves the running statistics
        for name, value in network.named_parameters():
            if name.endswith("bias"):
                value.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(seed))
    calibrated(network)
    step = Preprocessing(height=case.height, width=case.width, channels=case.channels)
    classes = tuple(f"class {place}" for place in range(case.classes))
    return Model(network=network.eval(), layout=case.layout, classes=classes, preprocessing=step)


def images_of(case: Case, count: int, seed: int) -> np.ndarray:
    shape = (count, case.height, case.width, case.channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def drawn(count: int) -> list[Case]:
    found: list[Case] = []

    @settings(LAWS, max_examples=count)
    @given(cases(largest_side=14))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, Model, np.ndarray, list[dict[str, Any]]]]:
    chosen = [Case(layout=Layout.parse(text), height=13, width=11, channels=3, classes=4) for text in EVERY]
    chosen += drawn(50)
    models = [model_of(case, seed) for seed, case in enumerate(chosen)]
    images = [images_of(case, PICTURES, seed + 1_000) for seed, case in enumerate(chosen)]
    given = [
        {"data": to_json(look_data(model, [Shown(name="", pixels=one) for one in some])), "places": 20}
        for model, some in zip(models, images, strict=True)
    ]
    made = run_driver("engine_driver.mjs", given, tmp_path_factory.mktemp("engine"))
    return list(zip(chosen, models, images, made, strict=True))


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a part of the largest value; below 0.01 float32 itself knows no 4 digits."""
    return float(np.abs(found - expected).max() / max(1e-2, np.abs(expected).max()))


@needs_node
def test_every_map_is_that_of_pytorch(computed: Any) -> None:
    assert len(computed) > 60
    for case, model, images, made in computed:
        expected = maps_of(model.network, images)
        for picture, result in enumerate(made):
            assert len(result["maps"]) == len(expected)
            for step, text in enumerate(result["maps"]):
                maps = np.frombuffer(base64.b64decode(text), "<f4").reshape(expected[step][picture].shape)
                assert relative(maps, expected[step][picture]) < 1e-4, f"{case.layout} step {step}"


@needs_node
def test_probabilities_are_those_of_prediction(computed: Any) -> None:
    assert {model.network.temperature is None for _, model, _, _ in computed} == {True, False}
    for case, model, images, made in computed:
        found = np.array([result["probabilities"] for result in made])
        np.testing.assert_allclose(found, model.predict_proba(images), atol=1e-4, err_msg=str(case.layout))


@needs_node
def test_the_numbers_shown_are_those_used(computed: Any) -> None:
    count = 0
    for case, _, _, made in computed:
        for result in made:
            largest = [np.abs(np.frombuffer(base64.b64decode(text), "<f4")).max() for text in result["maps"]]
            for one in result["values"]:
                size = max(1.0, float(largest[one["place"]["step"] - 1]))
                for shown in (one["sum"], *one["shown"]):
                    assert abs(one["value"] - shown) <= 1e-6 * size, f"{case.layout} {one}"
                count += 1
    assert count > 1_000


@needs_node
def test_boxes_are_those_of_the_plan(computed: Any) -> None:
    for case, _, _, made in computed:
        steps = case.plan().steps
        for one in (one for result in made for one in result["values"]):
            place, step = one["place"], steps[one["place"]["step"] - 1]
            for side, start, size, at in (("rows", "top", "tall", "row"), ("columns", "left", "wide", "column")):
                field = getattr(step, f"field_{side}")
                assert one["field"][start] == field.start + place[at] * field.stride
                assert one["field"][size] == field.size


@needs_node
def test_what_comes_after_a_unit_that_is_turned_off_goes_without_it(computed: Any) -> None:
    count = 0
    for case, model, _, made in computed:
        classifier = fold(model.network).steps[-1]
        assert isinstance(classifier, Connections)
        for result in (one for one in made if one["without"]):
            maps, scores, intact = (np.frombuffer(base64.b64decode(text), "<f4") for text in result["without"])
            expected = np.frombuffer(base64.b64decode(result["maps"][-2]), "<f4").copy()
            expected[: len(expected) // case.plan().steps[-2].maps] = 0  # the map of unit 1
            np.testing.assert_array_equal(maps, expected)
            assert relative(scores, classifier.weights @ expected + classifier.biases) < 1e-4, str(case.layout)
            assert base64.b64encode(intact.tobytes()).decode() == result["maps"][-1]
            count += 1
    assert count > 100
