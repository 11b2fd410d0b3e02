"""The page computes every architecture of the field as PyTorch does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convscope.core.records import to_json
from convscope.explorer.data import NamedImage, explorer_data
from convscope.images.preprocessing import Preprocessing
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture

from .javascript import needs_node, run_driver
from .random_networks import relative
from .test_graphs import decoded, image_for, maps_of_graph

READ = [pytest.param(one, id=one.name) for one in ARCHITECTURES.values() if not one.refused]


def read(one: Architecture) -> Model:
    """Return an architecture as a model."""
    source = read_architecture(one)
    channels, height, width = one.shape
    standard: dict[str, Any] = {"mean": (0.45,) * channels, "std": (0.25,) * channels}
    network = GraphNetwork(source.graph, source.tensors, **standard).eval().requires_grad_(requires_grad=False)
    classes = tuple(f"class {place}" for place in range(network.plan.classes))
    step = Preprocessing(height=height, width=width, channels=channels)
    return Model(network=network, classes=classes, preprocessing=step)


@needs_node
@pytest.mark.slow
@pytest.mark.parametrize("one", READ)
def test_the_values_of_every_layer_are_those_of_pytorch(one: Architecture, tmp_path: Path) -> None:
    model = read(one)
    assert isinstance(model.network, GraphNetwork)
    image = image_for(model)
    data = to_json(explorer_data(model, [NamedImage(name="", pixels=image)]))
    given = [{"data": data, "places": 40, "plain": plain} for plain in (False, True)]
    expected = maps_of_graph(model.network, image)
    for (made,) in run_driver("engine_driver.mjs", given, tmp_path):
        for layer, values in enumerate(expected):
            assert relative(decoded(made["maps"][layer]).reshape(values.shape), values) < 1e-4, f"layer {layer}"
        for found in made["values"]:
            size = max(1.0, float(np.abs(expected[found["place"]["layer"]]).max()))
            assert abs(found["value"] - found["sum"]) <= 1e-5 * size, found
