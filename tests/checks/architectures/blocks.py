"""Blocks that several architectures are made of, with the names and the order of their modules in torchvision."""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

CLASSES = 10  # of every architecture

Activation: TypeAlias = Callable[..., nn.Module]


def relu() -> nn.Module:
    """Return a ReLU that overwrites its input, as most published networks have it."""
    return nn.ReLU(inplace=True)


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int | tuple[int, int] = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: Activation | None = relu,
) -> nn.Sequential:
    """Return convolution with half a kernel of zeros around, batch normalization and activation: `.0`, `.1`, `.2`."""
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, sides, stride, (sides[0] // 2, sides[1] // 2), groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([] if activation is None else [activation()]))


class SqueezeExcitation(nn.Module):
    """Each map times one number, 0…1, that depends on the means of all maps (Hu et al., 2018, section 3)."""

    def __init__(
        self, maps: int, squeezed: int, activation: Activation = nn.ReLU, gate: Activation = nn.Sigmoid
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(maps, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, maps, 1)
        self.activation = activation()
        self.scale_activation = gate()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.activation(self.fc1(self.avgpool(x)))
        return self.scale_activation(self.fc2(scale)) * x
