"""Weights in a page: in how few bits, and what that changes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from convscope.core.errors import DataError
from convscope.explorer import weights
from convscope.explorer.weights import in_bytes, rounding_of, text_bytes, weight_dtype
from convscope.networks.folding import ready
from convscope.networks.graph_network import GraphNetwork
from tests.checks.models import small_model, some_pixels


@pytest.fixture(scope="module")
def network() -> GraphNetwork:
    return ready(small_model().network)


def test_only_large_networks_have_weights_of_fewer_bits(network: GraphNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []
    for count in (1, 200_000, 200_001, 1_200_000, 1_200_001, 11_250_000, 11_250_001, 75_000_000):
        monkeypatch.setattr(network.plan.__class__, "parameters", count)
        kinds.append(weight_dtype(network))
    assert kinds == ["float32", "float32", "float24", "float24", "float16", "float16", "int8", "int8"]
    monkeypatch.setattr(network.plan.__class__, "parameters", 75_000_001)
    with pytest.raises(DataError, match="75,000,001 parameters: 100 MB"):
        weight_dtype(network)


def test_a_network_that_is_too_large_is_refused_with_the_part_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    network = ready(small_model("4C3-MP2-6N").network)
    for bound in ("MOST_EXACT", "MOST_NEARLY_EXACT", "LARGEST_HALVES"):
        monkeypatch.setattr(weights, bound, 0)
    monkeypatch.setattr(weights, "LARGEST_TEXT", text_bytes(network.plan.layers[0].parameters, "int8"))
    with pytest.raises(DataError, match=r"Show the part up to pooling1: convscope convert MODEL .* --up-to pooling1$"):
        weight_dtype(network)


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=st.floats(-9, 9, width=32)))
def test_weights_of_8_bits_are_half_a_step_away_at_most(weight: np.ndarray) -> None:
    steps, scales = in_bytes(weight)
    assert np.abs(steps).max() <= 127
    assert (np.abs(steps * scales[:, None] - weight) <= 0.501 * scales[:, None]).all()


def test_locally_connected_units_have_a_scale_in_each_region() -> None:
    weight = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 3, 3)).astype(np.float32)
    assert len(in_bytes(weight)[1]) == 2 * 3 * 4


def test_what_rounding_changes_is_measured(network: GraphNetwork) -> None:
    assert rounding_of(network, "float24", None) is None
    near, far = (rounding_of(network, dtype, some_pixels(5, 17, 14)) for dtype in ("float16", "int8"))
    assert near is not None
    assert far is not None
    assert (far.images, far.random, near.same) == (5, False, 1.0)
    assert 0 < near.largest_difference < far.largest_difference < 0.1 * far.largest_logit
    drawn = rounding_of(network, "int8", None)
    assert drawn is not None
    assert drawn.random
    assert network(torch.zeros(1, 3, 17, 14)).shape == (1, 3), "the network itself is as it was"


def test_the_size_of_base64_is_known() -> None:
    assert [text_bytes(3, dtype) for dtype in ("float32", "float24", "float16", "int8")] == [16, 12, 8, 4]
