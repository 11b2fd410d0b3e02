"""Networks that add what a block got to what it gives: ResNet, ResNeXt, Wide ResNet, RegNet, DarkNet and CSPDarkNet."""

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from .blocks import CLASSES, SqueezeExcitation, conv_norm, relu

leaky = partial(nn.LeakyReLU, 0.1, inplace=True)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, and the input added (He et al., 2016, figure 5 left)."""

    expansion = 1

    def __init__(self, inputs: int, maps: int, stride: int, dilation: int, groups: int, width: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, maps, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.relu = relu()
        self.conv2 = nn.Conv2d(maps, maps, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.downsample = shortcut(inputs, maps, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    """1x1, 3x3 (in groups, dilated) and 1x1 convolutions, and the input added (He et al., 2016, figure 5 right)."""

    expansion = 4

    def __init__(self, inputs: int, maps: int, stride: int, dilation: int, groups: int, width: float) -> None:
        super().__init__()
        inner, outputs = int(maps * width) * groups, maps * self.expansion
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, dilation, dilation, groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = relu()
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += identity
        return self.relu(out)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Return the projection of the input where shapes differ."""
    if stride == 1 and inputs == outputs:
        return None
    return conv_norm(inputs, outputs, 1, stride=stride, activation=None)


class ResNet(nn.Module):
    """He et al., 2016; groups: Xie et al., 2017; `width`: Zagoruyko and Komodakis, 2016.

    Args:
        block: of which it is made.
        depths: blocks of each of the four layers.
        groups: of the 3x3 convolutions.
        width: of the 3x3 convolutions, times the maps of the layer and the groups.
        dilated: the last two layers dilate in place of striding, as segmentation needs it.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        depths: tuple[int, int, int, int] = (2, 1, 1, 1),
        *,
        groups: int = 1,
        width: float = 1,
        dilated: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = relu()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        below, dilation, layers = 8, 1, list[nn.Sequential]()
        for number, (maps, depth) in enumerate(zip((4, 8, 12, 16), depths, strict=True)):
            stride, before = (2 if number else 1), dilation
            if dilated and number > 1:
                stride, dilation = 1, dilation * 2
            blocks = []
            for index in range(depth):
                steps = (1, dilation) if index else (stride, before)
                blocks.append(block(below, maps, *steps, groups, width))
                below = maps * block.expansion
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(below, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class RegNetBlock(nn.Module):
    """A bottleneck in groups with squeeze-and-excitation (Radosavovic et al., 2020: the Y block)."""

    def __init__(self, inputs: int, maps: int, stride: int, group: int) -> None:
        super().__init__()
        self.proj = shortcut(inputs, maps, stride)
        self.f = nn.Sequential(
            OrderedDict(
                a=conv_norm(inputs, maps, 1),
                b=conv_norm(maps, maps, stride=stride, groups=maps // group),
                se=SqueezeExcitation(maps, inputs // 4),
                c=conv_norm(maps, maps, 1, activation=None),
            )
        )
        self.activation = relu()

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.proj is None else self.proj(x)
        return self.activation(identity + self.f(x))


class RegNetY(nn.Module):
    """A RegNet with squeeze-and-excitation, of two stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 8, stride=2)
        stages = OrderedDict[str, nn.Module]()
        below = 8
        for number, (maps, depth) in enumerate(((8, 1), (16, 2)), start=1):
            blocks = OrderedDict[str, nn.Module]()
            for index in range(depth):
                blocks[f"block{number}-{index}"] = RegNetBlock(below, maps, 1 if index else 2, group=4)
                below = maps
            stages[f"block{number}"] = nn.Sequential(blocks)
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(below, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.trunk_output(self.stem(x)))
        return self.fc(x.flatten(start_dim=1))


class DarkBlock(nn.Module):
    """1x1 to half as many maps and 3x3, and the input added (Redmon and Farhadi, 2018, table 1)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv1 = conv_norm(maps, maps // 2, 1, activation=leaky)
        self.conv2 = conv_norm(maps // 2, maps, activation=leaky)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


class CrossStage(nn.Module):
    """Blocks over one half of the maps, the other half beside them (Wang et al., CSPNet, 2020, figure 3)."""

    def __init__(self, inputs: int, maps: int, depth: int) -> None:
        super().__init__()
        self.conv_down = conv_norm(inputs, maps, stride=2, activation=leaky)
        self.conv_exp = conv_norm(maps, maps, 1, activation=leaky)
        self.split_at = maps // 2
        self.blocks = nn.Sequential(*(DarkBlock(self.split_at) for _ in range(depth)))
        self.conv_transition_b = conv_norm(self.split_at, self.split_at, 1, activation=leaky)
        self.conv_transition = conv_norm(maps, maps, 1, activation=leaky)

    def forward(self, x: Tensor) -> Tensor:
        beside, through = self.conv_exp(self.conv_down(x)).split(self.split_at, dim=1)
        through = self.conv_transition_b(self.blocks(through))
        return self.conv_transition(torch.cat([beside, through], dim=1))


class CSPDarkNet(nn.Module):
    """Two cross stages after a stem."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 8, activation=leaky)
        self.stages = nn.Sequential(CrossStage(8, 16, 1), CrossStage(16, 24, 2))
        self.head = nn.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.stem(x))
        return self.head(x.mean((2, 3)))  # N C H W -> N C
