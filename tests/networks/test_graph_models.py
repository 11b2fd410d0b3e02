"""Models whose network is a graph: predicted with, optimized, saved and read like those of a layout."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convscope.core.errors import ModelFileError, ParameterError
from convscope.layers.kinds import Convolution
from convscope.networks.folding import fold
from convscope.networks.fused_graph import FusedGraph, is_fusing
from convscope.networks.inference import optimize_for_inference
from convscope.networks.model import Model
from convscope.networks.model_file import read_model, write_model
from convscope.networks.prediction import predict
from tests.checks.models import graph_model, some_pixels

from .broken_models import joined, resign, split, with_document

IMAGES = some_pixels(9, 17, 14)


def good(folder: Path) -> bytes:
    write_model(graph_model(), folder / "good.safetensors")
    return (folder / "good.safetensors").read_bytes()


def test_a_model_read_back_predicts_the_same_bits(tmp_path: Path) -> None:
    model = graph_model()
    model.network.temperature.fill_(0.7)
    write_model(model, tmp_path / "m.safetensors")
    back = read_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(back.predict_proba(IMAGES), model.predict_proba(IMAGES))
    assert back.network.graph == model.network.graph
    for name in ("title", "classes", "preprocessing", "training", "version", "layout"):
        assert getattr(back, name) == getattr(model, name)
    write_model(back, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_names_in_any_script_are_read_back(tmp_path: Path) -> None:
    model = graph_model(names=("幹.畳み込み", "門", "頭"))
    model = dataclasses.replace(model, classes=("猫", "犬", "鳥"))
    write_model(model, tmp_path / "模型.safetensors")
    back = read_model(tmp_path / "模型.safetensors")
    assert back.network.graph == model.network.graph
    assert back.classes == ("猫", "犬", "鳥")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("graph",), {}),
        (("graph",), []),
        (("graph", "image", "maps"), 0),
        (("graph", "image", "rows"), 2**40),
        (("graph", "nodes"), []),
        (("graph", "nodes", 0, "kind"), "nothing"),
        (("graph", "nodes", 0, "name"), "image"),
        (("graph", "nodes", 0, "name"), "deep"),
        (("graph", "nodes", 0, "inputs"), ["head"]),
        (("graph", "nodes", 0, "inputs"), "image"),
        (("graph", "nodes", 0, "nonlinearity"), "leakyrelu:2"),
        (("graph", "nodes", 0, "layer", "units"), 2**30),
        (("graph", "nodes", 0, "layer", "units"), 7),
        (("graph", "nodes", 0, "layer", "rows", "kernel"), -1),
        (("graph", "nodes", 0, "layer"), {"units": 6}),
        (("graph", "nodes", 1, "layer", "groups"), 4),
        (("title",), 3),
        (("classes",), ["a", "b"]),
    ],
    ids=str,
)
def test_a_damaged_graph_is_refused_in_one_sentence(path: tuple[Any, ...], value: Any, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value

    (tmp_path / "bad.safetensors").write_bytes(with_document(good(tmp_path), change))
    with pytest.raises(ModelFileError, match="bad.safetensors"):
        read_model(tmp_path / "bad.safetensors")


def test_tensors_of_another_graph_are_refused(tmp_path: Path) -> None:
    header, data = split(good(tmp_path))
    header["graph.foot.weight"] = header.pop("graph.head.weight")
    (tmp_path / "bad.safetensors").write_bytes(resign(joined(header, data)))
    with pytest.raises(ModelFileError, match="not those of the graph"):
        read_model(tmp_path / "bad.safetensors")


@pytest.mark.parametrize("backend", ["torch", "openvino", "onnxruntime"])
def test_back_ends_give_the_same_probabilities(backend: Any) -> None:
    if backend != "torch":
        pytest.importorskip(backend)
    model = graph_model()
    np.testing.assert_allclose(
        model.optimize("float32", backend=backend).predict_proba(IMAGES), model.predict_proba(IMAGES), atol=1e-4
    )


def test_in_bfloat16_and_8_bits_nearly_the_same_probabilities_come_out() -> None:
    model, images = graph_model(), some_pixels(64, 17, 14)
    expected = model.predict_proba(images)
    half = model.optimize("bfloat16").predict_proba(images)
    assert 0 < np.abs(half - expected).max() < 0.1
    pytest.importorskip("onnxruntime")
    eighth = model.optimize("int8", backend="onnxruntime", calibration=images).predict_proba(images)
    assert 0 < np.abs(eighth - expected).max() < 0.2


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "dilation": 2, "groups": 3}, {"padding": 0}], ids=str)
def test_relu_within_its_convolution_gives_the_same_values(settings: Any) -> None:
    first = nn.Conv2d(3, 6, 3, **{"padding": 1, **settings})
    module = nn.Sequential(first, nn.ReLU(), nn.Conv2d(6, 6, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    _ = module(torch.zeros(1, 3, 17, 14))
    network = Model.from_torch(module, (3, 17, 14), preprocessing="unit").network
    images = torch.from_numpy(IMAGES)
    fused = optimize_for_inference(network)
    assert isinstance(fused, FusedGraph) == is_fusing()
    assert not isinstance(network, FusedGraph)
    with torch.inference_mode():
        plain = optimize_for_inference(network, fused=False)(images)
        torch.testing.assert_close(fused(images), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.skipif(not is_fusing(), reason="this build of torch cannot")
def test_a_part_of_the_values_is_computed_as_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(3))
    _ = module(torch.zeros(1, 3, 17, 14))
    fused = optimize_for_inference(Model.from_torch(module, (3, 17, 14), preprocessing="unit").network)
    node, pixels = fused.graph.nodes[0], torch.rand(2, 3, 17, 14)
    with torch.inference_mode():
        whole = fused.compute(node, [pixels])
        out = torch.empty(2, 6, 4, 5)
        monkeypatch.setattr(Convolution, "compute", None)
        fused.compute_into(out, node, [pixels], (slice(2, 6), slice(3, 8)))
    assert torch.equal(out, whole[:, :, 2:6, 3:8])


def test_the_batch_is_that_of_the_largest_maps_at_once() -> None:
    assert graph_model().batch == 256


def test_maps_for_each_class_are_no_answer_and_that_is_said() -> None:
    whole = graph_model()
    graph = whole.network.graph.up_to("sum")
    tensors = {name: value for name, value in whole.network.tensors.items() if name in graph.tensors}
    network = type(whole.network)(graph, tensors).eval()
    model = dataclasses.replace(whole, network=network, classes=tuple("abcdef"))
    assert model.is_dense
    assert not whole.is_dense
    for call in (
        model.predict_proba,
        model.predict,
        lambda images: list(predict(model, images)),
        lambda _: model.optimize(),
    ):
        with pytest.raises(ParameterError, match="segmentation"):
            call(IMAGES)


def test_the_graph_of_a_graph_is_itself() -> None:
    network = graph_model().network
    assert fold(network) is network
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 17, 14)).shape == (1, 3)
