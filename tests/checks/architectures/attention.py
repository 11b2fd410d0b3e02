"""Layers that see channels last: ConvNeXt, which is convolutional, and two that are not: ViT and Swin."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import CLASSES


class Permute(nn.Module):
    """The axes in another order."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return torch.permute(x, self.dims)


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization of each position over its channels."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)  # N C H W -> N H W C
        x = functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7x7, then two fully connected layers at each position (Liu et al., 2022, figure 4)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(maps, maps, kernel_size=7, padding=3, groups=maps),
            Permute(0, 2, 3, 1),
            nn.LayerNorm(maps, eps=1e-6),
            nn.Linear(maps, 4 * maps),
            nn.GELU(),
            nn.Linear(4 * maps, maps),
            Permute(0, 3, 1, 2),
        )
        self.layer_scale = nn.Parameter(torch.ones(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        result = self.layer_scale * self.block(x)
        result += x
        return result


class ConvNeXt(nn.Module):
    """ConvNeXt-T, of two stages."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, kernel_size=4, stride=4), LayerNorm2d(8, eps=1e-6)),
            nn.Sequential(ConvNeXtBlock(8), ConvNeXtBlock(8)),
            nn.Sequential(LayerNorm2d(8, eps=1e-6), nn.Conv2d(8, 16, kernel_size=2, stride=2)),
            nn.Sequential(ConvNeXtBlock(16), ConvNeXtBlock(16)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(LayerNorm2d(16, eps=1e-6), nn.Flatten(1), nn.Linear(16, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


def mlp(width: int) -> nn.Sequential:
    """Return the two fully connected layers of a transformer's block."""
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.0), nn.Linear(2 * width, width))


class EncoderBlock(nn.Module):
    """Attention between all patches, then two layers at each (Dosovitskiy et al., 2021, figure 1)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        y, _ = self.self_attention(y, y, y, need_weights=False)
        x = x + y
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    """Dosovitskiy et al., 2021, with patches of 8 and two blocks."""

    def __init__(self, side: int = 32, width: int = 16) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, width, kernel_size=8, stride=8)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embedding = nn.Parameter(torch.zeros(1, (side // 8) ** 2 + 1, width))
        self.encoder = nn.Sequential(
            OrderedDict(encoder_layer_0=EncoderBlock(width, 2), encoder_layer_1=EncoderBlock(width, 2))
        )
        self.ln = nn.LayerNorm(width, eps=1e-6)
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(width, CLASSES)))

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        x = self.conv_proj(x)
        x = x.reshape(n, x.shape[1], -1).permute(0, 2, 1)  # N C H W -> N H*W C
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1)
        x = self.ln(self.encoder(x + self.pos_embedding))
        return self.heads(x[:, 0])


class WindowAttention(nn.Module):
    """Attention inside windows, which are moved by `shift` (Liu et al., 2021, figure 2)."""

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias = nn.Parameter(torch.zeros(heads, window**2, window**2))

    def forward(self, x: Tensor) -> Tensor:
        n, height, columns, width = x.shape
        side, down, across = self.window, height // self.window, columns // self.window
        x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        x = x.view(n, down, side, across, side, width).permute(0, 1, 3, 2, 4, 5)
        x = x.reshape(n * down * across, side * side, width)  # a window a row
        qkv = self.qkv(x).reshape(x.size(0), x.size(1), 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        scores = (q * (width // self.heads) ** -0.5).matmul(k.transpose(-2, -1)) + self.relative_position_bias
        x = functional.softmax(scores, dim=-1).matmul(v).transpose(1, 2).reshape(x.size(0), x.size(1), width)
        x = self.proj(x).view(n, down, across, side, side, width).permute(0, 1, 3, 2, 4, 5)
        return torch.roll(x.reshape(n, height, columns, width), shifts=(self.shift, self.shift), dims=(1, 2))


class SwinBlock(nn.Module):
    """Attention inside windows, then two layers at each position."""

    def __init__(self, width: int, shift: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-5)
        self.attn = WindowAttention(width, heads=2, window=4, shift=shift)
        self.norm2 = nn.LayerNorm(width, eps=1e-5)
        self.mlp = mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """The four neighbors of each second position together, as twice the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width, eps=1e-5)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        corners = [x[:, row::2, column::2, :] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))


class Swin(nn.Module):
    """Liu et al., 2021, figure 3, of two stages."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        patches = nn.Sequential(nn.Conv2d(3, width, 4, 4), Permute(0, 2, 3, 1), nn.LayerNorm(width, eps=1e-5))
        self.features = nn.Sequential(
            patches,
            nn.Sequential(SwinBlock(width, shift=0), SwinBlock(width, shift=2)),
            PatchMerging(width),
            nn.Sequential(SwinBlock(2 * width, shift=0)),
        )
        self.norm = nn.LayerNorm(2 * width, eps=1e-5)
        self.permute = Permute(0, 3, 1, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(2 * width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))
