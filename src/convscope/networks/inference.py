"""Inference: a network optimized for prediction (folded, fused, in lower precision), and test-time augmentation.

The values are those of the network, to rounding, which has few digits in bfloat16 (8 bits).
"""

import copy
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convscope.core.machine import memory_format
from convscope.core.precision import Precision
from convscope.images.preprocessing import Preprocessing
from convscope.layers.instance_based import ExemplarClassifier
from convscope.layers.locally_connected import LocallyConnected2d
from convscope.layers.nonlinearity import NONLINEARITIES

from .build import ConnectedModule, ConvolutionModule, Network
from .finite import check_probabilities
from .folding import folded_sums
from .fused_graph import fuse, is_fusing
from .graph_network import GraphNetwork
from .image_network import ImageNetwork
from .prediction import Predictor

_DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@final
class FusedStage(nn.Module):
    """A convolution with what follows it value by value in the same pass over memory: the input added, and ReLU.

    oneDNN computes it, by the operation that torch's own compiler uses for this; the values are the same. Then comes
    the pooling, if any: it keeps order, so that it may follow ReLU.
    """

    def __init__(self, stage: ConvolutionModule, convolution: nn.Conv2d) -> None:
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


def _fused(stage: nn.Module, precision: Precision) -> nn.Module:
    """Return `stage` with convolution and ReLU fused, where possible; else unchanged."""
    if not is_fusing(_DTYPES[precision]) or not isinstance(stage, ConvolutionModule):
        return stage
    late = stage.pooling is not None and not stage.pool_first
    ambiguous = stage.residual and stage.convolution.in_channels == 1  # oneDNN of torch 2.6 cannot add such maps
    if (
        late
        or ambiguous
        or stage.nonlinearity.apply is not NONLINEARITIES["relu"].apply
        or not isinstance(stage.convolution, nn.Conv2d)
    ):
        return stage
    return FusedStage(stage, stage.convolution)


def optimize_for_inference(
    network: ImageNetwork, precision: Precision = "float32", *, fused: bool = True
) -> ImageNetwork:
    """Return a copy of `network` that predicts faster; it can only predict. The network is unchanged.

    Args:
        network: trained; used as in evaluation mode.
        precision: of the convolutions and matrix products; images are standardized and logits given in float32.
        fused: on the processor, compute ReLU within the convolution before it; otherwise the modules stay those of the
            network.

    Examples:
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2).eval()
        >>> images = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
        >>> bool(torch.allclose(optimize_for_inference(network)(images), network(images), atol=1e-5))
        True
    """
    dtype = _DTYPES[precision]
    place = network.device
    optimized = copy.deepcopy(network).cpu().eval().requires_grad_(requires_grad=False)
    optimized.precision, optimized.only_predicts = dtype, True
    optimized.to(memory_format=memory_format())  # type: ignore[call-overload]  # torch lacks this one
    if isinstance(optimized, GraphNetwork):
        optimized.weights.to(dtype)
        optimized.to(place)
        return fuse(optimized) if fused else optimized
    if not isinstance(optimized, Network):
        return optimized.to(place)
    for stage in optimized.stages:
        if isinstance(stage, ConvolutionModule):
            _absorb(stage, stage.convolution)
        elif isinstance(stage, ConnectedModule):
            _absorb(stage, stage.linear)
        stage.to(dtype)
    if not isinstance(optimized.classifier, ExemplarClassifier):
        optimized.classifier.to(dtype)
    optimized.to(memory_format=memory_format())  # type: ignore[call-overload]  # weights that were folded
    if fused and place.type == "cpu":
        optimized.stages = nn.ModuleList(_fused(stage, precision) for stage in optimized.stages)
    return optimized.to(place)


def _absorb(stage: ConvolutionModule | ConnectedModule, sums: nn.Conv2d | LocallyConnected2d | nn.Linear) -> None:
    """Put the stage's normalization, if there is one, into the weights and biases of its sums."""
    if stage.normalization is None:
        return
    weights, biases = folded_sums(sums.weight, sums.bias, stage.normalization)
    sums.weight.copy_(weights)
    sums.bias = nn.Parameter(biases.float(), requires_grad=False)
    stage.normalization = None


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FlipTTA:
    """Test-time augmentation: the mean of the probabilities of each image and of its horizontal flip.

    It only predicts; figures, measurements and files are those of the model.

    Attributes:
        model: predicts both.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> from convscope.networks.model import Model
        >>> network = Network(Layout.parse("4C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> images = np.tile(np.arange(8, dtype=np.uint8), (1, 8, 1))[..., None]
        >>> both, flipped = FlipTTA(model=model), images[:, :, ::-1]
        >>> bool((both.predict_proba(images) == both.predict_proba(flipped)).all())
        True
    """

    model: Predictor

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.model.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes the network's input."""
        return self.model.preprocessing

    @property
    def batch(self) -> int:
        """Images at once by default."""
        return self.model.batch

    def predict_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the probability of every class, float32 N K, as `Model.predict_proba` does, in twice the time."""
        result = self.rows_of_proba(images, batch=batch)
        check_probabilities(result)
        return result

    def rows_of_proba(self, images: NDArray[np.uint8], *, batch: int | None = None) -> NDArray[np.float32]:
        """Return the same, with a row of NaN where the output for the image or its flip is not a number."""
        found = self.model.rows_of_proba(images, batch=batch)
        flipped = np.flip(images, axis=2).copy()  # N H W C, or N H W
        return (found + self.model.rows_of_proba(flipped, batch=batch)) * np.float32(0.5)
