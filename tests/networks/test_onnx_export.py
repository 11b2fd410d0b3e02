"""The ONNX graph of a network is valid and gives what the network gives, whatever the layout."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from numpy.typing import NDArray

import convscope
from convscope.core.errors import DataError, ParameterError
from convscope.layers.geometry import MapShape
from convscope.layers.kinds import Padding, Resize
from convscope.layers.pooling import POOLINGS
from convscope.networks.build import Network
from convscope.networks.export.onnx_check import difference_of_written
from convscope.networks.export.onnx_export import INPUT, OUTPUT, Where, onnx_bytes
from convscope.networks.export.onnx_writer import OnnxGraph
from convscope.networks.foreign.onnx_models import of_onnx
from convscope.networks.graph import IMAGE, Graph, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.int8 import calibrated, rounded_weights
from convscope.networks.stages import ConvolutionStage
from tests.checks.architectures import ARCHITECTURES, Architecture
from tests.checks.graph_models import read_architecture
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import graph_model, small_model, some_pixels, with_statistics

READ = [one for one in ARCHITECTURES.values() if not one.refused]


def run(content: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run([OUTPUT], {INPUT: images})[0]
    return found


def graph_of(network: Network) -> bytes | None:
    """Return the graph, None where it is refused for a locally connected stage."""
    with contextlib.suppress(ParameterError):
        return onnx_bytes(network)
    return None


@settings(LAWS, max_examples=40)
@given(cases())
def test_it_is_valid_and_gives_the_probabilities_of_the_network(case: Case) -> None:
    network = with_statistics(Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,))).eval()
    content = graph_of(network)
    if content is None:
        assert any(isinstance(stage, ConvolutionStage) and stage.regions != 1 for stage in case.layout.stages)
        return
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    images = np.random.default_rng(1).integers(0, 256, (3, case.height, case.width, case.channels), np.uint8)
    with torch.inference_mode():
        expected = network.probabilities(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(run(content, images), expected, atol=2e-4)


@pytest.mark.parametrize("layout", ["4C3-ST2-6C3-BP2", "4C3-LP2-4C3-APg-gelu", "4C3-STg-tanh", "3C3-BPg-svm"])
def test_each_pooling_has_its_operations(layout: str) -> None:
    model = small_model(layout)
    images = some_pixels(5, 17, 14)
    np.testing.assert_allclose(run(onnx_bytes(model.network), images), model.predict_proba(images), atol=1e-5)


def read_back(content: bytes, folder: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities of the network that is read from a file."""
    (folder / "m.onnx").write_bytes(content)
    return convscope.load(folder / "m.onnx").predict_proba(images)


@settings(LAWS, max_examples=40)
@given(cases())
def test_what_is_written_is_read_with_the_same_probabilities(
    tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    network = with_statistics(Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,))).eval()
    content = graph_of(network)
    if content is None:
        return
    images = np.random.default_rng(1).integers(0, 256, (3, case.height, case.width, case.channels), np.uint8)
    with torch.inference_mode():
        expected = network.probabilities(torch.from_numpy(images)).numpy()
    found = read_back(content, tmp_path_factory.mktemp("read"), images)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("preprocessing", ["inside", "outside"])
@pytest.mark.parametrize("window", ["2", "3/2", "g"])
@pytest.mark.parametrize("code", POOLINGS)
def test_each_pooling_is_read_back(code: str, window: str, preprocessing: Where, tmp_path: Path) -> None:
    model = small_model(f"4C3-{code}{window}-6N")
    images = some_pixels(5, 17, 14)
    found = read_back(onnx_bytes(model.network, preprocessing=preprocessing), tmp_path, images)
    np.testing.assert_allclose(found, model.predict_proba(images), atol=1e-5)


def test_pixels_are_put_into_the_order_of_maps_before_they_are_standardized() -> None:
    graph = onnx.load_from_string(onnx_bytes(small_model("4C3-MP2").network)).graph
    assert [node.op_type for node in graph.node[:4]] == ["Transpose", "Cast", "Mul", "Add"]
    numbers = {one.name: list(one.dims) for one in graph.initializer}
    assert [numbers[node.input[1]] for node in graph.node[2:4]] == [[3, 1, 1]] * 2, "a single value a channel is slow"


def test_rounded_to_8_bits_it_gives_nearly_the_same() -> None:
    model = small_model("8C3-MP2-+8C3-AP2-12N")
    images = some_pixels(64, 17, 14)
    content = onnx_bytes(model.network, calibrated(model.network, images))
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    whole = [one for one in onnx.load_from_string(content).graph.initializer if one.data_type == onnx.TensorProto.INT8]
    assert sum(one.dims[:] == [8, 3, 3, 3] for one in whole) == 1  # weights are kept as whole numbers
    difference = np.abs(run(content, images) - model.predict_proba(images))
    assert 0 < difference.max() < 0.05


def test_a_unit_without_weights_keeps_its_bias_in_8_bits() -> None:
    graph = OnnxGraph()
    weights = np.array([[[[0.0]]], [[[1e-9]]], [[[0.25]]]], np.float32)
    biases = np.array([0.5, -300.0, 0.5], np.float32)
    both = rounded_weights(graph, weights, biases, (0.0, 1.0))
    total = graph.node("Conv", graph.constant(np.zeros((1, 1, 1, 1), np.float32)), *both)
    graph.node("Identity", total, name=OUTPUT)
    content = graph.model({INPUT: ("uint8", ["N"])}, {OUTPUT: ("float32", [1, 3, 1, 1])})
    found = run(content, np.zeros(1, np.uint8))[0, :, 0, 0]
    np.testing.assert_allclose(found, biases, rtol=1e-4)


def test_ranges_are_those_of_the_images() -> None:
    network = small_model("4C3-MP2").network
    ranges = calibrated(network, np.full((1, 17, 14, 3), 255, np.uint8))
    assert ranges.inputs["convolution1"] == pytest.approx((0.6 / 0.3, 0.7 / 0.25))
    with pytest.raises(ParameterError, match="`calibration` must have at least one image"):
        calibrated(network, np.empty((0, 17, 14, 3), np.uint8))


# Graphs


@pytest.mark.parametrize("preprocessing", ["inside", "outside"])
@pytest.mark.parametrize("architecture", READ, ids=lambda one: one.name)
def test_an_architecture_there_and_back_is_the_same_graph(
    architecture: Architecture, preprocessing: Where, tmp_path: Path
) -> None:
    source = read_architecture(architecture)
    network = GraphNetwork(source.graph, source.tensors, mean=(0.4,), std=(0.3,)).eval()
    content = onnx_bytes(network, preprocessing=preprocessing)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    (tmp_path / "m.onnx").write_bytes(content)
    parts = of_onnx(tmp_path / "m.onnx")  # compares it with ONNX Runtime
    assert parts.network.graph == source.graph
    assert parts.training["source"]["proof"]["compared"] >= 0.9 * len(source.graph.nodes)
    for name, values in source.tensors.items():
        torch.testing.assert_close(parts.network.tensors[name], values, rtol=0, atol=0)
    torch.testing.assert_close(parts.network.mean, network.mean)
    torch.testing.assert_close(parts.network.std, network.std)


@pytest.mark.parametrize("opset", sorted({13, 15, 17, 18, 19, onnx.defs.onnx_opset_version()}))
@pytest.mark.parametrize("name", ["convnext_tiny", "mobilenet_v3", "unet_bilinear"])
def test_a_version_of_the_operators_can_be_chosen(name: str, opset: int) -> None:
    architecture = ARCHITECTURES[name]
    source = read_architecture(architecture)
    network = GraphNetwork(source.graph, source.tensors).eval()
    content = onnx_bytes(network, opset=opset)
    model = onnx.load_from_string(content)
    assert [entry.version for entry in model.opset_import] == [opset]
    onnx.checker.check_model(model, full_check=True)
    assert (difference_of_written(content, network) or 1) < 1e-5


@pytest.mark.parametrize("opset", [12, 0, -1, 1_000, 17.0, True, "17"])
def test_a_version_that_is_not_there_is_refused(opset: Any) -> None:
    with pytest.raises(ParameterError, match="`opset`"):
        onnx_bytes(small_model().network, opset=opset)


def test_padding_from_the_other_side_needs_a_newer_version() -> None:
    layer = Padding(top=1, bottom=1, mode="wrap")
    graph = Graph(image=MapShape(maps=3, rows=5, columns=4), nodes=(Node(name="pad", layer=layer, inputs=(IMAGE,)),))
    network = GraphNetwork(graph, {})
    with pytest.raises(ParameterError, match="at least 19"):
        onnx_bytes(network, preprocessing="outside")
    assert (difference_of_written(onnx_bytes(network, preprocessing="outside", opset=19), network) or 0) < 1e-6


def test_what_nothing_reads_is_not_written_and_names_are_those_of_the_layers() -> None:
    model = graph_model()
    file = onnx.load_from_string(onnx_bytes(model.network, classes=("猫", "犬", "鳥")))
    read = {name for node in file.graph.node for name in node.input}
    written = {name for node in file.graph.node for name in node.output}
    assert written - read == {OUTPUT}
    assert {one.name for one in file.graph.initializer} <= read
    assert set(model.network.graph.by_name) <= written
    assert set(model.network.graph.tensors) <= {one.name for one in file.graph.initializer}
    assert {"/stem.conv/Conv", "/head/Gemm", "/gate/HardSigmoid"} <= {node.name for node in file.graph.node}
    assert {entry.key: entry.value for entry in file.metadata_props}["classes"] == '["猫", "犬", "鳥"]'
    assert file.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_a_layer_may_have_the_name_of_an_input_or_output() -> None:
    model = graph_model(names=("images", "probabilities", "logits"))
    np.testing.assert_allclose(
        run(onnx_bytes(model.network), some_pixels(5, 17, 14)), model.predict_proba(some_pixels(5, 17, 14)), atol=1e-5
    )


def test_any_batch_goes_through() -> None:
    model = graph_model()
    content = onnx_bytes(model.network)
    for count in (1, 2, 7):
        assert run(content, some_pixels(count, 17, 14)).shape == (count, 3)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "corners"])
def test_resizing_gives_the_size_and_values_of_torch(mode: str) -> None:
    for below, size in [(7, 31), (11, 13), (14, 4), (14, 16), (22, 52), (26, 28), (28, 16), (27, 58), (1, 5), (6, 12)]:
        way: Any = "nearest" if mode == "nearest" else "bilinear"
        layer = Resize(rows=size, columns=size, mode=way, corners=mode == "corners")
        image = MapShape(maps=1, rows=below, columns=below)
        network = GraphNetwork(Graph(image=image, nodes=(Node(name="r", layer=layer, inputs=(IMAGE,)),)), {})
        assert (difference_of_written(onnx_bytes(network, preprocessing="outside"), network) or 0) < 1e-5


def test_a_file_that_computes_something_else_is_noticed() -> None:
    content = onnx_bytes(graph_model(seed=1).network)
    with pytest.raises(DataError, match="ONNX Runtime"):
        difference_of_written(content, graph_model().network)


def test_a_file_that_cannot_be_compared_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Opset 99 is under development\nand more")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    result = convscope.convert(graph_model(), tmp_path / "m.onnx")
    assert result.difference is None
    assert result.notes[-1].endswith("with ONNX Runtime, which cannot run it (Opset 99 is under development).")
