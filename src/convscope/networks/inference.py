"""A trained network made ready to predict much: normalization folded in, in the precision of the processor.

What it computes is what the network computes; values differ by rounding alone, which is coarse in bfloat16 (8 bits).
"""

import copy
from typing import Literal, final, get_args

import torch
from torch import Tensor, nn

from convscope.core.errors import choose
from convscope.core.machine import machine, memory_format
from convscope.layers.locally_connected import LocallyConnected
from convscope.layers.nonlinearity import NONLINEARITIES

from .build import ConnectedStage, ConvolutionStage, Network
from .folding import folded_sums
from .instance_based import ExemplarClassifier

PredictionPrecision = Literal["float32", "bfloat16", "auto"]


def choose_prediction_precision(asked: PredictionPrecision) -> torch.dtype:
    """Return the type to compute in: ``auto`` is bfloat16 where the processor multiplies it natively, else float32.

    Raises:
        ParameterError: `asked` is none of the three.
    """
    choose("precision", asked, get_args(PredictionPrecision))
    half = machine().bfloat16 if asked == "auto" else asked == "bfloat16"
    return torch.bfloat16 if half else torch.float32


@final
class FusedStage(nn.Module):
    """A convolution with what follows it value by value in the same pass over memory: the input added, and ReLU.

    oneDNN computes it, by the operation that torch's own compiler uses for this; the values are the same. Then comes
    the pooling, if any: it keeps order, so that it may follow ReLU.
    """

    def __init__(self, stage: ConvolutionStage, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution, self.pad, self.pooling = convolution, stage.pad, stage.pooling
        self.residual = stage.residual

    def forward(self, maps: Tensor) -> Tensor:
        """Return the stage's maps."""
        own = self.convolution
        places = list(own.padding), list(own.stride), list(own.dilation), own.groups
        below = self.pad(maps) if self.pad else maps
        values: Tensor
        if self.residual:
            add = torch.ops.mkldnn._convolution_pointwise.binary
            values = add(below, maps, own.weight, own.bias, *places, "add", 1.0, "relu", [], None)
        else:
            values = torch.ops.mkldnn._convolution_pointwise(below, own.weight, own.bias, *places, "relu", [], None)
        if self.pooling is not None:
            values = self.pooling(values)
        return values


def _fused(stage: nn.Module, precision: torch.dtype) -> nn.Module:
    """Return `stage` with its convolution and ReLU in one, where that can be; else as it is."""
    able = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    if not able or (precision == torch.bfloat16 and not machine().bfloat16) or not isinstance(stage, ConvolutionStage):
        return stage
    late = stage.pooling is not None and not stage.subsample_first
    if (
        late
        or stage.nonlinearity.apply is not NONLINEARITIES["relu"].apply
        or not isinstance(stage.convolution, nn.Conv2d)
    ):
        return stage
    return FusedStage(stage, stage.convolution)


def optimize_for_inference(network: Network, precision: torch.dtype = torch.float32, *, fused: bool = True) -> Network:
    """Return a copy of `network` that predicts faster, and can do nothing else; the network stays as it is.

    Args:
        network: trained; used as in evaluation mode.
        precision: of the convolutions and matrix products; images are standardized and logits given in float32.
        fused: ReLU is computed within the convolution before it; else the modules stay those of the network.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2).eval()
        >>> images = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
        >>> bool(torch.allclose(optimize_for_inference(network)(images), network(images), atol=1e-5))
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
    if fused:
        ready.stages = nn.ModuleList(_fused(stage, precision) for stage in ready.stages)
    return ready


def _absorb(stage: ConvolutionStage | ConnectedStage, sums: nn.Conv2d | LocallyConnected | nn.Linear) -> None:
    """Put the stage's normalization, if there is one, into the weights and biases of its sums."""
    if stage.normalization is None:
        return
    weights, biases = folded_sums(sums.weight, sums.bias, stage.normalization)
    sums.weight.copy_(weights)
    sums.bias = nn.Parameter(biases.float(), requires_grad=False)
    stage.normalization = None
