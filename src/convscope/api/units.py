"""What the units of a network respond to, and what it loses without them, in a set of images."""

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
from convscope.measures.units.measuring import TOP, measure_units
from convscope.measures.units.patches import with_patches
from convscope.measures.units.probes import probe_stages
from convscope.measures.units.report import UnitsReport
from convscope.measures.units.strokes import fit_strokes
from convscope.networks.build import Network
from convscope.networks.model import Model, as_tensor
from convscope.networks.model_file import opened
from convscope.options.measure import UnitsOptions
from convscope.training.record_files import record_file

MOST_ABLATION = 1_000  # images that are sent through without each unit
MOST_RANDOM = 500  # images that random weights are measured on
_SETTLING = 30  # batches after which the normalization of random weights knows their maps


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
    """Return what every unit of `model` responds to in the images of `data` that it was evaluated on.

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
    used = opened(model)
    with tuned():
        source = open_for(used, data, class_depth=class_depth, data_dir=context.data_dir, reporter=context.reporter)
        dataset = images_for(used, source, cache_dir=context.cache_dir, reporter=context.reporter)
        places = dataset.indices(dataset.evaluation_split)
        evaluated, labels = _taken(dataset.images, places), dataset.labels[places]
        record = measure_units(
            used,
            evaluated,
            labels=labels,
            name=lambda place: dataset.image_name(int(places[place])),
            data=printable(dataset.name),
            top=top,
            batch=batch,
            reporter=context.reporter,
        )
        some = np.sort(np.random.default_rng(seed).permutation(len(evaluated))[:ablation])
        random = _random(used, evaluated[:MOST_RANDOM], seed)
        chance = measure_units(random, evaluated[:MOST_RANDOM], labels=labels[:MOST_RANDOM], top=1, batch=batch)
        report = UnitsReport(
            units=with_patches(record, evaluated, used.preprocessing.background),
            random=tuple(layer.mean_selectivity for layer in chance.layers),
            strokes=fit_strokes(used.network),
            random_strokes=fit_strokes(random.network),
            ablation=measure_ablation(used, evaluated[some], labels[some], batch=batch, reporter=context.reporter)
            if ablation
            else None,
            probes=probe_stages(used, dataset, seed=seed, reporter=context.reporter) if probes else (),
            unusable=dataset.inspection.unusable,
        )
    target.write(report, context.reporter)
    return report


def _taken(images: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images at these places: without a copy where they follow each other."""
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return images[places[0] : places[-1] + 1]
    return images[places]


def _random(model: Model, images: NDArray[np.uint8], seed: int) -> Model:
    """Return the model with random weights, whose normalization has seen some of the images."""
    planned, trained = model.network.plan, model.network
    network = Network(
        trained.layout,
        **planned.sizes,
        mean=trained.mean.tolist(),
        std=trained.std.tolist(),
        seed=seed,
    ).train()
    some = as_tensor(images[: max(2, min(len(images), model.batch))])
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad(), network.drawing_from(generator):
        for _ in range(_SETTLING if len(some) > 1 else 0):
            network(some)
    return dataclasses.replace(model, network=network.eval(), training={})
