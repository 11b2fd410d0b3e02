"""A trained network made ready to predict much: normalization folded in, in the precision of the processor.

What it computes is what the network computes; values differ by rounding alone, which is coarse in bfloat16 (8 bits).
"""

import copy
from typing import Literal, get_args

import torch
from torch import nn

from convscope.core.errors import choose
from convscope.core.machine import machine, memory_format
from convscope.stages.untied import UntiedConvolution

from .build import ConnectedStage, ConvolutionStage, Network
from .exemplars import ExemplarClassifier
from .folding import folded_sums

PredictionPrecision = Literal["float32", "bfloat16", "auto"]


def choose_prediction_precision(asked: PredictionPrecision) -> torch.dtype:
    """Return the type to compute in: ``auto`` is bfloat16 where the processor multiplies it natively, else float32.

    Raises:
        ParameterError: `asked` is none of the three.
    """
    choose("precision", asked, get_args(PredictionPrecision))
    half = machine().bfloat16 if asked == "auto" else asked == "bfloat16"
    return torch.bfloat16 if half else torch.float32


def ready_to_predict(network: Network, precision: torch.dtype = torch.float32) -> Network:
    """Return a copy of `network` that predicts faster, and can do nothing else; the network stays as it is.

    Args:
        network: trained; used as in evaluation mode.
        precision: of the convolutions and matrix products; pictures are standardized and scores given in float32.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2).eval()
        >>> images = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
        >>> bool(torch.allclose(ready_to_predict(network)(images), network(images), atol=1e-5))
        True
    """
    ready = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    for stage in ready.stages:
        if isinstance(stage, ConvolutionStage):
            _absorb(stage, stage.convolution)
        elif isinstance(stage, ConnectedStage):
            _absorb(stage, stage.linear)
        stage.to(precision)
    if not isinstance(ready.classifier, ExemplarClassifier):
        ready.classifier.to(precision)
    ready.precision, ready.only_predicts = precision, True
    ready.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one
    return ready


def _absorb(stage: ConvolutionStage | ConnectedStage, sums: nn.Conv2d | UntiedConvolution | nn.Linear) -> None:
    """Put the stage's normalization, if there is one, into the weights and biases of its sums."""
    if stage.normalization is None:
        return
    weights, biases = folded_sums(sums.weight, sums.bias, stage.normalization)
    sums.weight.copy_(weights)
    sums.bias = nn.Parameter(biases.float(), requires_grad=False)
    stage.normalization = None
