"""Units that fill blocks change nothing but the number of units, where sums alone read them."""

import numpy as np
import pytest
import torch

from convscope.layers.kinds import Convolution
from convscope.networks.blocked_units import in_blocks
from convscope.networks.folding import fold
from tests.checks.models import small_model, some_pixels


@pytest.mark.parametrize(
    ("layout", "units"),
    [
        ("6C3-MP2-9C3v-MP2-5N", [8, 16]),
        ("6C3-9C3-sigmoid", [8, 16]),  # an added unit gives sigmoid(0) = 0.5
        ("6C3-MP2-+6C3-6C3-MPg", [6, 6, 8]),  # what is added keeps its number of units, and what it is added to
        ("6C3-5U3-6C3", [6, 8]),  # what locally connected units read, too
        ("3C3-MP2-8C3-4N", [3, 8]),  # three of eight would do too much for nothing
    ],
)
def test_units_are_added_where_only_sums_read_them_and_the_probabilities_stay(layout: str, units: list[int]) -> None:
    network = small_model(layout).network
    network.temperature = torch.tensor([2.0])
    blocked = in_blocks(fold(network), 8)
    layers = [node.layer for node in blocked.graph.nodes]
    assert [layer.units for layer in layers if isinstance(layer, Convolution)] == units
    images = torch.from_numpy(some_pixels(20, 17, 14))
    with torch.inference_mode():
        np.testing.assert_allclose(blocked.probabilities(images), network.probabilities(images), atol=1e-5)
