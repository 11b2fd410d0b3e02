"""Measure what the units of a network respond to, and their ablation."""

import dataclasses
import os

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.context import Context, context_of
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.features.extraction import images_for, open_for
from convscope.images.sources.opening import DataSource
from convscope.measures.units.ablation import measure_ablation
from convscope.measures.units.gabor import fit_filters
from convscope.measures.units.measuring import TOP, measure_units
from convscope.measures.units.patches import with_patches
from convscope.measures.units.probes import probe_stages
from convscope.measures.units.records import UnitsReport
from convscope.networks.build import Network, layout_network
from convscope.networks.model import Model, as_tensor
from convscope.networks.model_file import opened
from convscope.options.measure import UnitsOptions
from convscope.training.record_files import record_file

MOST_ABLATION = 1_000  # images with each unit switched off
MOST_RANDOM = 500  # images that random weights are measured on
_NORMALIZATION_BATCHES = 30  # that estimate the statistics of random weights


@documented(UnitsOptions)
def units(
    model: Model | str | os.PathLike[str],
    data: DataSource,
    *,
    top: int = TOP,
    ablation: int = MOST_ABLATION,
    probes: bool = True,
    seed: int = 0,
    class_depth: int | None = None,
    output: AnyPath | None = None,
    force: bool = False,
    batch: int | None = None,
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> UnitsReport:
    """Return what every unit of `model` responds to on the validation or test split of `data`.

    Args:
        model: a model, or the path of a model file or run folder.
        data: what `convscope.train` takes, with the classes of the model.
        progress: True shows progress on standard error.
        context: folders of named datasets and of decoded images.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> import tempfile
        >>> from convscope.api.train import train
        >>> trained = train("digits", epochs=1, layout="8C3-MP2", output=tempfile.mkdtemp())
        >>> found = units(trained.model, "digits", ablation=100, probes=False)
        >>> len(found.units.layers[0].units), found.units.images, sum(found.ablation.images)
        (8, 359, 100)
    """
    options_from(UnitsOptions, locals())
    context = context_of(context, progress=progress)
    target = record_file(model, "units", output, partial=not (ablation and probes), force=force)
    used = opened(model, context.reporter)
    with tuned():
        source = open_for(used, data, class_depth=class_depth, data_dir=context.data_dir, reporter=context.reporter)
        dataset = images_for(used, source, cache_dir=context.cache_dir, reporter=context.reporter)
        indices = dataset.indices(dataset.evaluation_split)
        evaluated, labels = _subset(dataset.images, indices), dataset.labels[indices]
        record = measure_units(
            used,
            evaluated,
            labels=labels,
            name=lambda index: dataset.image_name(int(indices[index])),
            data=printable(dataset.name),
            top=top,
            batch=batch,
            reporter=context.reporter,
        )
        ablated = np.sort(np.random.default_rng(seed).permutation(len(evaluated))[:ablation])
        random = _random(used, evaluated[:MOST_RANDOM], seed)
        chance = measure_units(random, evaluated[:MOST_RANDOM], labels=labels[:MOST_RANDOM], top=1, batch=batch)
        report = UnitsReport(
            units=with_patches(record, evaluated, used.preprocessing.background),
            random=tuple(layer.mean_selectivity for layer in chance.layers),
            gabor_fits=fit_filters(used.network),
            random_gabor_fits=fit_filters(random.network),
            ablation=measure_ablation(used, evaluated[ablated], labels[ablated], batch=batch, reporter=context.reporter)
            if ablation
            else None,
            probes=probe_stages(used, dataset, seed=seed, reporter=context.reporter) if probes else (),
            unusable=dataset.inspection.unusable,
        )
    target.write(report, context.reporter)
    return report


def _subset(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images of these indices, without a copy if they are consecutive."""
    if len(indices) and indices[-1] - indices[0] + 1 == len(indices):
        return images[indices[0] : indices[-1] + 1]
    return images[indices]


def _random(model: Model, images: NDArray[np.uint8], seed: int) -> Model:
    """Return the model with random weights, and the normalization statistics of some of the images."""
    trained = layout_network(model.network)
    planned = trained.plan
    network = Network(
        trained.layout,
        **planned.sizes,
        mean=trained.mean.tolist(),
        std=trained.std.tolist(),
        seed=seed,
    ).train()
    batch = as_tensor(images[: max(2, min(len(images), model.batch))])
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad(), network.drawing_from(generator):
        for _ in range(_NORMALIZATION_BATCHES if len(batch) > 1 else 0):
            network(batch)
    return dataclasses.replace(model, network=network.eval(), training={})
