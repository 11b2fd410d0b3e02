"""Functions and normalizations that are written in pieces become the layers that they are, and nothing else does."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.networks.foreign.building.unsupported import UnsupportedError
from tests.networks.foreign.comparing import difference, kinds, read

SHAPE = (4, 6, 5)


class Behind(nn.Module):
    """A function behind a convolution, and a convolution behind that."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.before = nn.Conv2d(4, 6, 3, padding=1)
        self.function = function
        self.after = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.after(self.function(self.before(images)))
        return result


FORMS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "x clip(x + 3, 0, 6) / 6": ("hardswish", lambda x: x * torch.clamp(x + 3, 0, 6) / 6),
    "x relu6(x + 3) / 6": ("hardswish", lambda x: x * (functional.relu6(x + 3) / 6)),
    "relu6(3 + x) / 6 x": ("hardswish", lambda x: functional.relu6(3 + x) * (1 / 6) * x),
    "x hardsigmoid(x)": ("hardswish", lambda x: x * functional.hardsigmoid(x)),
    "clip(x + 3, 0, 6) / 6": ("hardsigmoid", lambda x: torch.clamp(x + 3, 0, 6) / 6),
    "min(max(x, 0), 6)": ("relu6", lambda x: x.clamp_min(0).clamp_max(6)),
    "max(x, 0)": ("relu", lambda x: x.clamp(min=0)),
    "(x + |x|) / 2": ("relu", lambda x: (x + x.abs()) / 2),
    "max(x, -x)": ("abs", lambda x: torch.maximum(x, -x)),
    "max(x, x / 10)": ("leakyrelu:0.1", lambda x: torch.maximum(x, 0.1 * x)),
    "x sigmoid(x)": ("silu", lambda x: x * torch.sigmoid(x)),
    "x / (1 + exp(-x))": ("silu", lambda x: x / (1 + torch.exp(-x))),
    "1 / (1 + exp(-x))": ("sigmoid", lambda x: 1 / (1 + torch.exp(-x))),
    "2 sigmoid(2 x) - 1": ("tanh", lambda x: 2 * torch.sigmoid(2 * x) - 1),
    "x (1 + erf(x / √2)) / 2": ("gelu", lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))),
    "x erf in single precision": ("gelu", lambda x: x * (torch.erf(x / 1.4142135) + 1.0) * 0.5),
    "gelu by tanh": (
        "gelutanh",
        lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3)))),
    ),
    "gelu by tanh, x x x": (
        "gelutanh",
        lambda x: 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
    ),
    "x tanh(softplus(x))": ("mish", lambda x: x * torch.tanh(functional.softplus(x))),
    "log(1 + exp(x))": ("softplus", lambda x: torch.log(1 + torch.exp(x))),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_nonlinearity_in_pieces_is_recognized(form: str) -> None:
    name, function = FORMS[form]
    module = Behind(function)
    network = read(module, SHAPE)
    assert [(node.name, node.nonlinearity) for node in network.graph.nodes] == [("before", name), ("after", "linear")]
    assert difference(network, module, SHAPE) <= 1e-5


OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "hard-sigmoid of Keras": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1),
    "gelu by a sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
    "at least a number": lambda x: x.clamp(min=-0.2),
    "at most a number": lambda x: x.clamp(max=0.2),
    "between two numbers": lambda x: x.clamp(-0.1, 0.3),
    "relu of a little less": lambda x: functional.relu(x * (1 - 5e-6) + 1e-4),
    "two functions of one value": lambda x: torch.tanh(x) + torch.sigmoid(x),
    "a function of two values": lambda x: torch.cat([x[:, :3] * torch.sigmoid(x[:, 3:]), x[:, :3]], 1),
}


@pytest.mark.parametrize("form", OTHERS)
def test_functions_that_no_layer_has_by_itself_are_computed_by_several(form: str) -> None:
    module = Behind(OTHERS[form])
    assert difference(read(module, SHAPE), module, SHAPE) <= 1e-5


def test_a_value_in_pieces_that_is_read_elsewhere_stays() -> None:
    module = Behind(lambda x: x * (gate := torch.sigmoid(x)) + gate)
    network = read(module, SHAPE)
    assert "nonlinearity" in kinds(network)
    assert difference(network, module, SHAPE) <= 1e-5


POOLED: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "√ mean x x": ("LP2", lambda x: functional.avg_pool2d(x * x, 2).sqrt()),
    "(mean x²)^½": ("LP2/1", lambda x: functional.avg_pool2d(x.pow(2), 2, stride=1) ** 0.5),
    "√ mean x² of the whole map": ("LPg", lambda x: x.square().mean((2, 3), keepdim=True).sqrt()),
    "√ sum x² / n of the whole map": ("LPg", lambda x: (x.square().sum((2, 3), keepdim=True) / 30).sqrt()),
    "of what is never negative": ("LP2", lambda x: functional.avg_pool2d(functional.relu(x).square(), 2).sqrt()),
}


@pytest.mark.parametrize("form", POOLED)
def test_a_pooling_in_pieces_is_recognized(form: str) -> None:
    notation, function = POOLED[form]
    module = Behind(function)
    network = read(module, SHAPE)
    assert [node.layer.notation for node in network.graph.nodes][1] == notation
    assert len(network.graph.nodes) == 3
    assert difference(network, module, SHAPE) <= 1e-5


@pytest.mark.parametrize("number", [1e-3, 1e-6])
def test_a_number_within_the_root_is_no_root_mean_square(number: float) -> None:
    with pytest.raises(UnsupportedError, match="sqrt"):
        read(Behind(lambda x: (functional.avg_pool2d(x * x, 2) + number).sqrt()), SHAPE)


def test_means_of_means_and_of_squares_stay_layers() -> None:
    module = Behind(lambda x: functional.avg_pool2d(functional.avg_pool2d(x * x, 2, 1), 2, 1))
    network = read(module, SHAPE)
    assert kinds(network).count("pooling") == 2
    assert difference(network, module, SHAPE) <= 1e-5


def _normalized(x: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt(variance + 1e-3)
    return torch.linspace(0.5, 2, 6)[:, None, None] * x + torch.linspace(-1, 1, 6)[:, None, None]


def _normalized_nhwc(x: Tensor) -> Tensor:
    x = x.permute(0, 2, 3, 1)
    centered = x - x.mean(-1, keepdim=True)
    return (centered * torch.rsqrt((centered * centered).mean(-1, keepdim=True) + 1e-6)).permute(0, 3, 1, 2)


@pytest.mark.parametrize(("function", "epsilon"), [(_normalized, 1e-3), (_normalized_nhwc, 1e-6)])
def test_a_channel_normalization_in_pieces_is_recognized(function: Callable[[Tensor], Tensor], epsilon: float) -> None:
    module = Behind(function)
    network = read(module, SHAPE)
    assert kinds(network) == ["convolution", "channel-normalization", "convolution"]
    assert network.graph.nodes[1].layer.epsilon == epsilon  # type: ignore[attr-defined]
    assert difference(network, module, SHAPE) <= 1e-5


def test_an_epsilon_beside_the_root_is_another_normalization() -> None:
    def function(x: Tensor) -> Tensor:
        centered = x - x.mean(1, keepdim=True)
        return centered / (centered.square().mean(1, keepdim=True).sqrt() + 1e-6)

    with pytest.raises(UnsupportedError, match="no layer computes"):
        read(Behind(function), SHAPE)


@pytest.mark.parametrize("size", [2, 5])
def test_a_local_response_in_pieces_is_recognized(size: int) -> None:
    module = Behind(lambda x: functional.local_response_norm(x, size, alpha=0.3, beta=0.7, k=1.5))
    network = read(module, SHAPE)
    assert kinds(network) == ["convolution", "local-response", "convolution"]
    assert difference(network, module, SHAPE) <= 1e-5
