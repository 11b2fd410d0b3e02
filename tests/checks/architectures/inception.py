"""Networks whose blocks are branches beside each other: GoogLeNet and Inception v3."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES

Pair = int | tuple[int, int]


class BasicConv2d(nn.Module):
    """Convolution, batch normalization and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Pair, stride: int = 1, padding: Pair = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def transform_input(x: Tensor) -> Tensor:
    """Return images standardized by ImageNet's mean and deviation, channel by channel, as -1…1."""
    x_ch0 = torch.unsqueeze(x[:, 0], 1) * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
    x_ch1 = torch.unsqueeze(x[:, 1], 1) * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
    x_ch2 = torch.unsqueeze(x[:, 2], 1) * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
    return torch.cat((x_ch0, x_ch1, x_ch2), 1)


class Inception(nn.Module):
    """1x1, 3x3, another 3x3 (which the paper has as 5x5), and pooling (Szegedy et al., 2015, figure 2 b)."""

    def __init__(self, inputs: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        self.branch1 = BasicConv2d(inputs, one, 1)
        self.branch2 = nn.Sequential(BasicConv2d(inputs, three[0], 1), BasicConv2d(*three, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(inputs, five[0], 1), BasicConv2d(*five, 3, padding=1))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), BasicConv2d(inputs, pooled, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    """Szegedy et al., 2015, table 1, without the auxiliary classifiers, which do not predict."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = BasicConv2d(3, 8, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(8, 8, 1)
        self.conv3 = BasicConv2d(8, 12, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(12, 4, (6, 8), (2, 4), 4)
        self.inception3b = Inception(20, 6, (8, 10), (2, 6), 4)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(26, 8, (8, 12), (4, 6), 6)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=0.2)
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.conv1(transform_input(x)))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.inception3b(self.inception3a(x))
        x = self.inception4a(self.maxpool3(x))
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(self.dropout(x))


def chain(maps: Iterable[int], kernels: Iterable[Pair], paddings: Iterable[Pair]) -> list[BasicConv2d]:
    """Return convolutions one after another; `maps` begins with those of the input."""
    below, *above = maps
    return [
        BasicConv2d(inputs, outputs, kernel, padding=padding)
        for inputs, outputs, kernel, padding in zip([below, *above[:-1]], above, kernels, paddings, strict=True)
    ]


class InceptionA(nn.Module):
    """1x1, 5x5, two 3x3 and mean pooling with padding, which counts the zeros (Szegedy et al., 2016, figure 5)."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 6, 1)
        self.branch5x5_1, self.branch5x5_2 = chain((inputs, 4, 6), (1, 5), (0, 2))
        self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3 = chain((inputs, 4, 6, 6), (1, 3, 3), (0, 1, 1))
        self.branch_pool = BasicConv2d(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch1x1 = self.branch1x1(x)
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        branch_pool = self.branch_pool(functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([branch1x1, branch5x5, branch3x3dbl, branch_pool], 1)


class InceptionB(nn.Module):
    """Half the side: 3x3, two 3x3 and max pooling, each with stride 2 (figure 10)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = BasicConv2d(inputs, 8, 3, stride=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = chain((inputs, 4, 6), (1, 3), (0, 1))
        self.branch3x3dbl_3 = BasicConv2d(6, 6, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3dbl = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        branch_pool = functional.max_pool2d(x, kernel_size=3, stride=2)
        return torch.cat([self.branch3x3(x), branch3x3dbl, branch_pool], 1)


class InceptionC(nn.Module):
    """7x7 as 1x7 and 7x1, once and twice (figure 6)."""

    def __init__(self, inputs: int, inner: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 8, 1)
        self.branch7x7_1, self.branch7x7_2, self.branch7x7_3 = chain(
            (inputs, inner, inner, 8), (1, (1, 7), (7, 1)), (0, (0, 3), (3, 0))
        )
        self.branch7x7dbl_1, self.branch7x7dbl_2, self.branch7x7dbl_3, self.branch7x7dbl_4, self.branch7x7dbl_5 = chain(
            (inputs, inner, inner, inner, inner, 8),
            (1, (7, 1), (1, 7), (7, 1), (1, 7)),
            (0, (3, 0), (0, 3), (3, 0), (0, 3)),
        )
        self.branch_pool = BasicConv2d(inputs, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        dbl = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        dbl = self.branch7x7dbl_5(self.branch7x7dbl_4(dbl))
        branch_pool = self.branch_pool(functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.branch1x1(x), branch7x7, dbl, branch_pool], 1)


class InceptionE(nn.Module):
    """3x3 as 1x3 beside 3x1, once and after another 3x3 (figure 7)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 8, 1)
        self.branch3x3_1 = BasicConv2d(inputs, 8, 1)
        self.branch3x3_2a = BasicConv2d(8, 6, (1, 3), padding=(0, 1))
        self.branch3x3_2b = BasicConv2d(8, 6, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1, self.branch3x3dbl_2 = chain((inputs, 8, 8), (1, 3), (0, 1))
        self.branch3x3dbl_3a = BasicConv2d(8, 6, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = BasicConv2d(8, 6, (3, 1), padding=(1, 0))
        self.branch_pool = BasicConv2d(inputs, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        once = self.branch3x3_1(x)
        once = torch.cat([self.branch3x3_2a(once), self.branch3x3_2b(once)], 1)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        twice = torch.cat([self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)], 1)
        branch_pool = self.branch_pool(functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1))
        return torch.cat([self.branch1x1(x), once, twice, branch_pool], 1)


class InceptionV3(nn.Module):
    """Szegedy et al., 2016, table 1, without the auxiliary classifier; for 112 x 112."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 8, 3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(8, 8, 3)
        self.Conv2d_2b_3x3 = BasicConv2d(8, 12, 3, padding=1)
        self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = BasicConv2d(12, 12, 1)
        self.Conv2d_4a_3x3 = BasicConv2d(12, 16, 3)
        self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Mixed_5b = InceptionA(16, pooled=4)
        self.Mixed_6a = InceptionB(22)
        self.Mixed_6b = InceptionC(36, inner=6)
        self.Mixed_7b = InceptionE(32)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=0.5)
        self.fc = nn.Linear(36, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.maxpool1(x)))
        x = self.Mixed_5b(self.maxpool2(x))
        x = self.Mixed_7b(self.Mixed_6b(self.Mixed_6a(x)))
        return self.fc(self.dropout(self.avgpool(x)).flatten(1))
