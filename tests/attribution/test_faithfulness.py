"""Deletion and insertion rank orders of pixels; random weights change maps that depend on what was learned."""

import numpy as np
import pytest
import torch

from convscope.attribution import faithfulness
from convscope.attribution.contributions import CONTRIBUTIONS
from convscope.attribution.faithfulness import (
    FRACTIONS,
    Subject,
    deletion_and_insertion,
    edges,
    measure_orders,
    randomized,
    rank_correlation,
    work,
)
from convscope.attribution.faithfulness_record import EDGES, RANDOM
from convscope.attribution.method import Settings
from convscope.attribution.occlusion import OCCLUSION
from convscope.core.progress import Silent, Task
from convscope.layers.geometry import MapShape
from convscope.layers.kinds import Linear
from convscope.networks.folding import fold
from convscope.networks.graph import Graph, Node
from convscope.networks.graph_network import GraphNetwork
from tests.checks.models import small_model, some_pixels

SIDE = 8
NO_TASK = Task("", 0)


def _subject(network: GraphNetwork, images: torch.Tensor) -> Subject:
    with torch.no_grad():
        targets = network(images).argmax(1)
    return Subject(network=network, images=images, targets=targets, settings=Settings(), seed=0)


@pytest.fixture
def corner() -> Subject:
    """Return a network that sees only the upper left quarter of images that are 1 there and elsewhere."""
    nodes = (Node(name="sum", layer=Linear(units=2), inputs=("image",)),)
    weight = torch.zeros(2, 1, SIDE, SIDE)
    weight[0, 0, : SIDE // 2, : SIDE // 2] = 1
    tensors = {"sum.weight": weight.flatten(1), "sum.bias": torch.tensor([0.0, 8.0])}
    network = GraphNetwork(Graph(nodes=nodes, image=MapShape(maps=1, rows=SIDE, columns=SIDE)), tensors)
    return _subject(network.requires_grad_(requires_grad=False), torch.ones(4, 1, SIDE, SIDE))


def test_the_pixels_that_matter_make_the_smallest_area_and_the_others_the_largest(corner: Subject) -> None:
    best = np.zeros((4, SIDE, SIDE), np.float32)
    best[:, : SIDE // 2, : SIDE // 2] = 1
    rng = np.random.default_rng(0)
    areas = {
        name: deletion_and_insertion(corner, values, rng, NO_TASK)[0].mean()
        for name, values in (("best", best), ("worst", -best))
    }
    assert areas["best"] < 0.2
    assert areas["worst"] > 0.8


def test_a_pixel_that_is_gone_is_the_mean_and_one_that_is_not_back_is_blurred(corner: Subject) -> None:
    order = np.arange(4 * SIDE * SIDE, dtype=np.float32).reshape(4, SIDE, SIDE)
    deleted, inserted = deletion_and_insertion(corner, order, np.random.default_rng(0), NO_TASK)
    assert deleted.shape == inserted.shape == (4, len(FRACTIONS))
    network = corner.network
    with torch.no_grad():
        whole, nothing = (network.probabilities(one)[0, 0].item() for one in (corner.images, 0 * corner.images))
    assert deleted[0, 0] == pytest.approx(whole)
    assert deleted[0, -1] == pytest.approx(nothing)
    assert inserted[0] == pytest.approx([whole] * len(FRACTIONS)), "an even image stays what it is when it is blurred"


def test_equal_pixels_go_in_random_order(corner: Subject) -> None:
    flat = np.zeros((4, SIDE, SIDE), np.float32)
    deleted, _ = deletion_and_insertion(corner, flat, np.random.default_rng(0), NO_TASK)
    assert len({tuple(row) for row in deleted.round(6).tolist()}) > 1


def test_the_edge_filter_finds_an_edge() -> None:
    images = torch.zeros(1, 3, 6, 6)
    images[..., 3:] = 1
    assert (edges(images)[0] > 0).sum(axis=0).tolist() == [0, 0, 6, 6, 0, 0]


def test_every_order_is_measured_and_the_progress_is_what_was_announced() -> None:
    network = fold(small_model("4C3-MP2-6N").network)
    subject = _subject(network, network.standardize(torch.from_numpy(some_pixels(5))))
    methods = (CONTRIBUTIONS, OCCLUSION)
    with Silent().task("", work(subject, methods)) as task:
        found = measure_orders(subject, methods, task)
        assert task.done == work(subject, methods)
    assert [one.name for one in found] == ["contributions", "occlusion", EDGES, RANDOM]
    by_name = {one.name: one for one in found}
    assert by_name[EDGES].gain is None
    assert [layer.layer for layer in by_name["occlusion"].randomized] == ["classifier", "linear1", "convolution1"]
    gain, edge = by_name["occlusion"].gain, by_name[EDGES]
    assert gain is not None
    balance = by_name["occlusion"].insertion.mean - by_name["occlusion"].deletion.mean
    assert gain.mean == pytest.approx(balance - (edge.insertion.mean - edge.deletion.mean))


def test_weights_are_random_from_the_last_layer_down_and_the_network_stays() -> None:
    network = fold(small_model("4C3-MP2-6N").network)
    before = {name: value.clone() for name, value in network.tensors.items()}
    layers = ["classifier", "linear1", "convolution1"]
    for number, (name, random) in enumerate(randomized(network, most=6, seed=0), start=1):
        assert name == layers[number - 1]
        for layer in layers:
            same = torch.equal(random.tensors[f"{layer}.weight"], before[f"{layer}.weight"])
            assert same == (layer not in layers[:number])
    assert all(torch.equal(value, before[name]) for name, value in network.tensors.items())
    assert [name for name, _ in randomized(network, most=2, seed=0)] == ["classifier", "convolution1"]


def test_rank_correlation_is_that_of_the_order() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)
    assert rank_correlation(values, np.zeros_like(values)) == 0
    assert faithfulness.MOST_RANDOM_IMAGES >= 2
