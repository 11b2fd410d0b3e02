"""What every network has that takes images and gives logits: standardization before it, probabilities behind it."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from convscope.core.devices import brought
from convscope.core.draws import Draws
from convscope.core.errors import ParameterError
from convscope.core.machine import memory_format
from convscope.layers.instance_based import Exemplars

from .classifiers import LINEAR_CLASSIFIERS, Loss
from .graph import Graph
from .layout import Layout
from .plan import NetworkPlan

_CALIBRATION = ("temperature", "slopes", "offsets")


class ImageNetwork(nn.Module):
    """A network that takes images and gives one logit per class.

    Attributes:
        plan: shapes, cost and receptive fields of its layers.
        layout: in notation; None of a network that was read from elsewhere.
        mean, std: of the training images, one a channel, in 0…1; images are standardized with them.
        temperature: of logits that are meant for a softmax.
        slopes, offsets: of the sigmoids that make probabilities of logits that are margins.
        precision: of the maps; training in bfloat16 is torch's autocast, and leaves this.
        only_predicts: it was optimized for inference and can neither be trained nor saved.
    """

    plan: NetworkPlan
    layout: Layout | None
    mean: Tensor
    std: Tensor
    temperature: Tensor | None
    slopes: Tensor | None
    offsets: Tensor | None
    precision: torch.dtype
    only_predicts: bool

    def _prepare(self, planned: NetworkPlan, mean: Sequence[float], std: Sequence[float], *, margins: bool) -> None:
        """Register what is not part of the layers."""
        self.register_buffer("mean", _by_channel("mean", mean, planned.channels, above=-math.inf))
        self.register_buffer("std", _by_channel("std", std, planned.channels, above=0.0))
        for name in _CALIBRATION:
            self.register_buffer(name, None)
        if margins:
            self.slopes = torch.ones(planned.classes, dtype=torch.float32)
            self.offsets = torch.zeros(planned.classes, dtype=torch.float32)
        else:
            self.temperature = torch.ones(1, dtype=torch.float32)

    @property
    def graph(self) -> Graph:
        """Its layers, one node for each layer of the plan."""
        raise NotImplementedError

    @property
    def exemplars(self) -> Exemplars | None:
        """What an instance-based classifier at its end keeps; None where it is weighted sums."""
        return None

    @property
    def loss(self) -> Loss:
        """What training makes small: the loss of its classifier."""
        name = "svm" if self.gives_margins else "softmax"
        return LINEAR_CLASSIFIERS[self.layout.classifier if self.layout is not None else name].loss

    @property
    def gives_vector(self) -> bool:
        """Whether the output is one number for each map."""
        last = self.plan.layers[-1]
        return last.rows * last.columns == 1

    @property
    def device(self) -> torch.device:
        """Where it computes: that of its weights."""
        return self.mean.device

    @contextmanager
    def drawing_from(self, draws: Draws) -> Iterator[None]:
        """Use `draws` for what is random in training while the block runs; here nothing is."""
        del draws
        yield

    def standardize(self, images: Tensor) -> Tensor:
        """Return float32 N C H W (in channels-last order) with mean 0 and standard deviation 1 from uint8 N H W C.

        The images may be elsewhere; they are brought to the network's device.
        """
        scale, shift = 1 / (255 * self.std), -self.mean / self.std
        maps = torch.addcmul(shift, brought(images, self.device).float(), scale).permute(
            0, 3, 1, 2
        )  # N H W C -> N C H W
        return maps.contiguous(memory_format=memory_format())

    def standardized(self, images: Tensor) -> Tensor:
        """Return what `standardize` does, and standardized floats as they are, in the network's precision.

        Raises:
            ParameterError: the images are neither; the message says what they are.
        """
        pixels = images.dtype == torch.uint8
        channels = self.plan.channels
        if (
            images.dim() != 4
            or images.shape[3 if pixels else 1] != channels
            or not (pixels or images.dtype.is_floating_point)
        ):
            raise ParameterError(
                f"`images` must be uint8 N H W {channels}, or standardized floats N {channels} H W. Got "
                f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}."
            )
        return (self.standardize(images) if pixels else brought(images, self.device)).to(self.precision)

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the probability of every class, N K, from what `forward` takes: the softmax of logits / temperature.

        Of logits that are margins it is a sigmoid for each class, divided by the sum of all of them.
        """
        return self.probabilities_of(self(images))

    def probabilities_of(self, logits: Tensor) -> Tensor:
        """Return the probability of every class, N K, from logits."""
        if self.temperature is not None:
            return torch.softmax(logits / self.temperature, dim=1)
        margins: Tensor = logits * self.slopes + self.offsets  # type: ignore[operator]  # there, without a temperature
        return torch.softmax(functional.logsigmoid(margins), dim=1)

    @property
    def gives_margins(self) -> bool:
        """Whether its logits are margins, of which sigmoids make probabilities; else they are meant for a softmax."""
        return self.temperature is None

    def calibrate_like(self, other: "ImageNetwork") -> None:
        """Make probabilities of logits as `other` does, with a copy of its temperature or sigmoids."""
        for name in _CALIBRATION:
            value = getattr(other, name)
            setattr(self, name, None if value is None else value.detach().clone())

    def set_sigmoids(self, slopes: ArrayLike, offsets: ArrayLike) -> None:
        """Set the sigmoids that make probabilities of margins, one per class (see `platt.fitting_sigmoids`)."""
        for own, given in ((self.slopes, slopes), (self.offsets, offsets)):
            if own is not None:
                own.copy_(torch.from_numpy(np.asarray(given, np.float32)))


def _by_channel(name: str, values: Sequence[float], channels: int, *, above: float) -> Tensor:
    """Return `values` as float32, one a channel (a single one goes for all)."""
    if len(values) not in (1, channels) or not all(math.isfinite(value) and value > above for value in values):
        rule = "above 0" if above == 0 else "finite"
        raise ParameterError(f"`{name}` must be 1 or {channels} numbers that are {rule}. Got {tuple(values)}.")
    return torch.tensor(tuple(values), dtype=torch.float32).expand(channels).clone()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode while the block runs, and every part of it back afterwards."""
    learning = [module for module in network.modules() if module.training]
    for module in learning:
        module.training = False
    try:
        yield
    finally:
        for module in learning:
            module.training = True
