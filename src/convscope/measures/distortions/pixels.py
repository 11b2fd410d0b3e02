"""Distortions that change values and move nothing: images N C H W from 0 to 255."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

_REACH = 4.0  # standard deviations on either side of a Gaussian


def blurred(images: Tensor, sigma_px: float, background: Tensor) -> Tensor:
    """Return the images smoothed by a Gaussian; beyond the edge is the background (C 1 1)."""
    down, across = (_gaussian(side, sigma_px, images.dtype) for side in images.shape[2:])
    return down @ (images - background) @ across + background


def _gaussian(side: int, sigma_px: float, dtype: torch.dtype) -> Tensor:
    """Return the weight of each position for each smoothed one, side × side; it is symmetric."""
    radius = int(_REACH * sigma_px + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(radius + 1, dtype=dtype) / sigma_px) ** 2)
    kernel = kernel / (2 * kernel.sum() - kernel[0])
    distances = (torch.arange(side)[:, None] - torch.arange(side)).abs()
    return torch.where(distances <= radius, kernel[distances.clamp_max(radius)], 0)


def noisy(images: Tensor, strength: float, generators: list[torch.Generator]) -> Tensor:
    """Return the images with normal noise; its standard deviation is a fraction of the range 0…255."""
    noise = torch.stack([torch.randn(images.shape[1:], generator=generator) for generator in generators])
    return (images + 255 * strength * noise).clamp(0, 255)


def contrasted(images: Tensor, strength: float) -> Tensor:
    """Return the images with the distance of each value from the image's mean multiplied by 1 + strength."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (mean + (1 + strength) * (images - mean)).clamp(0, 255)


def brightened(images: Tensor, strength: float) -> Tensor:
    """Return the images with a fraction of the range added to each value."""
    return (images + 255 * strength).clamp(0, 255)


def occluded(images: Tensor, strength: float, generators: list[torch.Generator]) -> Tensor:
    """Return the images with a gray square at a random position; its side is a fraction of the shorter side."""
    height, width = images.shape[2:]
    side = round(strength * min(height, width))
    result = images.clone()
    for image, generator in zip(result, generators, strict=True):
        top = int(torch.randint(0, height - side + 1, (), generator=generator))
        left = int(torch.randint(0, width - side + 1, (), generator=generator))
        image[:, top : top + side, left : left + side] = 127.5
    return result


def compressed(images: Tensor, strength: float) -> Tensor:
    """Return the images after JPEG compression of quality 100 - strength."""
    quality = round(100 - strength)
    pixels = images.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()  # N C H W -> N H W C
    return torch.from_numpy(np.stack([_through_jpeg(image, quality) for image in pixels])).permute(0, 3, 1, 2)


def _through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Return H W C as float32 after it is written and read."""
    gray = pixels.shape[2] == 1
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if gray else pixels).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as image:
        read = np.asarray(image, np.float32)
    return read[..., None] if gray else read
