"""The architectures of the field, small and with random weights: what the readers of networks are tested with.

Each has the structure of its paper and the names of modules that torchvision gives, few maps and few blocks, so that it
runs in milliseconds. To add one: a module here and a line in `ARCHITECTURES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from .attention import ConvNeXt, Swin, ViT
from .blocks import CLASSES
from .channels import DenseNet, GhostNet, ShuffleNetV2
from .inception import GoogLeNet, InceptionV3
from .maps import FCN, UNet, Yolo
from .mobile import EfficientNet, EfficientNetLite, MNASNet, MobileNetV2, MobileNetV3
from .plain import VGG11, VGG16, LeNet5, SqueezeNet, alexnet, vgg
from .residual import BasicBlock, Bottleneck, CSPDarkNet, RegNetY, ResNet
from .settling import settled

__all__ = ["ARCHITECTURES", "CLASSES", "Architecture"]


@dataclass(frozen=True)
class Architecture:
    """A network to be read.

    Attributes:
        name: of it, in lower case.
        make: returns it in evaluation mode; every call gives the same weights.
        shape: of its input, C H W.
        refused: whether it is no convolutional network, so that readers refuse it.
        dense: whether it answers with a map for each class, in place of one number.
    """

    name: str
    make: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    refused: bool = False
    dense: bool = False

    def example(self, images: int = 1) -> torch.Tensor:
        """Return an input of random values, N C H W."""
        return torch.randn(images, *self.shape, generator=torch.Generator().manual_seed(1))


def _make(build: Callable[[], nn.Module], shape: tuple[int, int, int], name: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # the first weights, which are drawn without a seed, are replaced
        return settled(build(), shape, seed=sum(name.encode()))


def _architecture(
    name: str,
    build: Callable[[], nn.Module],
    height: int = 64,
    width: int = 64,
    *,
    channels: int = 3,
    refused: bool = False,
    dense: bool = False,
) -> Architecture:
    shape = (channels, height, width)
    return Architecture(name, partial(_make, build, shape, name), shape, refused, dense)


ARCHITECTURES = {
    one.name: one
    for one in (
        _architecture("lenet5", LeNet5, 32, 32, channels=1),
        _architecture("alexnet", alexnet, 96, 96),
        _architecture("vgg11", partial(vgg, VGG11, norm=False)),
        _architecture("vgg16_bn", partial(vgg, VGG16, norm=True)),
        _architecture("squeezenet1_1", SqueezeNet),
        _architecture("resnet18", partial(ResNet, BasicBlock, (2, 2, 2, 2))),
        _architecture("resnet50", partial(ResNet, Bottleneck)),
        _architecture("resnext50", partial(ResNet, Bottleneck, groups=4, width=0.5)),
        _architecture("wide_resnet50", partial(ResNet, Bottleneck, width=2)),
        _architecture("regnet_y", RegNetY),
        _architecture("cspdarknet", CSPDarkNet, 32, 48),
        _architecture("mobilenet_v2", MobileNetV2, 64, 48),
        _architecture("mobilenet_v3", MobileNetV3),
        _architecture("mnasnet", MNASNet),
        _architecture("efficientnet_b0", EfficientNet),
        _architecture("efficientnet_lite0", EfficientNetLite, 48, 48),
        _architecture("shufflenet_v2", ShuffleNetV2),
        _architecture("ghostnet", GhostNet),
        _architecture("densenet121", DenseNet),
        _architecture("googlenet", GoogLeNet),
        _architecture("inception_v3", InceptionV3, 112, 112),
        _architecture("convnext_tiny", ConvNeXt, 32, 32),
        _architecture("unet", partial(UNet, bilinear=False), 44, 36, dense=True),
        _architecture("unet_bilinear", partial(UNet, bilinear=True), 36, 44, dense=True),
        _architecture("fcn_resnet50", FCN, 64, 80, dense=True),
        _architecture("yolo", Yolo, dense=True),
        _architecture("vit", ViT, 32, 32, refused=True),
        _architecture("swin", Swin, 32, 32, refused=True),
    )
}
