"""The page says where a network looked as Python does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convscope.attribution.contributions import contribute
from convscope.attribution.grad_cam import weigh_maps
from convscope.attribution.method import Attribution, Settings
from convscope.attribution.occlusion import occlude
from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.networks.folding import ready
from convscope.networks.model import Model
from tests.checks import graph_models, models

from .javascript import needs_node, run_driver

LAYOUTS = (
    "4C3-MP2-6N",
    "4C3-+4C3-MP2-+4C2-APg",
    "4C3/2v-MP3/2-5N-nonorm-tanh",
    "MP2-4C3-SS2-BP2-4N-leakyrelu",
    "softmax",
)
READ = ("squeezenet1_1", "mobilenet_v2")


def _made(model: Model, folder: Path, classes: list[int] | None = None) -> tuple[np.ndarray, list[dict[str, Any]]]:
    pixels = graph_models.pixels_for(model, 2, seed=5)
    data = to_json(explorer_data(model, [NamedImage(name="", pixels=one) for one in pixels]))
    rows = [[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [9.0, 9.0]]
    return pixels, run_driver("where_driver.mjs", [{"data": data, "classes": classes, "rows": rows}], folder)[0]


def _expected(method: Any, model: Model, pixels: np.ndarray, targets: list[int]) -> list[Attribution]:
    network = ready(model.network)
    images = network.standardize(torch.from_numpy(pixels))
    found: list[Attribution] = method(network, images, torch.tensor(targets), Settings())
    return found


def _near(values: list[float], expected: np.ndarray) -> None:
    size = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(np.array(values).reshape(expected.shape), expected, atol=1e-4 * size, rtol=0)


@needs_node
@pytest.mark.parametrize("name", [*LAYOUTS, *READ])
def test_maps_are_those_of_python(name: str, tmp_path: Path) -> None:
    model = graph_models.graph_model(name) if name in READ else models.small_model(name)
    pixels, made = _made(model, tmp_path)
    predicted = model.predict_proba(pixels)
    targets = [one["target"] for one in made]
    assert targets == predicted.argmax(1).tolist()
    assert [one["probability"] for one in made] == pytest.approx(predicted.max(1).tolist(), abs=1e-4)
    for one, occluded in zip(made, _expected(occlude, model, pixels, targets), strict=True):
        _near(one["occluded"][-1]["values"], occluded.values)
        assert one["occluded"][-1]["done"]
        assert len(one["occluded"]) == 2
    maps = made[0]["camera"]
    assert (maps is None) == (name == "softmax")
    if maps is not None:
        for one, camera in zip(made, _expected(weigh_maps, model, pixels, targets), strict=True):
            _near(one["camera"], camera.values)
    assert (made[0]["pixels"] is None) == (name == "efficientnet_b0")
    if made[0]["pixels"] is not None:
        for one, parts in zip(made, _expected(contribute, model, pixels, targets), strict=True):
            assert parts.biases is not None
            _near(one["pixels"], parts.values)
            if parts.exact and name != "mobilenet_v2":
                assert sum(one["pixels"]) + one["biases"] == pytest.approx(one["logit"], abs=1e-3)


@needs_node
def test_any_class_can_be_asked_for(tmp_path: Path) -> None:
    model = models.small_model("4C3-MP2-6N")
    pixels, made = _made(model, tmp_path, classes=[2, 0])
    assert [one["target"] for one in made] == [2, 0]
    for one, parts in zip(made, _expected(contribute, model, pixels, [2, 0]), strict=True):
        _near(one["pixels"], parts.values)
    assert [near["index"] for near in made[0]["near"]] == [0, 2, 1]
    assert [near["distance"] for near in made[0]["near"]] == [0, 1, 5]
