"""Contributions of pixels and biases add up to the logit, to rounding, where the network is piecewise linear."""

import pytest
import torch
from torch import nn

from convscope.attribution.contributions import CLIPPED, CURVED, STRAIGHT, contribute, is_straight
from convscope.attribution.method import Settings
from convscope.layers.kinds import LAYERS
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.layers.pooling import POOLINGS
from convscope.networks.folding import fold
from convscope.networks.foreign.modules.torch_module import read_module
from convscope.networks.graph_network import GraphNetwork
from tests.checks import graph_models, models

from .networks import CURVED_LAYOUTS, STRAIGHT_LAYOUTS, in_doubles, logits_of, standardized

STRAIGHT_ARCHITECTURES = ("resnet18", "mobilenet_v2", "squeezenet1_1")


def _sums(network: GraphNetwork, pixels: object) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Return Σ pixels + biases and the logits of every class, of one image."""
    classes = network.plan.classes
    images = standardized(network, pixels).repeat(classes, 1, 1, 1)  # type: ignore[arg-type]
    found = contribute(network, images, torch.arange(classes), Settings())
    rests = torch.tensor([one.rest for one in found], dtype=torch.float64)
    logits = logits_of(network, images).diagonal()
    return logits - rests, logits, all(one.exact for one in found)


@pytest.mark.parametrize("layout", STRAIGHT_LAYOUTS)
def test_their_sum_is_the_logit(layout: str) -> None:
    sums, logits, exact = _sums(in_doubles(models.small_model(layout)), models.some_pixels(1))
    assert exact
    torch.testing.assert_close(sums, logits, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", STRAIGHT_ARCHITECTURES)
def test_so_it_is_in_networks_of_the_field(name: str) -> None:
    model = graph_models.graph_model(name)
    sums, logits, exact = _sums(in_doubles(model), graph_models.pixels_for(model, 1))
    assert exact
    torch.testing.assert_close(sums, logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", CURVED_LAYOUTS)
def test_where_a_nonlinearity_is_curved_it_says_by_how_much_they_do_not(layout: str) -> None:
    network = in_doubles(models.small_model(layout))
    sums, logits, exact = _sums(network, models.some_pixels(1))
    assert not exact
    assert (sums - logits).abs().max() > 1e-3


def test_frames_and_clipped_values_count_among_the_biases() -> None:
    module = nn.Sequential(
        nn.ConstantPad2d(1, 0.7),
        nn.Conv2d(3, 6, 3),
        nn.ReLU6(),
        nn.Conv2d(6, 4, 3),
        nn.Hardsigmoid(),
        nn.Flatten(),
        nn.Linear(4 * 15 * 12, 3),
    )
    with torch.no_grad():
        for part in (module[1], module[3]):
            part.weight.mul_(9)  # so that some values are clipped
    source = read_module(module.eval(), torch.zeros(1, 3, 17, 14))
    network = GraphNetwork(source.graph, source.tensors, mean=(0.5,), std=(0.25,)).double()
    sums, logits, exact = _sums(network, models.some_pixels(1))
    assert exact
    torch.testing.assert_close(sums, logits, rtol=1e-12, atol=1e-12)


def test_the_contribution_of_a_pixel_is_its_gradient_times_its_value() -> None:
    network = in_doubles(models.small_model("4C3-MP2-6N"))
    image = standardized(network, models.some_pixels(1))
    (found,) = contribute(network, image, torch.tensor([2]), Settings())
    step, changes = 1e-6, []
    for row, column in ((3, 4), (9, 9), (16, 13)):
        moved = image.clone()
        moved[:, :, row, column] *= 1 + step
        changes.append(float(logits_of(network, moved)[0, 2] - logits_of(network, image)[0, 2]) / step)
    expected = [float(found.values[place]) for place in ((3, 4), (9, 9), (16, 13))]
    assert changes == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_every_nonlinearity_is_straight_clipped_or_curved() -> None:
    points = torch.tensor([-4.5, -1.0, 1.0, 4.5], dtype=torch.float64)
    for name, kind in NONLINEARITIES.items():
        bend = kind.apply(points - 0.1) - 2 * kind.apply(points) + kind.apply(points + 0.1)
        assert bool((bend.abs() > 1e-9).any()) == (name not in (*STRAIGHT, *CLIPPED)), name
        if name in STRAIGHT:
            torch.testing.assert_close(kind.apply(2 * points), 2 * kind.apply(points))


def test_every_pooling_grows_in_proportion() -> None:
    maps = torch.rand(1, 2, 6, 6, dtype=torch.float64)
    for kind in POOLINGS.values():
        pooling = kind.windowed(2, 2).eval()
        torch.testing.assert_close(pooling(3 * maps), 3 * pooling(maps), msg=kind.name)


def test_every_kind_of_layer_is_named_curved_or_is_straight() -> None:
    assert {kind.KIND for kind in CURVED} == {
        "channel-normalization",
        "instance-based",
        "local-response",
        "multiply",
        "softmax",
    }, "of a kind that is added, say here and in contributions.py which it is"
    assert len(LAYERS) == 19


def test_a_gate_is_curved() -> None:
    assert not is_straight(fold(models.graph_model().network).graph)
