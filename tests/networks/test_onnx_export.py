"""The ONNX graph of a network is valid and gives what the network gives, whatever the layout."""

import contextlib

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from numpy.typing import NDArray

from convscope.core.errors import ParameterError
from convscope.networks.build import Network
from convscope.networks.int8 import calibrated, rounded_weights
from convscope.networks.onnx_export import INPUT, OUTPUT, onnx_bytes
from convscope.networks.onnx_writer import OnnxGraph
from convscope.networks.stages import ConvolutionStage
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import small_model, some_pixels, with_statistics


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
