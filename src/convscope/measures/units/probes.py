"""Linear probes: the accuracy of a linear classifier on the maps of each stage, or of the ends of blocks."""

import dataclasses
import math

import numpy as np

from convscope.core.progress import Reporter
from convscope.features.classifiers import evaluate_classifiers, named_classifiers
from convscope.features.extraction import extract
from convscope.features.layers import block_ends
from convscope.features.reading import Reading, StageFeatures
from convscope.images.dataset import Dataset
from convscope.images.sources.source import TRAIN
from convscope.networks.graph import IMAGE
from convscope.networks.image_network import ImageNetwork
from convscope.networks.model import Model

from .records import ProbeRecord

MOST_VALUES = 1_024  # of an image; larger maps are averaged over regions
MOST_TRAINING, MOST_EVALUATED = 4_000, 2_000
MOST_LAYERS = 20  # of a network that is no layout


def probe_stages(
    model: Model, dataset: Dataset, *, seed: int = 0, reporter: Reporter | None = None
) -> tuple[ProbeRecord, ...]:
    """Return the accuracy of softmax regression on the pixels and on each stage of `model`.

    Of a network that is no layout these are the layers that end a stage or a block, at most 20 of them. It is trained
    on at most 4,000 training images and evaluated on at most 2,000 validation or test images, the same for every stage,
    drawn by `seed`.

    Raises:
        DataError: there are no training images, or none to evaluate on.
    """
    subset = _subset(dataset, seed)
    records = []
    for stage, reading in enumerate(_readings(model.network)):
        pooled = dataclasses.replace(reading, pool=_pool(model, reading))
        features = extract(StageFeatures(model, pooled), subset)
        (evaluated,) = evaluate_classifiers(features, named_classifiers(["softmax"], seed=seed), reporter=reporter)
        values = math.prod(features.values.shape[1:])
        records.append(
            ProbeRecord(
                stage=stage,
                layer=reading.layer or "",
                pool=pooled.pool,
                values=values,
                correct=evaluated.accuracy.correct,
                total=evaluated.accuracy.total,
            )
        )
    return tuple(records)


def _readings(network: ImageNetwork) -> list[Reading]:
    """Return the layers that are probed, beginning with the pixels."""
    if network.layout is None:
        return [Reading(layer=name) for name in (IMAGE, *block_ends(network.graph, MOST_LAYERS))]
    stages = Reading().depth(network)
    return [Reading(stage=stage) for stage in range(stages + 1)]


def _pool(model: Model, reading: Reading) -> str:
    """Return the pooling of maps that leaves at most `MOST_VALUES` values of an image, where possible."""
    shape = reading.shape(model.network)
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
