"""A trained network as plain arithmetic: a graph of biases plus sums of weights × inputs, nothing hidden.

For prediction, normalization subtracts one number from a map and divides by another. Both are folded into the weights
and the bias before it. There is one node for each layer of the network's plan.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from convscope.core.errors import DataError, ParameterError
from convscope.core.machine import usual_settings
from convscope.layers.instance_based import ExemplarClassifier
from convscope.layers.kinds import Convolution, InstanceBased, Linear
from convscope.layers.normalization import BatchNormalization

from .build import ConnectedModule, ConvolutionModule, Network
from .finite import not_finite
from .graph_network import GraphNetwork
from .image_network import ImageNetwork

Sums = tuple[Tensor, Tensor]


def fold(network: ImageNetwork) -> GraphNetwork:
    """Return the arithmetic of `network` as it predicts; of a graph, that graph itself.

    Raises:
        DataError: a weight becomes infinite.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> folded = fold(Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2))
        >>> [node.name for node in folded.graph.nodes], folded.tensors["convolution1.weight"].shape
        (['convolution1', 'pooling1', 'classifier'], torch.Size([4, 1, 3, 3]))
    """
    if isinstance(network, GraphNetwork):
        return network
    if not isinstance(network, Network):
        raise ParameterError(f"`network` must be a network of convscope. Got {type(network).__name__}.")
    with usual_settings():
        if network.device.type == "cpu":
            return _folded(network)
        return _folded(copy.deepcopy(network).cpu()).to(network.device)  # in double precision, which not all have


def _folded(network: Network) -> GraphNetwork:
    graph = network.graph
    tensors: dict[str, Tensor] = {}
    for node, module in zip(graph.nodes, _modules(network), strict=True):
        for name, value in _tensors(module).items():
            tensors[f"{node.name}.{name}"] = value
    for node, planned in zip(graph.nodes, network.plan.layers, strict=True):
        own = [value for name, value in tensors.items() if name.rpartition(".")[0] == node.name]
        if not all(bool(torch.isfinite(value).all()) for value in own):
            raise not_finite(f"in the weights of {planned.name} with its normalization")
    return GraphNetwork.calibrated_as(network, graph, tensors).requires_grad_(requires_grad=False)


def _modules(network: Network) -> Iterator[nn.Module | None]:
    """Give the module that has the weights of each layer of the plan; None for a pooling."""
    for module in network.stages:
        if isinstance(module, ConvolutionModule):
            yield module
            if module.pooling is not None:
                yield None
        else:
            yield module if isinstance(module, ConnectedModule) else None
    yield network.classifier


def _tensors(module: nn.Module | None) -> dict[str, Tensor]:
    """Return the tensors of a layer, with what normalizes behind it."""
    if isinstance(module, ConvolutionModule):
        weight, bias = folded_sums(module.convolution.weight, module.convolution.bias, module.normalization)
    elif isinstance(module, ConnectedModule):
        weight, bias = folded_sums(module.linear.weight, module.linear.bias, module.normalization)
    elif isinstance(module, ExemplarClassifier):
        return dict(module.named_buffers())
    elif isinstance(module, nn.Linear):
        weight, bias = folded_sums(module.weight, module.bias, None)
    else:
        return {}
    return {"weight": weight.float(), "bias": bias.float()}


def folded_sums(weight: Tensor, bias: Tensor | None, normalization: BatchNormalization | None) -> Sums:
    """Return weights and biases, float64, that give what the sums and the normalization behind them give.

    Args:
        weight: units × channels × k × k, units × inputs, or with regions down × across in front of them.
        bias: one a unit, if any.
        normalization: as it predicts; None for none.
    """
    weights = weight.detach().double()
    units = 2 if weights.ndim == 6 else 0  # the axis of units: behind the regions of locally connected ones
    biases = torch.zeros(weights.shape[units], dtype=torch.float64) if bias is None else bias.detach().double()
    if normalization is not None:
        mean, scale, shift = normalization.predicting()
        weights = weights * scale.view([-1 if axis == units else 1 for axis in range(weights.ndim)])
        biases = (biases - mean) * scale + shift
    return weights, biases


def check_classifies(network: ImageNetwork, what: str) -> None:
    """Check that a network has one logit per class and image.

    Raises:
        DataError: its output are maps, as those of segmentation.
    """
    last = network.plan.layers[-1]
    if last.rows * last.columns > 1:
        raise DataError(
            f"The network must have one logit for each class to measure its {what}. Got {last.shape} of "
            f"{network.plan.title}, an answer for every position. Use look, cost, draw or features, or a network "
            "that classifies images."
        )


def ready(network: ImageNetwork) -> GraphNetwork:
    """Return the arithmetic whose logits become probabilities by softmax alone, or by sigmoids divided by their sum.

    Temperature, or slopes and offsets, are folded into the last weights.

    Raises:
        ParameterError: the last layer is no weighted sums.
        DataError: a weight becomes infinite.
    """
    folded = fold(network)
    last = folded.graph.output
    if not isinstance(last.layer, (Linear, Convolution)):
        if isinstance(last.layer, InstanceBased):
            raise last.layer.refusal()
        return folded
    tensors = {name: value.detach().double() for name, value in folded.tensors.items()}
    weight, bias = tensors[f"{last.name}.weight"], tensors[f"{last.name}.bias"]
    if folded.temperature is not None:
        scale, shift = 1 / folded.temperature.double().expand(len(bias)), torch.zeros(len(bias), dtype=torch.float64)
    elif folded.slopes is not None and folded.offsets is not None:
        scale, shift = folded.slopes.double(), folded.offsets.double()
    else:
        return folded
    if bool((scale == 1).all()) and bool((shift == 0).all()):
        return folded
    tensors[f"{last.name}.weight"] = weight * scale.view(-1, *[1] * (weight.ndim - 1))
    tensors[f"{last.name}.bias"] = bias * scale + shift
    final = {name: value.float() for name, value in tensors.items()}
    if not all(bool(torch.isfinite(final[f"{last.name}.{name}"]).all()) for name in ("weight", "bias")):
        raise not_finite(f"in the weights of {network.plan.layers[-1].name} with its normalization")
    result = folded.like(folded.graph, final, margins=folded.gives_margins)
    return result.requires_grad_(requires_grad=False)
