"""What a method of attribution is, and what it gives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.progress import Task
from convscope.core.records import DIGITS
from convscope.networks.graph import Graph
from convscope.networks.graph_network import GraphNetwork

Map = NDArray[np.float32]
_SHORT = {DIGITS: 5}
_BY_GRADIENT = 3  # forward passes that one of them and a backward pass take
_IN_SIGHT_MACS = 5_000_000_000  # between two steps of the progress: about a second


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
        passes: how many forward passes an attribution takes, given the settings and height and width of the image.
        refusal: says in one sentence why a network cannot be explained so; empty where it can.
    """

    name: str
    title: str
    attribute: Callable[[GraphNetwork, Tensor, Tensor, Settings], list[Attribution]]
    says: Callable[[Attribution, float], str]
    passes: Callable[[Settings, tuple[int, int]], int] = lambda *_: _BY_GRADIENT
    refusal: Callable[[Graph], str] = lambda _: ""


def attributed(
    method: AttributionMethod, network: GraphNetwork, images: Tensor, targets: Tensor, *, settings: Settings, task: Task
) -> list[Attribution]:
    """Return one attribution an image; `task` advances by the forward passes that they take."""
    passes = method.passes(settings, (images.shape[2], images.shape[3]))
    step, found = max(1, _IN_SIGHT_MACS // max(1, passes * network.plan.macs)), list[Attribution]()
    for some, chosen in zip(torch.split(images, step), torch.split(targets, step), strict=True):
        found += method.attribute(network, some, chosen, settings)
        task.advance(passes * len(some))
    return found


def passes_of(methods: Sequence[AttributionMethod], settings: Settings, size: tuple[int, int]) -> int:
    """Return how many forward passes the attributions of an image of this height and width take."""
    return sum(method.passes(settings, size) for method in methods)


def batches(images: Tensor, targets: Tensor, settings: Settings) -> Iterator[tuple[Tensor, Tensor]]:
    """Give images and classes, as many at once as the settings allow."""
    return zip(torch.split(images, settings.batch), torch.split(targets, settings.batch), strict=True)


def array(values: Tensor) -> Map:
    """Return float32 values as an array."""
    result: Map = values.detach().float().contiguous().cpu().numpy()
    return result
