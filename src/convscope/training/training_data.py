"""The images and labels of a training, and which of them are for training and for validation."""

import dataclasses
import math
import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convscope.core.devices import Device, own_device
from convscope.images.dataset import Dataset
from convscope.images.sources.opening import TRAIN, VALIDATION

from .ranks import ALONE, Ranks

_SAMPLE = 10_000
_AT_ONCE = 250
_SMALLEST_STD = 1 / 255


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """Images uint8 M H W C and labels int64 M as tensors on the same memory, with the indices of the splits.

    Attributes:
        images: all images; may be mapped from a file larger than the memory.
        labels: the class of each.
        training: indices of the images that are learned from.
        validation: indices of those that evaluate each epoch; may be empty.
        classes: number of classes; class_names: their names, where known.
        name: of the dataset.
        flippable: whether horizontal flips keep the class, where the dataset knows; else None.
        ranks: the processes that share each batch.
        device: what computes; `placed` brings the tensors there.
    """

    images: Tensor
    labels: Tensor
    training: Tensor
    validation: Tensor
    classes: int
    class_names: tuple[str, ...] = ()
    name: str = "the arrays"
    flippable: bool | None = None
    ranks: Ranks = ALONE
    device: Device = "cpu"

    @staticmethod
    def of(dataset: Dataset, ranks: Ranks = ALONE, device: Device = "cpu") -> "TrainingData":
        """Return the tensors over the arrays of `dataset`; nothing is copied."""
        return TrainingData(
            images=shared(dataset.images),
            labels=shared(dataset.labels),
            training=torch.from_numpy(dataset.indices(TRAIN)),
            validation=torch.from_numpy(dataset.indices(VALIDATION)),
            classes=len(dataset.classes),
            class_names=dataset.classes,
            name=dataset.name,
            flippable=dataset.flippable,
            ranks=ranks,
            device=device,
        )

    @staticmethod
    def of_arrays(images: NDArray[np.uint8], labels: NDArray[np.int64], *, classes: int) -> "TrainingData":
        """Return the tensors over images uint8 N H W C and labels int64 N, all of them to learn from."""
        return TrainingData(
            images=shared(images),
            labels=shared(labels),
            training=torch.from_numpy(np.arange(len(labels))),  # on the CPU, whatever the default device
            validation=torch.from_numpy(np.arange(0)),
            classes=classes,
        )

    def placed(self) -> "TrainingData":
        """Return the data on its device; images that would take half of the memory of a GPU stay where they are."""
        if self.device == "cpu":
            return self
        device = own_device(self.device)
        fits = self.device != "cuda" or 2 * self.images.nbytes < torch.cuda.mem_get_info(device)[0]
        images = self.images.to(device) if fits else self.images
        return dataclasses.replace(self, images=images, labels=self.labels.to(device))

    @cached_property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel over (at most 10,000) training images, in 0…1."""
        step = max(1, math.ceil(len(self.training) / _SAMPLE))  # over the whole set: it may be in the order of classes
        counts = np.zeros((self.images.shape[3], 256), np.int64)
        for indices in self.training[::step].split(_AT_ONCE):  # type: ignore[no-untyped-call]  # torch has no types here
            images = self.images[indices].numpy()
            for channel in range(len(counts)):
                counts[channel] += np.bincount(images[..., channel].reshape(-1), minlength=256)
        values = np.arange(256) / 255
        means = counts @ values / counts.sum(axis=1)
        variances = (counts * (values - means[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
        stds = np.maximum(_SMALLEST_STD, np.sqrt(variances))
        return tuple(means.tolist()), tuple(stds.tolist())

    def class_weights(self) -> Tensor:
        """Return one weight per class, inverse to its number of training images, with mean 1 over the images."""
        counts = torch.bincount(self.labels[self.training], minlength=self.classes).float()
        weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
        return weights * len(self.training) / (weights * counts).sum()


def shared(values: NDArray[np.generic]) -> Tensor:
    """Return a tensor on the memory of `values`, which is read only by promise where the array is read-only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)
