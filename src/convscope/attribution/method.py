"""What a method of attribution is, and what it gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.records import DIGITS
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork

Map = NDArray[np.float32]
_SHORT = {DIGITS: 5}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How attributions are computed.

    Attributes:
        patch: side of the patches of occlusion, in pixels; None for a seventh of the image's shorter side.
        layer: whose maps Grad-CAM weighs; None for the last maps before the classifier.
        batch: patches or images at once.
    """

    patch: int | None = None
    layer: str | None = None
    batch: int = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """What each pixel of one image adds to the logit of one class, by one method.

    Attributes:
        method: its name, a key of `METHODS`.
        values: float32 H W, in units of the logit; what is below 0 speaks against the class.
        exact: whether the values are what they are said to be, to rounding, for this network.
        probability: of occlusion, the loss of probability, float32 H W.
        layer: of Grad-CAM, whose maps were weighted.
        biases: of contributions, what the biases add.
        rest: of contributions, the logit less pixels and biases: rounding if `exact`.
    """

    method: str
    values: Map = field(metadata=_SHORT)
    exact: bool = True
    probability: Map | None = field(default=None, metadata=_SHORT)
    layer: str = ""
    biases: float | None = None
    rest: float | None = None


@dataclass(frozen=True, kw_only=True)
class AttributionMethod:
    """A way to say what a prediction is due to.

    Attributes:
        name: in options and files.
        title: for the reader.
        attribute: gives one attribution an image, from a network, standardized images N C H W and the class of each.
        says: what an attribution says in numbers, given the logit of the class.
        refusal: says in one sentence why a network cannot be explained so; empty where it can.
    """

    name: str
    title: str
    attribute: Callable[[GraphNetwork, Tensor, Tensor, Settings], list[Attribution]]
    says: Callable[[Attribution, float], str]
    refusal: Callable[[Graph], str] = lambda _: ""


def batches(images: Tensor, targets: Tensor, settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    """Give images and classes, as many at once as the settings allow."""
    return zip(torch.split(images, settings.batch), torch.split(targets, settings.batch), strict=True)


def array(values: Tensor) -> Map:
    """Return float32 values as an array."""
    result: Map = values.detach().float().contiguous().cpu().numpy()
    return result
