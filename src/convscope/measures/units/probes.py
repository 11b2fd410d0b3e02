"""A linear probe on each stage: how much of the answer a straight-line classifier can read off its maps."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from convscope.core.errors import DataError
from convscope.core.progress import Reporter
from convscope.core.statistics import wilson_interval
from convscope.features.classifiers import evaluate_classifiers, named_classifiers
from convscope.features.extraction import extract
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset
from convscope.images.sources.source import TRAIN
from convscope.networks.model import Model

MOST_VALUES = 1_024  # of an image; larger maps are read as the means of their parts
MOST_TRAINING, MOST_EVALUATED = 4_000, 2_000


@dataclass(frozen=True, kw_only=True)
class ProbeRecord:
    """How many images a linear classifier on a stage's maps recognizes.

    Attributes:
        stage: 0 for the pixels, 1 for the first stage (a convolution with its pooling), and so on.
        pool: what was made of each map: ``none``, or ``grid4`` for the means of its 4 × 4 parts, …
        values: that were read from an image.
        correct: images that were recognized, of `total`, none of which it learned from.
    """

    stage: int
    pool: str
    values: int
    correct: int
    total: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if not 0 <= self.correct <= self.total or self.total < 1:
            raise DataError(
                f"`correct` must be from 0 to {self.total}, of at least 1. Got {self.correct}. Measure it anew."
            )

    @property
    def accuracy(self) -> float:
        """Share that is correct, 0…1."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson_interval(self.correct, self.total)


def probe_stages(
    model: Model, dataset: Dataset, *, seed: int = 0, reporter: Reporter | None = None
) -> tuple[ProbeRecord, ...]:
    """Return what softmax regression reads off the pixels and off each stage of `model`.

    It learns from at most 4,000 training images and is evaluated on at most 2,000 of those held out, the same for every
    stage, drawn by `seed`.

    Raises:
        DataError: there are no images to learn from, or none to evaluate on.
    """
    some = _drawn(dataset, seed)
    records = []
    for stage in range(len(model.network.stages) + 1):
        pool = _pool(model, stage)
        features = extract(StageFeatures(model, Reading(stage=stage, pool=pool)), some)
        (evaluated,) = evaluate_classifiers(features, named_classifiers(["softmax"], seed=seed), reporter=reporter)
        values = math.prod(features.values.shape[1:])
        records.append(
            ProbeRecord(stage=stage, pool=pool, values=values, correct=evaluated.correct, total=evaluated.total)
        )
    return tuple(records)


def _pool(model: Model, stage: int) -> str:
    """Return how maps are read, so that an image has at most `MOST_VALUES` values where that can be."""
    shape = Reading(stage=stage).shape(model.network)
    if math.prod(shape) <= MOST_VALUES or len(shape) == 1:
        return "none"
    side = max(1, min(math.isqrt(MOST_VALUES // shape[0]), *shape[1:]))
    return f"grid{min(side, 99)}"


def _drawn(dataset: Dataset, seed: int) -> Dataset:
    """Return some of the images to learn from and some of those evaluated, in order."""
    generator = np.random.default_rng(seed)
    parts = ((TRAIN, MOST_TRAINING), (dataset.evaluation_split, MOST_EVALUATED))
    chosen = []
    for split, most in dict(parts).items():
        places = dataset.indices(split)
        chosen.append(places if len(places) <= most else generator.choice(places, most, replace=False))
    kept = np.sort(np.concatenate(chosen))
    return dataclasses.replace(
        dataset,
        images=dataset.images[kept],
        labels=dataset.labels[kept],
        splits=dataset.splits[kept],
        source_indices=dataset.source_indices[kept],
    )
