"""The activations of clusters at every position, summed over a grid of each image: fast, in little memory."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.errors import DataError, ParameterError
from convscope.layers.geometry import output_size

from .clusters import ClusterLayer

_BLOCK_VALUES = 2**18  # activations at once: 1 MiB, so that all steps but the first find them in the processor's cache


def summed_activations(layer: ClusterLayer, images: NDArray[np.uint8], *, parts: int = 2) -> NDArray[np.float32]:
    """Return the activations of `layer` at every position, summed over parts × parts parts of each image.

    The same numbers as ``layer.everywhere`` followed by sums, but for the rounding of float32.

    Args:
        layer: clusters.
        images: uint8 N H W C.
        parts: down and across; their sizes differ by at most one position, the first are the larger ones.

    Returns:
        float32 N × (parts · parts · units): part after part, rows of parts first.

    Raises:
        DataError: the images are no such array, or have other channels.
        ParameterError: there are more parts than positions.
        LayoutError: the patch is larger than the images.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != layer.channels:
        raise DataError(
            f"`images` must be a uint8 array N H W {layer.channels}. Got {images.dtype} {tuple(images.shape)}."
        )
    rows, columns = (output_size(size, layer.side) for size in images.shape[1:3])
    if not 1 <= parts <= min(rows, columns):
        raise ParameterError(
            f"`parts` must be from 1 to {min(rows, columns)}, the positions along a side. Got {parts}."
        )
    sums = _sums(rows, columns, parts)
    activations = _Activations(layer)
    result = np.empty((len(images), parts * parts * len(layer.centers)), np.float32)
    with torch.inference_mode():
        for number, image in enumerate(images):
            result[number] = activations.summed(torch.from_numpy(np.array(image)), sums).reshape(-1).numpy()
    return result


class _Activations:
    """A cluster layer as float32 tensors, which computes its activations block by block."""

    def __init__(self, layer: ClusterLayer) -> None:
        self.layer = layer
        self.mean, self.matrix, self.centers = (
            torch.from_numpy(np.ascontiguousarray(values)).float()
            for values in (layer.whitening.mean, layer.whitening.matrix, layer.centers.T)
        )
        self.lengths = self.centers.square().sum(dim=0)
        self.block = max(1, _BLOCK_VALUES // len(self.lengths))

    def summed(self, image: Tensor, sums: Tensor) -> Tensor:
        """Return `sums` (P × positions) times the activations (positions × units) of an image H W C."""
        side = self.layer.side
        patches = image.unfold(0, side, 1).unfold(1, side, 1).permute(0, 1, 3, 4, 2)  # h w k k C
        rows = patches.reshape(-1, side * side * self.layer.channels) / 255.0
        if self.layer.contrast:
            rows -= rows.mean(dim=1, keepdim=True)
            rows /= (rows.square().mean(dim=1, keepdim=True) + (10 / 255) ** 2).sqrt()
        white = (rows - self.mean) @ self.matrix
        result = torch.zeros(len(sums), len(self.lengths))
        for block, membership in zip(white.split(self.block), sums.split(self.block, dim=1), strict=True):  # type: ignore[no-untyped-call]  # torch has no types here
            result.addmm_(membership, self._activations(block))
        return result

    def _activations(self, white: Tensor) -> Tensor:
        """Return activations n × units of white patches n × D."""
        squares = torch.addmm(self.lengths, white, self.centers, alpha=-2).add_(white.square().sum(dim=1, keepdim=True))
        if self.layer.activation == "hard":
            return torch.zeros_like(squares).scatter_(1, squares.argmin(dim=1, keepdim=True), 1.0)
        distances = squares.clamp_(min=0).sqrt_()
        return distances.neg_().sub_(distances.mean(dim=1, keepdim=True)).relu_()  # mean - distance, where above 0


def _sums(rows: int, columns: int, parts: int) -> Tensor:
    """Return parts·parts × rows·columns of ones and zeros: which positions each part has."""
    down, across = (
        torch.tensor(
            [[float(position in part) for position in range(size)] for part in np.array_split(np.arange(size), parts)]
        )
        for size in (rows, columns)
    )
    return torch.einsum("pr,qc->pqrc", down, across).reshape(parts * parts, rows * columns)
