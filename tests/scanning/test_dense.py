"""A network applied densely gives what it gives window by window, whatever the network."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convscope.networks.build import Network
from convscope.networks.folding import fold
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.layout import Layout
from convscope.scanning.dense import dense_logits, dense_plan
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.sliding_graphs import sliding_graphs
from tests.oracles.sliding import random_network, window_by_window

STRIDES = st.integers(1, 5)
MANY = settings(LAWS, max_examples=60)


def difference(network: GraphNetwork, stride: int, *, dtype: torch.dtype, more: tuple[int, int] = (9, 6)) -> float:
    """Return the largest difference from window by window, as a fraction of the largest logit."""
    plan = dense_plan(network.graph, stride)
    assert plan is not None
    below = network.graph.image
    drawn = torch.Generator().manual_seed(1)
    image = torch.randn(1, below.maps, below.rows + more[0], below.columns + more[1], generator=drawn).to(dtype)
    network = network.to(dtype)
    with torch.inference_mode():
        expected = window_by_window(network, image, stride)
        rows, columns = ((count - 1) * stride for count in expected.shape[2:])
        found = dense_logits(network, plan, image[:, :, : rows + below.rows, : columns + below.columns])
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1.0))


@MANY
@given(sliding_graphs(), STRIDES)
def test_a_graph_applied_densely_gives_what_it_gives_window_by_window(graph: Graph, stride: int) -> None:
    network = GraphNetwork(graph, random_network(graph.tensors)).eval()
    assume(dense_plan(graph, stride) is not None)
    assert difference(network, stride, dtype=torch.float64) <= 1e-10


@MANY
@given(cases(largest_side=14, stages=4), STRIDES)
def test_a_layout_applied_densely_gives_what_it_gives_window_by_window(case: Case, stride: int) -> None:
    torch.manual_seed(0)
    network = fold(Network(case.layout, **case.sizes).eval())
    assume(dense_plan(network.graph, stride) is not None)
    assert difference(network, stride, dtype=torch.float64) <= 1e-10


@pytest.mark.parametrize(
    "text", ["24C5v-MP2-48C3v-MP2-96N", "24C5-MP2-48C3-MP2-96N", "24C5-MP2-48C3-+48C3-AP2-64C4-MPg"]
)
@pytest.mark.parametrize("stride", [1, 3, 4])
def test_in_float32_the_difference_is_rounding(text: str, stride: int) -> None:
    torch.manual_seed(0)
    network = fold(Network(Layout.parse(text), height=28, width=28, channels=1, classes=10).eval())
    assert difference(network, stride, dtype=torch.float32, more=(17, 8)) <= 1e-4


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        ("24C5v-MP2-48C3v-MP2-192N", 344_664),
        ("24C5v-MP2-48C3v-MP2-96C3v-MPg", 53_400),
        ("20C5v-MP2-50C5v-MP2-500N", 655_500),
        ("24C5-MP2-48C3-MP2-192N", 705_240),
        ("24C5-MP2-48C3-MP2-96C3-MPg", 8_664 + 7 * 13 * 24 * 48 + 7 * 7 * 48 * 96 + 96 * 10),  # 7 taps by family below
    ],
)
def test_the_cost_of_a_position_is_counted_as_by_hand(text: str, macs: int) -> None:
    network = Network(Layout.parse(text), height=32, width=32, channels=1, classes=10)
    plan = dense_plan(network.graph, 1)
    assert plan is not None
    assert plan.macs == macs


def test_a_position_costs_less_at_the_stride_of_the_network() -> None:
    network = Network(Layout.parse("24C5v-MP2-48C3v-MP2-96C3v-MPg"), height=32, width=32, channels=1, classes=10)
    one, own = (dense_plan(network.graph, stride) for stride in (1, 4))
    assert one is not None
    assert own is not None
    assert own.macs == 16 * 25 * 24 + 4 * 9 * 24 * 48 + 9 * 48 * 96 + 96 * 10  # a window, 4 pixels apart
    assert own.macs < 16 * one.macs


@pytest.mark.parametrize("text", ["8U3-MP2-8N", "8C3-MP2-8U3-8N"])
def test_locally_connected_units_do_not_slide(text: str) -> None:
    network = Network(Layout.parse(text), height=12, width=12, channels=1, classes=2)
    assert dense_plan(network.graph, 1) is None
