"""Classifiers that store training images: nearest neighbors, and the support vectors of a kernel SVM.

They are learned on the features of a network by scikit-learn (see `convscope.features.heads`) and are
tensors here, in place of the linear classifier of a network: the stored images, and how a new image is compared with
them.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from convscope.core.errors import ParameterError
from convscope.core.text import counted

LARGEST_NEIGHBORS = 1_000
LARGEST_KEPT = 10_000_000
_AT_ONCE = 2**22  # distances: 32 MiB

Tensors = dict[str, tuple[torch.dtype, tuple[int, ...]]]


@dataclass(frozen=True, kw_only=True)
class Exemplars:
    """What a classifier keeps: enough to know the types and shapes of its tensors.

    Attributes:
        kind: ``neighbors`` (the class of most of the nearest) or ``kernel`` (a support vector machine whose margin
            bends: Gaussian weights of the distances).
        kept: number of stored images.
        neighbors: how many of them have a vote; 0 for ``kernel``.

    Raises:
        ParameterError: a number is out of range.
    """

    kind: Literal["neighbors", "kernel"]
    kept: int
    neighbors: int = 0

    def __post_init__(self) -> None:
        """Validate the numbers of images and neighbors."""
        if not 1 <= self.kept <= LARGEST_KEPT:
            raise ParameterError(f"`kept` must be from 1 to {LARGEST_KEPT:,}. Got {self.kept:,}.")
        most = min(self.kept, LARGEST_NEIGHBORS) if self.kind == "neighbors" else 0
        if not min(1, most) <= self.neighbors <= most:
            raise ParameterError(
                f"`neighbors` must be from {min(1, most)} to {most:,}, for {counted(self.kept, 'stored image')} of "
                f"{self.kind!r}. Got {self.neighbors:,}."
            )

    def __str__(self) -> str:
        """Return the kind of classifier and its size in words.

        Examples:
            >>> str(Exemplars(kind="neighbors", kept=1_437, neighbors=5))
            '5 nearest of 1,437'
        """
        if self.kind == "neighbors":
            return f"{self.neighbors:,} nearest of {self.kept:,}"
        return f"{self.kept:,} support vectors"

    def numbers(self, values: int, classes: int) -> int:
        """Return how many numbers it keeps, for features of so many values."""
        return sum(math.prod(shape) for _, shape in self.tensors(values, classes).values())

    def macs(self, values: int, classes: int) -> int:
        """Return the multiplications with an addition for one image: its distances and, of a kernel, their sums."""
        return self.kept * (values + (classes - 1 if self.kind == "kernel" else 0))

    def tensors(self, values: int, classes: int) -> Tensors:
        """Return type and shape of each tensor, for features of so many values."""
        result: Tensors = {
            "center": (torch.float32, (values,)),
            "scale": (torch.float32, (values,)),
            "kept": (torch.float32, (self.kept, values)),
            "labels": (torch.int64, (self.kept,)),
        }
        if self.kind == "kernel":
            result["sharpness"] = (torch.float32, (1,))
            result["weights"] = (torch.float32, (classes - 1, self.kept))
            result["biases"] = (torch.float32, (classes * (classes - 1) // 2,))
        return result

    def build(self, values: int, classes: int) -> "ExemplarClassifier":
        """Return the classifier with room for its tensors.

        Raises:
            ParameterError: there are too few classes.
        """
        if classes < 2 and self.kind == "kernel":
            raise ParameterError(f"A support vector machine must have at least 2 classes. Got {classes}.")
        return _CLASSIFIERS[self.kind](self, values, classes)


class ExemplarClassifier(nn.Module):
    """Scores N K of features N × values, which are first moved by `center` and divided by `scale`."""

    center: Tensor
    scale: Tensor
    kept: Tensor  # kept × values, moved and divided as well
    labels: Tensor

    def __init__(self, exemplars: Exemplars, values: int, classes: int) -> None:
        super().__init__()
        self.exemplars, self.classes = exemplars, classes
        for name, (dtype, shape) in exemplars.tensors(values, classes).items():
            self.register_buffer(name, torch.zeros(shape, dtype=dtype))

    def squared_distances(self, features: Tensor, kept: Tensor) -> Tensor:
        """Return N × kept, in float64: |x|² - 2 x·y + |y|², at least 0."""
        rows = (features.double() - self.center.double()) / self.scale.double()
        others = kept.double()
        products = torch.addmm(others.square().sum(dim=1), rows, others.T, alpha=-2)
        return (products + rows.square().sum(dim=1, keepdim=True)).clamp_min(0)

    def blocks(self, images: int) -> list[slice]:
        """Return the stored images in blocks that can be compared with so many images at once."""
        size = max(1, _AT_ONCE // max(1, images))
        return [slice(start, start + size) for start in range(0, len(self.kept), size)]


class Neighbors(ExemplarClassifier):
    """The logarithm of the fraction of the nearest stored images that are of each class, -∞ where there is none.

    Their softmax is the fractions again: the probabilities are the votes (Cover & Hart 1967).
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return logits N K of features N × values."""
        count = self.exemplars.neighbors
        distances = features.new_empty((len(features), 0), dtype=torch.float64)
        indices = torch.empty_like(distances, dtype=torch.int64)
        for block in self.blocks(len(features)):
            squares = self.squared_distances(features, self.kept[block])
            here = torch.arange(block.start, block.start + squares.shape[1], device=squares.device).expand_as(squares)
            distances, indices = torch.cat([distances, squares], dim=1), torch.cat([indices, here], dim=1)
            nearest = distances.topk(min(count, distances.shape[1]), dim=1, largest=False)
            distances, indices = nearest.values, indices.gather(1, nearest.indices)
        votes = nn.functional.one_hot(self.labels[indices], self.classes).sum(dim=1)  # N, neighbors, K -> N K
        return (votes.double() / count).log()


class KernelMachine(ExemplarClassifier):
    """A support vector machine with Gaussian weights, one for each pair of classes, as libsvm learns it.

    The decision value of a class is the number of pairs that it wins, and for the order among equals a third at most
    from how clearly: scikit-learn's ``decision_function``. Of two classes it is the margin itself and its negative.
    """

    sharpness: Tensor  # γ: the weight of a stored image at distance d is exp(-γ d²)
    weights: Tensor
    biases: Tensor

    def forward(self, features: Tensor) -> Tensor:
        """Return decision values N K of features N × values."""
        sums = features.new_zeros((len(features), self.classes, self.classes - 1), dtype=torch.float64)
        for block in self.blocks(len(features)):
            near = torch.exp(-self.sharpness.double() * self.squared_distances(features, self.kept[block]))
            for number in range(self.classes):  # stored images of this class against each other class
                own = self.labels[block] == number
                sums[:, number] += near[:, own] @ self.weights[:, block][:, own].double().T
        first, second = torch.triu_indices(
            self.classes, self.classes, 1, device=sums.device
        )  # of each pair: 0 1, 0 2, … 1 2, …
        margins = sums[:, first, second - 1] + sums[:, second, first] + self.biases.double()  # above 0: the first
        if self.classes == 2:
            return torch.cat([margins, -margins], dim=1)
        clearly = sums.new_zeros(len(features), self.classes)
        won = clearly.clone()
        clearly.index_add_(1, first, margins).index_add_(1, second, margins, alpha=-1)
        won.index_add_(1, first, (margins >= 0).double()).index_add_(1, second, (margins < 0).double())
        return won + clearly / (3 * (clearly.abs() + 1))


_CLASSIFIERS: dict[str, type[ExemplarClassifier]] = {"neighbors": Neighbors, "kernel": KernelMachine}
