"""Networks of one line: LeNet-5, AlexNet and VGG; and SqueezeNet, whose modules are the first to branch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES, relu


class LeNet5(nn.Module):
    """LeCun et al., "Gradient-based learning applied to document recognition", 1998, figure 2; for 1 x 32 x 32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = functional.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = x.view(-1, 16 * 5 * 5)  # N 16 5 5 -> N 400
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class FeaturesAndClassifier(nn.Module):
    """The form of AlexNet and VGG: convolutions, a map of fixed size, fully connected layers."""

    def __init__(self, features: nn.Sequential, maps: int, side: int, hidden: int) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((side, side))
        self.classifier = nn.Sequential(
            nn.Linear(maps * side * side, hidden),
            relu(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            relu(),
            nn.Dropout(),
            nn.Linear(hidden, CLASSES),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def alexnet() -> nn.Module:
    """Return AlexNet in one column (Krizhevsky, "One weird trick", 2014); for 96 x 96."""
    features = nn.Sequential(
        nn.Conv2d(3, 8, kernel_size=11, stride=4, padding=2),
        relu(),
        nn.MaxPool2d(kernel_size=3, stride=2),
        nn.Conv2d(8, 16, kernel_size=5, padding=2),
        relu(),
        nn.MaxPool2d(kernel_size=3, stride=2),
        nn.Conv2d(16, 24, kernel_size=3, padding=1),
        relu(),
        nn.Conv2d(24, 16, kernel_size=3, padding=1),
        relu(),
        nn.Conv2d(16, 16, kernel_size=3, padding=1),
        relu(),
        nn.MaxPool2d(kernel_size=3, stride=2),
    )
    return FeaturesAndClassifier(features, 16, 2, 32)


VGG11 = (4, "M", 8, "M", 12, 12, "M", 16, 16, "M", 16, 16, "M")
VGG16 = (4, 4, "M", 8, 8, "M", 12, 12, 12, "M", 16, 16, 16, "M", 16, 16, 16, "M")


def vgg(settings: tuple[int | str, ...], *, norm: bool) -> nn.Module:
    """Return a VGG (Simonyan and Zisserman, 2015, table 1): the maps of each convolution, M for pooling."""
    layers: list[nn.Module] = []
    below = 3
    for one in settings:
        if isinstance(one, str):
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        else:
            layers += [nn.Conv2d(below, one, 3, padding=1), *([nn.BatchNorm2d(one)] if norm else []), relu()]
            below = one
    return FeaturesAndClassifier(nn.Sequential(*layers), below, 2, 32)


class Fire(nn.Module):
    """Fewer maps, then 1x1 and 3x3 convolutions of them beside each other."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, kernel_size=1)
        self.squeeze_activation = relu()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, kernel_size=1)
        self.expand1x1_activation = relu()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, kernel_size=3, padding=1)
        self.expand3x3_activation = relu()

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1
        )


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 (Iandola et al., 2016): its pooling takes windows that end outside (`ceil_mode`)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, kernel_size=3, stride=2),
            relu(),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(16, 4, 8),
            Fire(16, 4, 8),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(16, 6, 12),
            Fire(24, 6, 12),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            Fire(24, 8, 16),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5), nn.Conv2d(32, CLASSES, kernel_size=1), relu(), nn.AdaptiveAvgPool2d((1, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.features(x))
        return torch.flatten(x, 1)  # N K 1 1 -> N K
