"""Networks whose answer is a map: U-Net, twice, FCN and a detector of the YOLO family."""

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES, conv_norm
from .residual import Bottleneck, DarkBlock, ResNet

leaky = partial(nn.LeakyReLU, 0.1, inplace=True)


class DoubleConv(nn.Module):
    """Two convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(*conv_norm(inputs, outputs), *conv_norm(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)


class Up(nn.Module):
    """Twice the side, zeros at the right and at the bottom where the other map is larger, and both together."""

    def __init__(self, inputs: int, outputs: int, *, bilinear: bool) -> None:
        super().__init__()
        self.up: nn.Module = (
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Conv2d(inputs, outputs, 1)
            )
            if bilinear
            else nn.ConvTranspose2d(inputs, outputs, kernel_size=2, stride=2)
        )
        self.conv = DoubleConv(2 * outputs, outputs)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        below = self.up(below)
        rows, columns = beside.size(2) - below.size(2), beside.size(3) - below.size(3)
        below = functional.pad(below, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return self.conv(torch.cat([beside, below], dim=1))


class UNet(nn.Module):
    """Ronneberger et al., 2015, figure 1, with zeros around; `bilinear` in place of transposed convolutions."""

    def __init__(self, *, bilinear: bool) -> None:
        super().__init__()
        self.inc = DoubleConv(3, 6)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(6, 8))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(8, 12))
        self.down3 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(12, 16))
        self.up1 = Up(16, 12, bilinear=bilinear)
        self.up2 = Up(12, 8, bilinear=bilinear)
        self.up3 = Up(8, 6, bilinear=bilinear)
        self.outc = nn.Conv2d(6, CLASSES, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.up1(self.down3(x3), x3)
        return self.outc(self.up3(self.up2(x, x2), x1))


class FCN(nn.Module):
    """Long et al., 2015, on a dilated ResNet; answers with a dict, as torchvision's networks for segmentation do."""

    def __init__(self) -> None:
        super().__init__()
        whole = ResNet(Bottleneck, dilated=True)
        self.backbone = nn.ModuleDict(
            {name: one for name, one in whole.named_children() if name not in ("avgpool", "fc")}
        )
        self.classifier = nn.Sequential(
            *conv_norm(whole.fc.in_features, 16), nn.Dropout(0.1), nn.Conv2d(16, CLASSES, 1)
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        size, features = x.shape[-2:], x
        for layer in self.backbone.values():
            features = layer(features)
        scores = self.classifier(features)
        return OrderedDict(out=functional.interpolate(scores, size=size, mode="bilinear", align_corners=False))


class SpatialPyramid(nn.Module):
    """Max pooling with windows of 5, 9 and 13, beside what it is of (Huang et al., DC-SPP-YOLO, 2019)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.cv1 = conv_norm(inputs, inputs // 2, 1, activation=leaky)
        self.m = nn.ModuleList(nn.MaxPool2d(kernel_size=side, stride=1, padding=side // 2) for side in (5, 9, 13))
        self.cv2 = conv_norm(inputs // 2 * 4, outputs, 1, activation=leaky)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cv1(x)
        return self.cv2(torch.cat([x, *(pool(x) for pool in self.m)], 1))


class Yolo(nn.Module):
    """The backbone of YOLOv3 (Redmon and Farhadi, 2018), a pyramid, and one map of scores at an eighth of the side."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv_norm(3, 8, activation=leaky)
        self.dark2 = self._stage(8, 8, 1)
        self.dark3 = self._stage(8, 12, 2)
        self.dark4 = self._stage(12, 16, 2)
        self.dark5 = self._stage(16, 24, 1)
        self.spp = SpatialPyramid(24, 16)
        self.reduce = conv_norm(16, 8, 1, activation=leaky)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge = conv_norm(8 + 16, 16, activation=leaky)
        self.head = nn.Conv2d(16, CLASSES, 1)

    @staticmethod
    def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
        halving = conv_norm(inputs, outputs, stride=2, activation=leaky)
        return nn.Sequential(halving, *(DarkBlock(outputs) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        eighth = self.dark4(self.dark3(self.dark2(self.stem(x))))
        x = self.upsample(self.reduce(self.spp(self.dark5(eighth))))
        return self.head(self.merge(torch.cat([x, eighth], 1)))
