"""Networks in float64, in which equal sums in another order agree to 1e-9."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.networks.folding import fold
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.model import Model

STRAIGHT_LAYOUTS = (
    "softmax",
    "4C3-MP2-6N",
    "4C3-+4C3-MP2-+4C2-APg",
    "+3C1-SSg-nonorm-abs",
    "4C3-MP2-6N-svm",
    "4C3-LP2-6C3/2-ST2-5N",
    "4C3-BP2-8C3/2-APg",
    "3U3:2-MP2-5N-leakyrelu",
)
CURVED_LAYOUTS = ("6N-tanh", "4C3-MP2-6N-sigmoid", "4C3-AP2-5N-gelu", "4C3-MP2-hardswish")
ARCHITECTURES = ("mobilenet_v3", "squeezenet1_1", "shufflenet_v2", "convnext_tiny")


def in_doubles(model: Model) -> GraphNetwork:
    """Return the arithmetic of a model in float64."""
    return copy.deepcopy(fold(model.network)).double().requires_grad_(requires_grad=False)


def standardized(network: GraphNetwork, pixels: NDArray[np.uint8]) -> Tensor:
    """Return images as the network takes them, float64."""
    return network.standardize(torch.from_numpy(pixels)).double()


def logits_of(network: GraphNetwork, images: Tensor) -> Tensor:
    """Return the logits by a forward pass, in float64."""
    with torch.no_grad():
        *_, (_, values) = network.values(images)
    return values.flatten(1)
