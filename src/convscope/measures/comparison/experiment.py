"""One experiment: which variants are compared, on which images, with which training budget."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.devices import Device
from convscope.core.errors import ParameterError
from convscope.images.dataset import Dataset
from convscope.images.preprocessing import Preprocessing
from convscope.measures.distortions.distortion import Distortion
from convscope.measures.distortions.family import DISTORTIONS, distort
from convscope.training.choices import default_batch
from convscope.training.loop import steps_of
from convscope.training.recipe import Recipe

from .records import DistortionResult, digits_of
from .variants import Baseline, Variant

Images = NDArray[np.uint8]
Indices = NDArray[np.int64]
Predict = Callable[[Images], NDArray[np.int64]]
"""From images uint8 N H W C to the index of the class of each."""

_EPOCHS_FACTOR = 8  # at most so many times the epochs on few images
_CACHED_BYTES = 1 << 28  # of distorted images
_BATCH = 250


@dataclass(frozen=True, kw_only=True)
class TrainingBudget:
    """Epochs over all training images, or seconds; exactly one of them.

    Raises:
        ParameterError: both are given, or neither, or one is out of range.
    """

    epochs: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Validate the amount."""
        if (self.epochs is None) == (self.seconds is None):
            raise ParameterError("Only one of `epochs` and `seconds` can be given. Leave one out.")
        if self.epochs is not None and not 1 <= self.epochs <= 10_000:
            raise ParameterError(f"`epochs` must be a whole number from 1 to 10,000. Got {self.epochs}.")
        if self.seconds is not None and not 1 <= self.seconds <= 1_000_000:
            raise ParameterError(f"`seconds` must be from 1 to 1,000,000. Got {self.seconds:g}.")

    @property
    def unit(self) -> Literal["epochs", "seconds"]:
        """The unit of `amount`."""
        return "seconds" if self.epochs is None else "epochs"

    @property
    def amount(self) -> float:
        """The budget in its unit."""
        return float(self.seconds or self.epochs or 0)

    @property
    def minutes(self) -> float | None:
        """The time budget of a training; None for a budget of epochs."""
        return None if self.seconds is None else self.seconds / 60

    def recipe(self, baseline: Recipe, count: int, total: int) -> Recipe:
        """Return the recipe for `count` of `total` training images.

        A training on few images sees as many images as one on all of them, in at most eight times the epochs.

        Examples:
            >>> baseline = Recipe(epochs=1, batch=256)
            >>> recipes = [TrainingBudget(epochs=2).recipe(baseline, count, 10_000) for count in (10_000, 3_000, 100)]
            >>> [(recipe.epochs, recipe.batch) for recipe in recipes]
            [(2, 256), (7, 128), (16, 32)]
        """
        epochs = self.epochs or baseline.epochs
        if count < total:
            epochs = min(_EPOCHS_FACTOR * epochs, round(epochs * total / count))
        return dataclasses.replace(baseline, epochs=epochs, batch=min(baseline.batch, default_batch(count)))

    def estimated_s(self, recipe: Recipe, count: int, step_s: float) -> float:
        """Return the estimated seconds of a training on `count` images from the seconds of one step."""
        if self.seconds is not None:
            return self.seconds
        return steps_of(recipe, count) * step_s


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationSet:
    """Images that every variant is evaluated on, some of them also distorted.

    Attributes:
        images: uint8 N H W C, of the whole dataset; may be mapped from a file.
        labels: int64 N.
        indices: of the images that are evaluated.
        distorted: of those among them that are also evaluated distorted; may be empty.
        preprocessing: has the background that fills empty edges.
        seed: of random distortions.
        cache: distorted images for the next variant, in batches, as memory allows.
    """

    images: Images
    labels: NDArray[np.int64]
    indices: Indices
    distorted: Indices
    preprocessing: Preprocessing
    seed: int
    cache: dict[tuple[str, float], tuple[Images, ...]] = field(default_factory=dict)

    def strengths(self) -> Mapping[Distortion, tuple[float, ...]]:
        """Return the strengths that are measured, by distortion."""
        side = min(self.images.shape[1:3])
        return {
            distortion: distortion.strengths(side, distortion.compared)
            for distortion in DISTORTIONS.values()
            if distortion.compared
        }

    @property
    def distorted_total(self) -> int:
        """Number of distorted images over all strengths."""
        return len(self.distorted) * sum(map(len, self.strengths().values()))

    def evaluate(self, predict: Predict) -> NDArray[np.bool_]:
        """Return which images are predicted correctly: bool N."""
        correct: NDArray[np.bool_] = self._predictions(predict, self.indices) == self.labels[self.indices]
        return correct

    def evaluate_distorted(self, predict: Predict) -> tuple[str, tuple[DistortionResult, ...]]:
        """Return which images of the subset are predicted correctly when clean (digits), and the distorted results."""
        if not len(self.distorted):
            return "", ()
        labels, clean = self.labels[self.distorted], self._predictions(predict, self.distorted)
        results = []
        for distortion, strengths in self.strengths().items():
            outcomes = {}
            for strength in strengths:
                predictions = np.concatenate([predict(batch) for batch in self._batches(distortion, strength)])
                outcomes[strength] = predictions == labels, int((predictions == clean).sum())
            results.append(DistortionResult.of((distortion.name, distortion.unit), outcomes))
        return digits_of(clean == labels), tuple(results)

    def _predictions(self, predict: Predict, indices: Indices) -> NDArray[np.int64]:
        return np.concatenate([predict(np.asarray(self.images[batch])) for batch in _split(indices)])

    def _batches(self, distortion: Distortion, strength: float) -> Iterator[Images]:
        """Give the distorted images in batches, rounded to uint8 as an image file holds them."""
        if (key := (distortion.name, strength)) in self.cache:
            yield from self.cache[key]
            return
        size = len(self.distorted) * self.images[:1].nbytes
        cached = sum(batch.nbytes for batches in self.cache.values() for batch in batches)
        color = self.preprocessing.background
        background = tuple(map(float, color)) if self.preprocessing.channels == 3 else (float(color[0]),)
        batches, first = [], 0
        for indices in _split(self.distorted):
            pixels = torch.from_numpy(np.array(self.images[indices])).permute(0, 3, 1, 2).float()  # N H W C -> N C H W
            changed = distort(pixels, distortion, strength, background=background, seed=self.seed, first=first)
            batch = changed.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
            first += len(indices)
            if cached + size <= _CACHED_BYTES:
                batches.append(batch)
            yield batch
        if batches:
            self.cache[key] = tuple(batches)


def _split(indices: Indices) -> Iterator[Indices]:
    return (indices[start : start + _BATCH] for start in range(0, len(indices), _BATCH))


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """What is compared on what.

    Attributes:
        dataset: all images.
        indices: of the training images that are used, int64.
        evaluation: the images that are evaluated.
        baseline: the network that the variants are made from.
        budget: of each training.
        seeds: number of runs of each variant.
        variants: that are compared.
        curves: names of those whose learning curve is measured.
        each: numbers of images per class of the learning curve; empty for fractions of all.
        most_seconds: longest training that is started, unless the limit relative to the baseline is longer; None for
            no limit.
    """

    dataset: Dataset
    indices: Indices
    evaluation: EvaluationSet
    baseline: Baseline
    budget: TrainingBudget
    seeds: int
    variants: tuple[Variant, ...]
    curves: tuple[str, ...] = ()
    each: tuple[int, ...] = ()
    most_seconds: float | None = None
    device: Device = "cpu"


def stratified(
    labels: NDArray[np.int64], indices: Indices, fraction: float, *, each: int | None = None, seed: int
) -> Indices:
    """Return about a fraction of `indices`, in order: the same of every class, and at least two images.

    With the same seed, a smaller subset is contained in every larger one.

    Args:
        labels: of the whole dataset, int64.
        indices: to choose from, int64.
        fraction: 0…1.
        each: images of a class, in place of a fraction.
        seed: of the choice.

    Examples:
        >>> labels = np.arange(40) % 2
        >>> np.bincount(labels[stratified(labels, np.arange(40), 0.1, seed=0)])
        array([2, 2])
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels[indices]):
        shuffled = rng.permutation(indices[labels[indices] == label])
        chosen.append(shuffled[: each or max(1, int(fraction * len(shuffled) + 1e-9))])
    subset = np.sort(np.concatenate(chosen))
    return subset if len(subset) > 1 else indices[:2]
