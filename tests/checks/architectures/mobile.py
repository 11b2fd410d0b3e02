"""Networks of inverted residual blocks: MobileNetV2 and V3, MNASNet, EfficientNet and EfficientNet-lite."""

from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES, Activation, SqueezeExcitation, conv_norm, relu

relu6 = partial(nn.ReLU6, inplace=True)
silu = partial(nn.SiLU, inplace=True)
hardswish = partial(nn.Hardswish, inplace=True)


class Block(NamedTuple):
    """The numbers of one inverted residual block: maps inside and after it, and those of its depthwise convolution."""

    inner: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    gated: bool = False  # by squeeze-and-excitation
    activation: Activation = relu


class InvertedResidual(nn.Module):
    """1x1 to more maps, depthwise, 1x1 to fewer without activation (Sandler et al., 2018, figure 3)."""

    def __init__(self, inputs: int, one: Block) -> None:
        super().__init__()
        widening = [conv_norm(inputs, one.inner, 1, activation=relu6)] if one.inner != inputs else []
        self.conv = nn.Sequential(
            *widening,
            conv_norm(one.inner, one.inner, one.kernel, stride=one.stride, groups=one.inner, activation=relu6),
            nn.Conv2d(one.inner, one.outputs, 1, bias=False),
            nn.BatchNorm2d(one.outputs),
        )
        self.use_res_connect = one.stride == 1 and inputs == one.outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al., 2018, table 2."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_norm(3, 8, stride=2, activation=relu6),
            InvertedResidual(8, Block(8, 4)),
            InvertedResidual(4, Block(24, 8, stride=2)),
            InvertedResidual(8, Block(48, 8)),
            InvertedResidual(8, Block(48, 12, stride=2)),
            conv_norm(12, 32, 1, activation=relu6),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=0.2), nn.Linear(32, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1)
        return self.classifier(x)


class GatedResidual(nn.Module):
    """The same with squeeze-and-excitation after the depthwise convolution (Howard et al., 2019, figure 4)."""

    def __init__(self, inputs: int, one: Block, gate: Activation = nn.Hardsigmoid, between: Activation = relu) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if one.inner != inputs:
            layers.append(conv_norm(inputs, one.inner, 1, activation=one.activation))
        layers.append(
            conv_norm(one.inner, one.inner, one.kernel, stride=one.stride, groups=one.inner, activation=one.activation)
        )
        if one.gated:
            layers.append(SqueezeExcitation(one.inner, max(2, one.inner // 4), between, gate))
        layers.append(conv_norm(one.inner, one.outputs, 1, activation=None))
        self.block = nn.Sequential(*layers)
        self.use_res_connect = one.stride == 1 and inputs == one.outputs

    def forward(self, x: Tensor) -> Tensor:
        result = self.block(x)
        if self.use_res_connect:
            result += x
        return result


class MobileNetV3(nn.Module):
    """Howard et al., 2019, table 2: ReLU and hard swish, gates by hard sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_norm(3, 8, stride=2, activation=hardswish),
            GatedResidual(8, Block(8, 8, stride=2, gated=True)),
            GatedResidual(8, Block(24, 12)),
            GatedResidual(12, Block(36, 16, kernel=5, stride=2, gated=True, activation=hardswish)),
            GatedResidual(16, Block(48, 16, kernel=5, gated=True, activation=hardswish)),
            conv_norm(16, 32, 1, activation=hardswish),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(32, 40), hardswish(), nn.Dropout(p=0.2, inplace=True), nn.Linear(40, CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class EfficientNet(nn.Module):
    """EfficientNet-B0 (Tan and Le, 2019, table 1): SiLU, gates by a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        below, stages = 8, list[nn.Module]()
        for blocks in (
            [Block(8, 4, gated=True, activation=silu)],
            [Block(24, 8, stride=2, gated=True, activation=silu), Block(48, 8, gated=True, activation=silu)],
            [Block(48, 12, 5, 2, gated=True, activation=silu), Block(72, 12, 5, gated=True, activation=silu)],
        ):
            stage = []
            for one in blocks:
                stage.append(GatedResidual(below, one, nn.Sigmoid, silu))
                below = one.outputs
            stages.append(nn.Sequential(*stage))
        self.features = nn.Sequential(
            conv_norm(3, 8, stride=2, activation=silu), *stages, conv_norm(below, 32, 1, activation=silu)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=0.2, inplace=True), nn.Linear(32, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class SamePadding(nn.Conv2d):
    """A convolution with the zeros of TensorFlow's "same": the odd one is at the right and at the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, side: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        before, after = total // 2, total - total // 2
        self.static_padding = nn.ZeroPad2d((before, after, before, after)) if total else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.static_padding(x))


class LiteBlock(nn.Module):
    """An inverted residual block without gates, for maps of `side`, named as in the first package for torch."""

    def __init__(self, inputs: int, one: Block, side: int) -> None:
        super().__init__()
        inner, outputs, kernel, stride, *_ = one
        self._expand_conv = SamePadding(inputs, inner, 1)
        self._bn0 = nn.BatchNorm2d(inner, eps=1e-3)
        self._depthwise_conv = SamePadding(inner, inner, kernel, stride, inner, side=side)
        self._bn1 = nn.BatchNorm2d(inner, eps=1e-3)
        self._project_conv = SamePadding(inner, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self._relu = nn.ReLU6(inplace=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out = self._relu(self._bn0(self._expand_conv(x)))
        out = self._relu(self._bn1(self._depthwise_conv(out)))
        out = self._bn2(self._project_conv(out))
        return out + x if self.residual else out


class EfficientNetLite(nn.Module):
    """EfficientNet-lite0: ReLU6, no gates, TensorFlow's padding; for images of `side` pixels."""

    def __init__(self, side: int = 48) -> None:
        super().__init__()
        self._conv_stem = SamePadding(3, 8, 3, 2, side=side)
        self._bn0 = nn.BatchNorm2d(8, eps=1e-3)
        below, side = 8, -(-side // 2)
        self._blocks = nn.ModuleList()
        for one in (Block(8, 4), Block(24, 8, stride=2), Block(48, 8), Block(48, 12, 5, 2), Block(72, 12, 5)):
            self._blocks.append(LiteBlock(below, one, side))
            below, side = one.outputs, -(-side // one.stride)
        self._conv_head = SamePadding(below, 32, 1)
        self._bn1 = nn.BatchNorm2d(32, eps=1e-3)
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)
        self._dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(32, CLASSES)
        self._relu = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self._relu(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._avg_pooling(self._relu(self._bn1(self._conv_head(x))))
        return self._fc(self._dropout(x.view(x.size(0), -1)))  # N C 1 1 -> N C


class PlainResidual(nn.Module):
    """The block of MNASNet (Tan et al., 2019, figure 7): all its modules in one row."""

    def __init__(self, inputs: int, one: Block) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *conv_norm(inputs, one.inner, 1),
            *conv_norm(one.inner, one.inner, one.kernel, stride=one.stride, groups=one.inner),
            *conv_norm(one.inner, one.outputs, 1, activation=None),
        )
        self.apply_residual = one.stride == 1 and inputs == one.outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.apply_residual else self.layers(x)


class MNASNet(nn.Module):
    """MNASNet-B1: the mean of the last maps is a reduction, no pooling module."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *conv_norm(3, 8, stride=2),
            *conv_norm(8, 8, groups=8),
            *conv_norm(8, 4, 1, activation=None),
            nn.Sequential(PlainResidual(4, Block(12, 8, stride=2)), PlainResidual(8, Block(24, 8))),
            nn.Sequential(PlainResidual(8, Block(24, 12, 5, 2)), PlainResidual(12, Block(36, 12, 5))),
            *conv_norm(12, 32, 1),
        )
        self.classifier = nn.Sequential(nn.Dropout(p=0.2, inplace=True), nn.Linear(32, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.layers(x).mean([2, 3]))  # N C H W -> N C
