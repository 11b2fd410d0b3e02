"""From a layout to a network that computes."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from convscope.networks.layout import Layout
from convscope.networks.plan import plan
from convscope.stages.convolution import Connected, Convolution
from convscope.stages.nonlinearity import NONLINEARITIES
from convscope.stages.subsampling import Subsampling


class ConvolutionStage(nn.Module):
    """Convolve → normalize → (add the input) → nonlinearity → subsample: N C H W → N units h w.

    Where the subsampling keeps order and the nonlinearity increases, they change places: the values are the same
    and the nonlinearity has less to do.
    """

    def __init__(
        self, convolution: Convolution, subsampling: Subsampling | None, channels: int, layout: Layout
    ) -> None:
        super().__init__()
        window = convolution.window
        self.residual = convolution.residual
        uneven = window.before != window.after
        self.pad = nn.ZeroPad2d((window.before, window.after) * 2) if uneven else None
        self.convolution = nn.Conv2d(
            channels,
            convolution.units,
            convolution.patch,
            stride=convolution.stride,
            padding=0 if uneven else window.before,
            bias=not layout.normalization,
        )
        self.normalization = nn.BatchNorm2d(convolution.units) if layout.normalization else None
        self.nonlinearity = NONLINEARITIES[layout.nonlinearity]
        self.subsampling = subsampling.build() if subsampling else None
        self.subsample_first = bool(subsampling and subsampling.kind.keeps_order and self.nonlinearity.increasing)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the stage's maps."""
        values = self.convolution(self.pad(maps) if self.pad else maps)
        if self.normalization is not None:
            values = self.normalization(values)
        if self.residual:
            values = values + maps
        if self.subsampling is None:
            return self.nonlinearity.apply(values)
        if self.subsample_first:
            return self.nonlinearity.apply(self.subsampling(values))
        result: Tensor = self.subsampling(self.nonlinearity.apply(values))
        return result


class ConnectedStage(nn.Module):
    """Fully connected units, normalized, with their nonlinearity: N × anything → N × units."""

    def __init__(self, stage: Connected, inputs: int, layout: Layout) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, stage.units, bias=not layout.normalization)
        self.normalization = nn.BatchNorm1d(stage.units) if layout.normalization else None
        self.nonlinearity = NONLINEARITIES[layout.nonlinearity]

    def forward(self, maps: Tensor) -> Tensor:
        """Return the units' values."""
        values = self.linear(maps.flatten(1))  # N C H W -> N, C*H*W
        if self.normalization is not None:
            values = self.normalization(values)
        return self.nonlinearity.apply(values)


class Network(nn.Module):
    """A network that takes pictures and gives one score (logit) a class.

    Args:
        layout: the stages.
        height, width, channels: of the pictures, in pixels.
        classes: number of classes.
        mean, std: of the training pictures, one a channel, in 0…1; pictures are standardized with them.
        seed: of the first weights.

    Raises:
        LayoutError: the layout does not fit the pictures.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        layout: Layout,
        *,
        height: int,
        width: int,
        channels: int,
        classes: int,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.plan = plan(layout, height=height, width=width, channels=channels, classes=classes)
        self.layout = layout
        with torch.device("cpu"), torch.random.fork_rng(devices=[]):
            inputs = [channels * height * width, *(step.values for step in self.plan.steps)]
            self.stages = nn.ModuleList(_stages(layout, inputs, channels))
            self.classifier = nn.Linear(inputs[len(layout.stages)], classes)
            _initialize(self, layout, seed)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).expand(channels).clone())
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).expand(channels).clone())

    def standardize(self, images: Tensor) -> Tensor:
        """Return float32 N C H W (in channels-last order) with mean 0 and deviation 1 from uint8 N H W C."""
        scale, shift = 1 / (255 * self.std), -self.mean / self.std
        return torch.addcmul(shift, images.float(), scale).permute(0, 3, 1, 2)  # N H W C -> N C H W

    def forward(self, images: Tensor) -> Tensor:
        """Return scores N K from uint8 images N H W C, or from standardized float images N C H W."""
        maps = self.standardize(images) if images.dtype == torch.uint8 else images
        for stage in self.stages:
            maps = stage(maps)
        scores: Tensor = self.classifier(maps.flatten(1))  # N C H W -> N, C*H*W
        return scores.float()


def _stages(layout: Layout, inputs: Sequence[int], channels: int) -> list[nn.Module]:
    """Return the modules; a subsampling belongs to the convolution before it. `inputs`: values that reach each."""
    modules: list[nn.Module] = []
    below = channels
    for index, (stage, after) in enumerate(pairwise([*layout.stages, None])):
        if isinstance(stage, Convolution):
            modules.append(ConvolutionStage(stage, after if isinstance(after, Subsampling) else None, below, layout))
            below = stage.units
        elif isinstance(stage, Subsampling):
            if index == 0 or not isinstance(layout.stages[index - 1], Convolution):
                modules.append(stage.build())
        elif isinstance(stage, Connected):
            modules.append(ConnectedStage(stage, inputs[index], layout))
    return modules


def _initialize(network: Network, layout: Layout, seed: int) -> None:
    """Draw the first weights: normal, with deviation gain / √inputs (He 2015; Glorot 2010); the classifier's smaller."""
    generator = torch.Generator().manual_seed(seed)
    gain = NONLINEARITIES[layout.nonlinearity].gain
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                inputs = module.weight[0].numel()
                scale = 1.0 if module is network.classifier else gain
                module.weight.normal_(0.0, scale / inputs**0.5, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
