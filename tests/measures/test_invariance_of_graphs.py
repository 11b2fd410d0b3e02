"""Invariance of networks that are no layout: every layer by its name, blocks in tables, fields through branches."""

import json

import numpy as np
import pytest
import torch

from convscope.cli.measure_text import measure_text
from convscope.core.errors import DataError
from convscope.core.records import from_json, to_json
from convscope.figures.invariance import draw_sensitivity
from convscope.figures.style import THEMES
from convscope.measures.distortions.family import distortion_named
from convscope.measures.invariance import EvaluationImages, measure_invariance
from convscope.measures.invariance_record import Invariance
from convscope.measures.movement import ImageMotion, by_position, with_edge
from convscope.networks.blocks import blocks_of
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model
from tests.checks.graph_models import graph_model, pixels_for, read_network


def measured(model: Model, strengths: dict[str, list[float]], count: int = 6) -> Invariance:
    images = pixels_for(model, count)
    labels = np.arange(count) % len(model.classes)
    evaluated = EvaluationImages(images=images, labels=labels, indices=np.arange(count), name="some", split="test")
    return measure_invariance(model, evaluated, {distortion_named(name): of for name, of in strengths.items()})


def test_every_layer_is_measured_under_its_name() -> None:
    model = graph_model("resnet18")
    found = measured(model, {"shift-x": [4.0], "contrast": [0.2]})
    assert found.layers == tuple(node.name for node in model.network.graph.nodes)  # type: ignore[attr-defined]
    assert not found.is_layout
    assert found.stages == (None,) * len(found.layers)
    by_name = dict(zip(found.layers, found.curves[0].points[0].layers, strict=True))
    assert by_name["conv1"].verdict == "equivariant inside"
    assert by_name["layer1.0.conv1"].verdict == "equivariant inside"
    assert from_json(Invariance, json.loads(json.dumps(to_json(found)))) == found
    text = measure_text(found)
    assert all(name in text for name in found.layers)


def test_a_large_network_is_shown_by_block() -> None:
    found = measured(graph_model("densenet121"), {"shift-x": [4.0], "rotation": [10.0]})
    names = [shown.name for shown in found.shown_layers]
    assert len(names) <= 40 < len(found.layers)
    assert {"features.denseblock1.denselayer1", "classifier"} <= set(names)
    assert found.shown_layers[-1].index == len(found.layers) - 1
    compared = {shown.index for shown in found.shown_layers}
    (point,) = found.curves[0].points
    assert {index for index, layer in enumerate(point.layers) if layer.changed is not None} == compared
    text = measure_text(found)
    assert "by block" in text
    assert "features.denseblock1.denselayer1 " in text
    assert draw_sensitivity(found, found.curves, theme=THEMES["light"]).axes


def maps_of(network: GraphNetwork, image: torch.Tensor) -> list[torch.Tensor]:
    with torch.inference_mode():
        return [by_position(values) for _, values in network.values(image)]


@pytest.mark.parametrize("name", ["unet_bilinear", "unet", "inception_v3", "googlenet", "fcn_resnet50"])
def test_maps_move_with_the_image_wherever_no_edge_is_seen(name: str) -> None:
    network = read_network(name)
    planned = network.plan
    moved_px = 16
    image = torch.randn(1, planned.channels, planned.height, planned.width, generator=torch.Generator().manual_seed(1))
    shifted = torch.roll(image, moved_px, 3)
    motion = distortion_named("shift-x").motion(float(moved_px), (planned.height, planned.width))  # type: ignore[misc]
    over = ImageMotion(planned, motion)
    compared = 0
    for layer, before, after in zip(planned.layers, maps_of(network, image), maps_of(network, shifted), strict=True):
        if layer.rows * layer.columns == 1 or (layer.field_columns.stride * 64) % 1:
            continue
        if moved_px % layer.field_columns.stride:
            continue
        movement = over.over(layer)
        expected = movement.follow(with_edge(before, torch.zeros(before.shape[2])))
        torch.testing.assert_close(after[movement.inside], expected[movement.inside], rtol=1e-3, atol=1e-3)
        compared += int(movement.inside.sum())
    assert compared > 100


def test_maps_for_every_position_are_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match="one logit for each class"):
        measured(graph_model("unet"), {"contrast": [0.2]})


def test_blocks_hold_every_layer_once() -> None:
    for name in ("resnet50", "mobilenet_v3", "densenet121", "inception_v3", "shufflenet_v2"):
        names = [node.name for node in read_network(name).graph.nodes]
        for most in (3, 8, 20, 100):
            blocks = blocks_of(names, most)
            assert len(blocks) <= most
            assert sorted(index for block in blocks for index in block.layers) == list(range(len(names)))
            assert blocks[-1].layers[-1] == len(names) - 1
