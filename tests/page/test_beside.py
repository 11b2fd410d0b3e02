"""What stands beside a network on the page: another one, or the same with another pooling, on the same images."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.document import inline_json
from convscope.core.records import from_json, to_json
from convscope.explorer.data import ExplorerData, NamedImage, explorer_data
from convscope.images.decoding.decoder import Decoded
from convscope.images.preprocessing import Preprocessing
from convscope.networks.build import Network
from convscope.networks.layout import Layout
from convscope.networks.model import Model
from tests.checks.models import small_model, some_pixels

from .javascript import needs_node, run_driver

CASES = [
    (f"4C3-{old}2-5C2v-{old}3/2-6C3-{old}g", f"4C3-{new}2-5C2v-{new}3/2-6C3-{new}g", new)
    for old, new in (("MP", "BP"), ("BP", "MP"), ("MP", "AP"), ("AP", "SS"), ("SS", "LP"), ("LP", "ST"), ("MP", "MP"))
]


def exchanged(model: Model, text: str) -> Model:
    """Return the same weights in another layout."""
    layout, planned = Layout.parse(text), model.network.plan
    sizes = {"height": planned.height, "width": planned.width, "channels": planned.channels}
    network = Network(layout, **sizes, classes=planned.classes)
    network.load_state_dict(model.network.state_dict())
    return replace(model, network=network.eval())


def page(model: Model, beside: ExplorerData | None = None) -> ExplorerData:
    return explorer_data(model, [NamedImage(name="", pixels=some_pixels(1)[0])], beside=beside)


@needs_node
def test_the_same_weights_with_another_pooling_are_that_network(tmp_path: Path) -> None:
    models = [small_model(text) for text, _, _ in CASES]
    given = [{"data": to_json(page(one)), "code": code} for one, (_, _, code) in zip(models, CASES, strict=True)]
    for model, (old, new, _), made in zip(
        models, CASES, run_driver("exchanged_driver.mjs", given, tmp_path), strict=True
    ):
        expected = exchanged(model, new)
        layers = [
            layer | layer["planned"] | {"field": [layer["planned"][side] for side in ("field_rows", "field_columns")]}
            for layer in to_json(explorer_data(expected))["layers"]
        ]
        assert made["layers"] == [{key: layer[key] for key in made["layers"][0]} for layer in layers], old
        assert made["codes"] == [old[4:6]]
        assert made["layout"] == new
        logits = np.array(made["logits"])
        probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose(probabilities, expected.predict_proba(some_pixels(1))[0], atol=1e-4)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Images of 17 x 14 in color, for networks of the same and of another size and number of channels."""
    others = []
    for height, width, channels in ((17, 14, 3), (17, 14, 1), (9, 20, 1)):
        layout = Layout.parse("2C3")
        network = Network(layout, height=height, width=width, channels=channels, classes=3)
        layer = Preprocessing(height=height, width=width, channels=channels, fit="letterbox")
        others.append(Model(network=network, classes=("a", "b", "c"), preprocessing=layer))
    given = [{"data": to_json(page(small_model(), explorer_data(one))), "code": "MP"} for one in others]
    return list(zip(others, run_driver("exchanged_driver.mjs", given, tmp_path_factory.mktemp("fit")), strict=True))


@needs_node
def test_an_image_is_made_what_the_other_network_takes_as_python_makes_it(fitted: Any) -> None:
    for other, made in fitted:
        layer = replace(other.preprocessing, fit="stretch")
        expected = layer.apply(Decoded(values=some_pixels(1)[0]))
        found = np.frombuffer(base64.b64decode(made["beside"]), np.uint8).reshape(expected.shape)
        np.testing.assert_allclose(found.astype(int), expected, rtol=0, atol=1)


def test_the_second_network_comes_back_from_json() -> None:
    data = page(small_model(), explorer_data(small_model("5N"), title="other"))
    assert from_json(ExplorerData, json.loads(inline_json(to_json(data)))) == data
