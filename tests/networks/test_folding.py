"""A folded network computes what the network computes, by sums that anyone can follow."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from numpy.typing import NDArray
from torch.nn import functional

from convscope.layers.locally_connected import regions_along
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.networks.build import Network
from convscope.networks.folding import Connections, Folded, WeightedSums, fold
from convscope.networks.layout import Layout
from tests.checks.laws import LAWS
from tests.checks.layouts import Case, cases
from tests.checks.models import calibrated, small_model, with_statistics


def computed(folded: Folded, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits by the arithmetic that the records describe, in float64."""
    maps = (torch.from_numpy(images).double() / 255 - torch.from_numpy(folded.mean)) / torch.from_numpy(folded.std)
    maps = maps.permute(0, 3, 1, 2)
    for layer in folded.layers:
        if isinstance(layer, WeightedSums):
            maps = _sums(layer, maps)
        elif isinstance(layer, Connections):
            sums = maps.flatten(1) @ torch.from_numpy(layer.weights).double().T + torch.from_numpy(layer.biases)
            maps = NONLINEARITIES[layer.nonlinearity].apply(sums)
        else:
            maps = layer.build().eval()(maps)
    return maps.numpy()


def _sums(layer: WeightedSums, maps: torch.Tensor) -> torch.Tensor:
    padded = functional.pad(maps, (layer.before, layer.after) * 2)
    weights = torch.from_numpy(layer.weights).double()
    each = torch.stack(
        [
            functional.conv2d(padded, one, torch.from_numpy(layer.biases).double(), stride=layer.stride)
            for one in weights.flatten(0, 1)
        ]
    )
    rows, columns = each.shape[-2:]
    regions = torch.tensor(regions_along(rows, weights.shape[0]))[:, None] * weights.shape[1]
    regions = regions + torch.tensor(regions_along(columns, weights.shape[1]))
    values = each.gather(0, regions.expand(1, *each.shape[1:]))[0]
    return NONLINEARITIES[layer.nonlinearity].apply(values + maps if layer.residual else values)


def assert_same_scores(case: Case) -> None:
    network = with_statistics(Network(case.layout, **case.sizes, mean=(0.4,), std=(0.3,)))
    images = np.random.default_rng(1).integers(0, 256, (3, case.height, case.width, case.channels), np.uint8)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    calibrated(network)
    if network.temperature is not None:
        expected = expected / network.temperature.numpy()
    else:
        expected = expected * network.slopes.numpy() + network.offsets.numpy()
    folded = fold(network)
    assert folded.sigmoids == (network.temperature is None)
    assert len(folded.layers) == len(network.plan.layers)
    np.testing.assert_allclose(computed(folded, images), expected, rtol=1e-3, atol=1e-4)


@settings(LAWS, max_examples=80)
@given(cases())
def test_it_computes_the_same_scores(case: Case) -> None:
    assert_same_scores(case)


@pytest.mark.parametrize(
    "layout", ["4U3-MP2-6U3:2-5N", "4C3/2-+4C3-LP2-ST2-BPg", "softmax", "7N-nonorm-gelu", "4C3-MP2-svm"]
)
def test_units_that_are_not_copied_and_odd_networks_too(layout: str) -> None:
    assert_same_scores(Case(layout=Layout.parse(layout), height=9, width=11, channels=3, classes=4))


def test_the_network_stays_as_it_was() -> None:
    network = small_model("4C3-MP2-6N").network
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fold(network)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])


def test_a_classifier_alone_is_one_layer() -> None:
    network = Network(Layout.parse("softmax"), height=2, width=2, channels=1, classes=3)
    (logits,) = fold(network).layers
    assert isinstance(logits, Connections)
    np.testing.assert_array_equal(logits.weights, network.classifier.weight.detach().numpy())
