"""Linear probes: the accuracy of a linear classifier on the maps of each stage."""

import dataclasses
import math

import numpy as np

from convscope.core.progress import Reporter
from convscope.features.classifiers import evaluate_classifiers, named_classifiers
from convscope.features.extraction import extract
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset
from convscope.images.sources.source import TRAIN
from convscope.networks.build import layout_network
from convscope.networks.model import Model

from .records import ProbeRecord

MOST_VALUES = 1_024  # of an image; larger maps are averaged over regions
MOST_TRAINING, MOST_EVALUATED = 4_000, 2_000


def probe_stages(
    model: Model, dataset: Dataset, *, seed: int = 0, reporter: Reporter | None = None
) -> tuple[ProbeRecord, ...]:
    """Return the accuracy of softmax regression on the pixels and on each stage of `model`.

    It is trained on at most 4,000 training images and evaluated on at most 2,000 validation or test images, the same
    for every stage, drawn by `seed`.

    Raises:
        DataError: there are no training images, or none to evaluate on.
    """
    subset = _subset(dataset, seed)
    records = []
    for stage in range(len(layout_network(model.network).stages) + 1):
        pool = _pool(model, stage)
        features = extract(StageFeatures(model, Reading(stage=stage, pool=pool)), subset)
        (evaluated,) = evaluate_classifiers(features, named_classifiers(["softmax"], seed=seed), reporter=reporter)
        values = math.prod(features.values.shape[1:])
        records.append(
            ProbeRecord(
                stage=stage,
                pool=pool,
                values=values,
                correct=evaluated.accuracy.correct,
                total=evaluated.accuracy.total,
            )
        )
    return tuple(records)


def _pool(model: Model, stage: int) -> str:
    """Return the pooling of maps that leaves at most `MOST_VALUES` values of an image, where possible."""
    shape = Reading(stage=stage).shape(model.network)
    if math.prod(shape) <= MOST_VALUES or len(shape) == 1:
        return "none"
    side = max(1, min(math.isqrt(MOST_VALUES // shape[0]), *shape[1:]))
    return f"grid{min(side, 99)}"


def _subset(dataset: Dataset, seed: int) -> Dataset:
    """Return a random subset of the training and of the evaluated images, in order."""
    generator = np.random.default_rng(seed)
    sizes = ((TRAIN, MOST_TRAINING), (dataset.evaluation_split, MOST_EVALUATED))
    chosen = []
    for split, most in dict(sizes).items():
        indices = dataset.indices(split)
        chosen.append(indices if len(indices) <= most else generator.choice(indices, most, replace=False))
    subset = np.sort(np.concatenate(chosen))
    return dataclasses.replace(
        dataset,
        images=dataset.images[subset],
        labels=dataset.labels[subset],
        splits=dataset.splits[subset],
        source_indices=dataset.source_indices[subset],
    )
