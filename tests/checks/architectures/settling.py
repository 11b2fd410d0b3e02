"""Random weights with which a network of any depth computes values of order 1, and no normalization is the identity."""

from typing import Any

import torch
from torch import Tensor, nn

_WEIGHTED = nn.Conv2d | nn.ConvTranspose2d | nn.Linear


@torch.no_grad()
def settled(module: nn.Module, shape: tuple[int, int, int], seed: int) -> nn.Module:
    """Return the module in evaluation mode, with seeded weights and running statistics.

    Weights are drawn first; then one batch goes through, and each convolution and fully connected layer is divided by
    the standard deviation of what it gives (Mishkin and Matas, "All you need is a good init", 2016).
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, 1, generator=generator)
        elif name.endswith("bias"):
            parameter.normal_(0, 0.2, generator=generator)
        else:
            parameter.uniform_(0.5, 1.5, generator=generator)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(0, 0.2, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
    hooks = [one.register_forward_hook(_scale) for one in module.modules() if isinstance(one, _WEIGHTED)]
    module.eval()(torch.randn(2, *shape, generator=generator))
    for hook in hooks:
        hook.remove()
    return module


def _scale(layer: nn.Module, _: Any, output: Tensor) -> Tensor:
    """Divide the layer, and what it has just computed, by the standard deviation of its output."""
    assert isinstance(layer, _WEIGHTED)
    deviation = output.std()
    layer.weight.div_(deviation)
    if layer.bias is not None:
        layer.bias.div_(deviation)
    return output / deviation
