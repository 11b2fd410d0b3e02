"""The page computes what the network computes, and takes every value apart into the numbers that were used."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.networks.folding import ready
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.layouts import Case
from tests.checks.models import maps_of

from .javascript import needs_node, run_driver
from .random_networks import IMAGES, every_case, images_of, model_of, relative


@pytest.fixture(scope="module", params=["plain", "simd"])
def computed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Case, Model, np.ndarray, list[dict[str, Any]]]]:
    chosen = every_case()
    models = [model_of(case, seed) for seed, case in enumerate(chosen)]
    images = [images_of(case, IMAGES, seed + 1_000) for seed, case in enumerate(chosen)]
    given = [
        {
            "data": to_json(explorer_data(model, [NamedImage(name="", pixels=one) for one in some])),
            "places": 20,
            "plain": request.param == "plain",
        }
        for model, some in zip(models, images, strict=True)
    ]
    made = run_driver("engine_driver.mjs", given, tmp_path_factory.mktemp("engine"))
    return list(zip(chosen, models, images, made, strict=True))


@needs_node
def test_every_map_is_that_of_pytorch(computed: Any) -> None:
    assert len(computed) > 60
    for case, model, images, made in computed:
        expected = maps_of(model.network, images)
        for image, result in enumerate(made):
            assert len(result["maps"]) == len(expected)
            for layer, text in enumerate(result["maps"]):
                maps = np.frombuffer(base64.b64decode(text), "<f4").reshape(expected[layer][image].shape)
                assert relative(maps, expected[layer][image]) < 1e-4, f"{case.layout} layer {layer}"


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
                size = max(1.0, float(largest[one["place"]["layer"] - 1]))
                for shown in (one["sum"], *one["shown"]):
                    assert abs(one["value"] - shown) <= 1e-6 * size, f"{case.layout} {one}"
                count += 1
    assert count > 1_000


@needs_node
def test_boxes_are_those_of_the_plan(computed: Any) -> None:
    for case, _, _, made in computed:
        layers = case.plan().layers
        for one in (one for result in made for one in result["values"]):
            place, layer = one["place"], layers[one["place"]["layer"] - 1]
            for side, start, size, at in (("rows", "top", "tall", "row"), ("columns", "left", "wide", "column")):
                field = getattr(layer, f"field_{side}")
                assert one["field"][start] == field.start + place[at] * field.stride
                assert one["field"][size] == field.size


@needs_node
def test_what_comes_after_a_unit_that_is_turned_off_goes_without_it(computed: Any) -> None:
    count = 0
    for case, model, _, made in computed:
        folded = ready(model.network)
        classifier = folded.tensors_of(folded.graph.output)
        for result in (one for one in made if one["without"]):
            maps, logits, intact = (np.frombuffer(base64.b64decode(text), "<f4") for text in result["without"])
            expected = np.frombuffer(base64.b64decode(result["maps"][-2]), "<f4").copy()
            expected[: len(expected) // case.plan().layers[-2].maps] = 0  # the map of unit 1
            np.testing.assert_array_equal(maps, expected)
            assert relative(logits, classifier["weight"].numpy() @ expected + classifier["bias"].numpy()) < 1e-4, str(
                case.layout
            )
            assert base64.b64encode(intact.tobytes()).decode() == result["maps"][-1]
            count += 1
    assert count > 100


@needs_node
def test_the_address_of_the_worker_is_given_back(tmp_path: Path) -> None:
    ends = ["message", "error", "close", "refused", "nothing"]
    left = run_driver("computing_driver.mjs", {"ends": ends}, tmp_path)
    assert left == {"message": 0, "error": 0, "close": 0, "refused": 0, "nothing": 1}


@needs_node
@pytest.mark.parametrize(("numbers", "near"), [("float24", 1e-4), ("float16", 5e-3)])
def test_maps_of_weights_of_fewer_bits_are_nearly_those_of_pytorch(
    numbers: str, near: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = Case(layout=Layout.parse("16C5-MP2-24C3-AP2-32N"), height=16, width=14, channels=3, classes=5)
    model, images = model_of(case, 3), images_of(case, IMAGES, 4)
    assert 2_000 < model.network.plan.parameters < 20_000
    monkeypatch.setattr("convscope.explorer.weights.MOST_EXACT", 1_000)
    monkeypatch.setattr("convscope.explorer.weights.MOST_NEARLY_EXACT", 1_000_000 if numbers == "float24" else 2_000)
    data = explorer_data(model, [NamedImage(name="", pixels=one) for one in images])
    assert data.weight_dtype == numbers
    made = run_driver("engine_driver.mjs", [{"data": to_json(data), "places": 1, "plain": False}], tmp_path)[0]
    farthest = 0.0
    for layer, expected in enumerate(maps_of(model.network, images)):
        for image, result in enumerate(made):
            maps = np.frombuffer(base64.b64decode(result["maps"][layer]), "<f4").reshape(expected[image].shape)
            away = relative(maps, expected[image])
            assert away < near, f"layer {layer}"
            farthest = max(farthest, away)
    assert farthest > near / 1_000, "these are not the exact weights"
