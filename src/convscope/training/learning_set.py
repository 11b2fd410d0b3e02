"""What one training run reads: mapped pictures, labels, and which of them are for what."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.images.image_set import ImageSet
from convscope.images.sources import TRAIN, VALIDATION

_SAMPLE = 10_000
_SMALLEST_DEVIATION = 1 / 255


@dataclass(frozen=True, kw_only=True, eq=False)
class LearningSet:
    """Pictures uint8 M H W C and labels int64 M as tensors on the same memory, with the places to learn from.

    Attributes:
        images: all pictures; may be mapped from a file larger than the memory.
        labels: the class of each.
        training: places of the pictures that are learned from.
        validation: places of those that each epoch is judged by; may be empty.
        classes: number of classes.
    """

    images: Tensor
    labels: Tensor
    training: Tensor
    validation: Tensor
    classes: int

    @staticmethod
    def of(images: ImageSet) -> "LearningSet":
        """Return the tensors over the arrays of `images`; nothing is copied."""
        return LearningSet(
            images=_shared(images.images),
            labels=_shared(images.labels),
            training=torch.from_numpy(images.indices(TRAIN)),
            validation=torch.from_numpy(images.indices(VALIDATION)),
            classes=len(images.classes),
        )

    @cached_property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel over (at most 10,000) training pictures, in 0…1."""
        step = max(1, len(self.training) // _SAMPLE)
        sample = self.images[self.training[::step][:_SAMPLE]].numpy()
        means, deviations = [], []
        for channel in range(sample.shape[3]):
            counts = np.bincount(sample[..., channel].reshape(-1), minlength=256)
            values = np.arange(256) / 255
            mean = float(counts @ values / counts.sum())
            means.append(mean)
            deviations.append(max(_SMALLEST_DEVIATION, float(counts @ (values - mean) ** 2 / counts.sum()) ** 0.5))
        return tuple(means), tuple(deviations)

    def class_weights(self) -> Tensor:
        """Return one weight a class, inverse to its number of training pictures, with mean 1 over the pictures."""
        counts = torch.bincount(self.labels[self.training], minlength=self.classes).float()
        weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
        return weights * len(self.training) / (weights * counts).sum()


def _shared(values: NDArray[np.generic]) -> Tensor:
    """Return a tensor on the memory of `values`, which is read only by promise where the array is read-only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)
