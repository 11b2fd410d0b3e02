"""Networks that move, copy or collect channels: ShuffleNetV2, GhostNet and DenseNet."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES, SqueezeExcitation, conv_norm


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Return the maps in another order: the first of each group, the second of each, …"""
    n, maps, height, width = x.size()
    x = x.view(n, groups, maps // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(n, maps, height, width)


class ShuffleUnit(nn.Module):
    """Ma et al., 2018, figure 3 c, and d with a stride."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            depthwise = conv_norm(inputs, inputs, stride=stride, groups=inputs, activation=None)
            self.branch1 = nn.Sequential(*depthwise, *conv_norm(inputs, half, 1))
        self.branch2 = nn.Sequential(
            *conv_norm(inputs if stride > 1 else half, half, 1),
            *conv_norm(half, half, stride=stride, groups=half, activation=None),
            *conv_norm(half, half, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """Ma et al., 2018, table 5."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = conv_norm(3, 8, stride=2)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage2 = nn.Sequential(ShuffleUnit(8, 16, 2), ShuffleUnit(16, 16, 1))
        self.stage3 = nn.Sequential(ShuffleUnit(16, 24, 2), ShuffleUnit(24, 24, 1), ShuffleUnit(24, 24, 1))
        self.conv5 = conv_norm(24, 32, 1)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage3(self.stage2(x)))
        return self.fc(x.mean([2, 3]))  # N C H W -> N C


class GhostModule(nn.Module):
    """Half of the maps by a convolution, as many more by a depthwise one of them (Han et al., 2020, figure 2 b)."""

    def __init__(self, inputs: int, outputs: int, *, active: bool = True) -> None:
        super().__init__()
        self.outputs, half = outputs, -(-outputs // 2)
        activation = nn.ReLU if active else None
        self.primary_conv = conv_norm(inputs, half, 1, activation=activation)
        self.cheap_operation = conv_norm(half, half, groups=half, activation=activation)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.primary_conv(x)
        out = torch.cat([x1, self.cheap_operation(x1)], dim=1)
        return out[:, : self.outputs, :, :]


class GhostBottleneck(nn.Module):
    """Two ghost modules and the input, which a depthwise and a 1x1 convolution bring to the same shape."""

    def __init__(self, inputs: int, inner: int, outputs: int, stride: int, *, gated: bool) -> None:
        super().__init__()
        self.ghost1 = GhostModule(inputs, inner)
        self.conv_dw = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False) if stride > 1 else None
        self.bn_dw = nn.BatchNorm2d(inner) if stride > 1 else None
        self.se = SqueezeExcitation(inner, inner // 4, gate=nn.Hardsigmoid) if gated else None
        self.ghost2 = GhostModule(inner, outputs, active=False)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            depthwise = conv_norm(inputs, inputs, stride=stride, groups=inputs, activation=None)
            self.shortcut = nn.Sequential(*depthwise, *conv_norm(inputs, outputs, 1, activation=None))

    def forward(self, x: Tensor) -> Tensor:
        out = self.ghost1(x)
        if self.conv_dw is not None and self.bn_dw is not None:
            out = self.bn_dw(self.conv_dw(out))
        if self.se is not None:
            out = self.se(out)
        out = self.ghost2(out)
        out += self.shortcut(x)
        return out


class GhostNet(nn.Module):
    """Han et al., 2020, table 7; 11 maps, an odd number, leave one of those that were made out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.act1 = nn.ReLU(inplace=True)
        self.blocks = nn.Sequential(
            nn.Sequential(GhostBottleneck(8, 8, 8, 1, gated=False)),
            nn.Sequential(GhostBottleneck(8, 24, 11, 2, gated=False), GhostBottleneck(11, 33, 11, 1, gated=True)),
            nn.Sequential(GhostBottleneck(11, 32, 16, 2, gated=True)),
        )
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = nn.Conv2d(16, 32, 1)
        self.act2 = nn.ReLU(inplace=True)
        self.flatten = nn.Flatten(1)
        self.classifier = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act1(self.bn1(self.conv_stem(x))))
        x = self.act2(self.conv_head(self.global_pool(x)))
        return self.classifier(self.flatten(x))


class DenseLayer(nn.Module):
    """Normalization before convolution, 1x1 before 3x3, of all maps so far (Huang et al., 2017, section 3)."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, 4 * growth, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * growth, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.conv1(self.relu1(self.norm1(torch.cat(maps, 1))))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """Layers of which each sees the maps of all before it."""

    def __init__(self, inputs: int, layers: int, growth: int) -> None:
        super().__init__()
        for index in range(layers):
            self.add_module(f"denselayer{index + 1}", DenseLayer(inputs + index * growth, growth))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


class DenseNet(nn.Module):
    """DenseNet-121 (Huang et al., 2017, table 1)."""

    def __init__(self, growth: int = 4, depths: tuple[int, ...] = (3, 4, 3)) -> None:
        super().__init__()
        maps = 2 * growth
        layers = OrderedDict[str, nn.Module](
            conv0=nn.Conv2d(3, maps, kernel_size=7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(maps),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        for number, depth in enumerate(depths, start=1):
            layers[f"denseblock{number}"] = DenseBlock(maps, depth, growth)
            maps += depth * growth
            if number < len(depths):
                layers[f"transition{number}"] = transition(maps)
                maps //= 2
        self.features = nn.Sequential(layers | {"norm5": nn.BatchNorm2d(maps)})
        self.classifier = nn.Linear(maps, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.features(x), inplace=True)
        out = functional.adaptive_avg_pool2d(out, (1, 1))
        return self.classifier(torch.flatten(out, 1))


def transition(maps: int) -> nn.Sequential:
    """Return what halves the maps, and their sides, between two dense blocks."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(maps),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(maps, maps // 2, kernel_size=1, bias=False),
            pool=nn.AvgPool2d(kernel_size=2, stride=2),
        )
    )
