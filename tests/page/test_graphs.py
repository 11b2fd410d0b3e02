"""The page computes graphs of every kind of layer as PyTorch does, and takes every value of them apart."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import convscope
from convscope.core.records import from_json, to_json
from convscope.explorer.data import ExplorerData, NamedImage, explorer_data
from convscope.layers.nonlinearity import NONLINEARITIES, nonlinearity_of
from convscope.networks.folding import ready
from convscope.networks.graph import IMAGE
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

from .graph_networks import every_graph, graph_model
from .javascript import needs_node, run_driver
from .random_networks import relative
from .test_look_page import data_of


def maps_of_graph(network: GraphNetwork, pixels: np.ndarray) -> list[np.ndarray]:
    """Return the standardized image and the values of every node, C h w, for one image H W C."""
    image = network.standardized(torch.from_numpy(pixels[None]))
    with torch.inference_mode():
        return [image[0].numpy(), *(values[0].numpy() for _, values in network.values(image))]


def decoded(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def image_for(model: Model, seed: int = 1) -> np.ndarray:
    step = model.preprocessing
    shape = (step.height, step.width, step.channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module", params=["plain", "simd"])
def computed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Model, np.ndarray, dict[str, Any]]]:
    """Return each model, its image, and what the page makes of it; unit 0 of the first layer is off, too."""
    models = every_graph()
    images = [image_for(model) for model in models.values()]
    given = [
        {
            "data": to_json(explorer_data(model, [NamedImage(name="", pixels=image)])),
            "places": 60 if name == "branches" else 12,
            "plain": request.param == "plain",
            "off": [{"layer": 3 if name == "branches" else 1, "unit": 0}],
        }
        for (name, model), image in zip(models.items(), images, strict=True)
    ]
    made = run_driver("engine_driver.mjs", given, tmp_path_factory.mktemp("graphs"))
    return {
        name: (model, image, result[0])
        for (name, model), image, result in zip(models.items(), images, made, strict=True)
    }


@needs_node
def test_the_values_of_every_kind_are_those_of_pytorch(computed: Any) -> None:
    for name, (model, image, made) in computed.items():
        for layer, expected in enumerate(maps_of_graph(ready(model.network), image)):
            found = decoded(made["maps"][layer]).reshape(expected.shape)
            assert relative(found, expected) < 1e-4, f"{name}: layer {layer}"
        np.testing.assert_allclose(made["probabilities"], model.predict_proba(image[None])[0], atol=1e-4)


@needs_node
def test_every_value_is_made_of_what_is_shown(computed: Any) -> None:
    seen = set()
    for name, (model, _, made) in computed.items():
        for one in made["values"]:
            number = one["place"]["layer"]
            size = max(1.0, float(np.abs(decoded(made["maps"][number])).max()))
            for shown in (one["sum"], *one["shown"]):
                assert abs(one["value"] - shown) <= 1e-5 * size, f"{name} {one}"
            seen.add(ready(model.network).graph.nodes[number - 1].layer.KIND)
    assert len(seen) == 18, "all kinds but instance-based"


@needs_node
def test_the_receptive_fields_are_those_of_the_plan(computed: Any) -> None:
    for model, _, made in computed.values():
        planned = model.network.plan.layers
        for one in made["values"]:
            place, layer = one["place"], planned[one["place"]["layer"] - 1]
            for side, start, size, at in (("rows", "top", "tall", "row"), ("columns", "left", "wide", "column")):
                field = getattr(layer, f"field_{side}")
                first, end = (ends(place[at] + 1)[-1] for ends in (field.starts, field.ends))
                assert (one["field"][start], one["field"][size]) == (first, end - first)


@needs_node
def test_only_what_comes_after_a_unit_that_is_turned_off_is_computed_again(computed: Any) -> None:
    for name, (model, image, made) in computed.items():
        network, changed = ready(model.network), made["changed"]
        graph = network.graph
        off = graph.nodes[2 if name == "branches" else 0].name
        after = {off} | graph.descendants(off)
        names = [IMAGE, *(node.name for node in graph.nodes)]
        assert changed["same"], f"{name}: what was kept is what a fresh engine computes"
        assert changed["intact"] == made["maps"]
        assert changed["shared"] == [one not in after for one in names]
        expected = dict(zip(names, maps_of_graph(network, image), strict=True))
        stored = {one: torch.from_numpy(maps.copy())[None] for one, maps in expected.items()}
        dark = stored[off].clone()
        dark[:, 0] = 0
        with torch.inference_mode():
            output = network.recomputed(stored, {off: dark})
        assert relative(decoded(changed["maps"][-1]), output.flatten().numpy()) < 1e-4, name


@needs_node
def test_only_the_values_of_open_layers_are_handed_over_and_those_of_the_last(computed: Any) -> None:
    for model, _, made in computed.values():
        planned = model.network.plan.layers
        sizes = made["changed"]["some"]
        assert (sizes[1], sizes[-1]) == (planned[0].values, planned[-1].values)
        assert sum(sizes) == sizes[1] + sizes[-1]


@needs_node
def test_functions_from_tables_are_those_of_pytorch(tmp_path: Path) -> None:
    values = np.concatenate([np.linspace(-30, 30, 4_001), [-200.0, -88.0, 88.0, 200.0, 0.0]])
    names = [*NONLINEARITIES, "leakyrelu:0.25"]
    made = run_driver("functions_driver.mjs", {"names": names, "values": values.tolist()}, tmp_path)
    for name, found in zip(names, made, strict=True):
        expected = nonlinearity_of(name).apply(torch.from_numpy(values)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7, err_msg=name)


def test_the_data_of_a_graph_come_back_from_json() -> None:
    for model in every_graph().values():
        data = explorer_data(model)
        again = from_json(ExplorerData, json.loads(json.dumps(to_json(data))))
        assert again.layers == data.layers
        assert again.kinds == data.kinds


@needs_node
def test_networks_of_8_bits_compute_what_their_rounded_weights_give(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MOST_EXACT", "MOST_NEARLY_EXACT", "LARGEST_HALVES"):
        monkeypatch.setattr(f"convscope.explorer.weights.{name}", 0)
    models = [every_graph()[name] for name in ("branches", "transposed, cut", "regions", "depthwise")]
    images = [image_for(model) for model in models]
    data = [
        explorer_data(model, [NamedImage(name="", pixels=image)]) for model, image in zip(models, images, strict=True)
    ]
    assert {one.weight_dtype for one in data} == {"int8"}
    given = [{"data": to_json(one), "places": 5, "plain": False} for one in data]
    for model, image, one, made in zip(
        models, images, data, run_driver("engine_driver.mjs", given, tmp_path), strict=True
    ):
        assert one.rounding is not None
        with torch.inference_mode():
            logits = model.network(torch.from_numpy(image[None])).numpy()[0]
        found = decoded(made[0]["maps"][-1])
        difference = float(np.abs(found - logits).max())
        assert 0 < difference <= one.rounding.largest_difference * 1.01 + 1e-4
        assert one.rounding.images == 1


@needs_node
def test_networks_that_answer_with_maps_have_mean_probabilities(tmp_path: Path) -> None:
    graph = ready(every_graph()["bilinear"].network).graph.up_to("stem.layer")
    model = graph_model(graph)
    image = image_for(model)
    data = explorer_data(model, [NamedImage(name="", pixels=image)])
    made = run_driver("engine_driver.mjs", [{"data": to_json(data), "places": 1, "plain": False}], tmp_path)[0][0]
    with torch.inference_mode():
        expected = model.network.probabilities(torch.from_numpy(image[None])).mean((0, 2, 3)).numpy()
    np.testing.assert_allclose(made["probabilities"], expected, atol=1e-5)
    assert data.images[0].predicted == expected.argmax()


def test_a_network_that_was_read_is_looked_into(tmp_path: Path) -> None:
    model = every_graph()["branches"]
    looked = convscope.look(model, np.stack([image_for(model, seed) for seed in range(3)]), output=tmp_path / "x.html")
    assert looked.images == 3
    assert "se.expand" in data_of(looked.path.read_text(encoding="ascii"))
