"""A trained network as plain arithmetic: each value is a bias plus a sum of weights × inputs, nothing hidden.

For prediction, normalization subtracts one number from a map and divides by another. Both are folded into the weights
and the bias before it, which leaves: standardize the image; then layer after layer either weighted sums with a
nonlinearity, or a pooling; the classifier last. There is one layer for each layer of the network's plan.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.layers.normalization import BatchNormalization

from .build import ConnectedModule, ConvolutionModule, Network
from .finite import not_finite
from .stages import ConvolutionStage, PoolingStage

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightedSums:
    """Weighted sums over patches, at every position: a convolution, or locally connected units.

    Attributes:
        weights: float32, regions down × regions across × units × maps below × k × k; 1 × 1 regions for a convolution.
        biases: float32, one a unit.
        stride: distance between neighbouring positions.
        before, after: zeros around the maps below, at each side's start and end.
        residual: the maps below are added before the nonlinearity.
        nonlinearity: a key of `NONLINEARITIES`.
    """

    weights: Values
    biases: Values
    stride: int
    before: int
    after: int
    residual: bool
    nonlinearity: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Connections:
    """Weighted sums over all values of the maps below, maps × rows × columns: fully connected units or the classifier.

    Attributes:
        weights: float32, units × values below.
        biases: float32, one a unit.
        nonlinearity: a key of `NONLINEARITIES`; ``linear`` for the classifier's logits.
    """

    weights: Values
    biases: Values
    nonlinearity: str


FoldedLayer = WeightedSums | PoolingStage | Connections


@dataclass(frozen=True, kw_only=True, eq=False)
class Folded:
    """A network as arithmetic.

    Attributes:
        mean: float32, one a channel: subtracted from pixels 0…1.
        std: float32, one a channel: what is left is divided by it.
        layers: one for each layer of the network's plan.
        sigmoids: how the last gives the probabilities: by softmax, or, where it is, as sigmoids divided by their sum.
    """

    mean: Values
    std: Values
    layers: tuple[FoldedLayer, ...]
    sigmoids: bool


def fold(network: Network) -> Folded:
    """Return the arithmetic of `network` as it predicts.

    Raises:
        ParameterError: its classifier is instance-based.
        DataError: a weight becomes infinite.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> folded = fold(Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2))
        >>> [type(layer).__name__ for layer in folded.layers], folded.layers[0].weights.shape
        (['WeightedSums', 'PoolingStage', 'Connections'], (1, 1, 4, 1, 3, 3))
    """
    layout, modules = network.layout, iter(network.stages)
    layers: list[FoldedLayer] = []
    for index, stage in enumerate(layout.stages):
        if isinstance(stage, PoolingStage):
            if not layout.is_joined(index):
                next(modules)  # it stands alone
            layers.append(stage)
            continue
        module = next(modules)
        if isinstance(stage, ConvolutionStage) and isinstance(module, ConvolutionModule):
            weights, biases = _folded(module.convolution.weight, module.convolution.bias, module.normalization)
            layers.append(
                WeightedSums(
                    weights=weights if weights.ndim == 6 else weights[None, None],
                    biases=biases,
                    stride=stage.stride,
                    before=stage.window.before,
                    after=stage.window.after,
                    residual=stage.residual,
                    nonlinearity=layout.nonlinearity,
                )
            )
        elif isinstance(module, ConnectedModule):
            weights, biases = _folded(module.linear.weight, module.linear.bias, module.normalization)
            layers.append(Connections(weights=weights, biases=biases, nonlinearity=layout.nonlinearity))
    layers.append(_last(network))
    for layer, planned in zip(layers, network.plan.layers, strict=True):
        if not isinstance(layer, PoolingStage) and not (
            np.isfinite(layer.weights).all() and np.isfinite(layer.biases).all()
        ):
            raise not_finite(f"in the weights of {planned.name} with its normalization")
    sigmoids = network.temperature is None
    return Folded(mean=_array(network.mean), std=_array(network.std), layers=tuple(layers), sigmoids=sigmoids)


def _last(network: Network) -> Connections:
    """Return the classifier with what makes its logits ready to become probabilities."""
    classifier = network.weighted_sums()
    weights, biases = _folded(classifier.weight, classifier.bias, None)
    if network.temperature is not None:
        temperature = network.temperature.numpy()
        with np.errstate(all="ignore"):  # what comes to no number is refused by `fold`
            weights, biases = weights / temperature, biases / temperature
    elif network.slopes is not None and network.offsets is not None:
        slopes = network.slopes.numpy()
        with np.errstate(all="ignore"):
            weights, biases = weights * slopes[:, None], biases * slopes + network.offsets.numpy()
    return Connections(weights=weights, biases=biases, nonlinearity="linear")


def _folded(weight: Tensor, bias: Tensor | None, normalization: BatchNormalization | None) -> tuple[Values, Values]:
    weights, biases = folded_sums(weight, bias, normalization)
    return _array(weights), _array(biases)


def folded_sums(weight: Tensor, bias: Tensor | None, normalization: BatchNormalization | None) -> tuple[Tensor, Tensor]:
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


def _array(values: Tensor) -> Values:
    with np.errstate(over="ignore"):
        result: Values = values.detach().cpu().contiguous().numpy().astype(np.float32)
    return result
