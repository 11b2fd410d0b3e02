"""Measure what the units of a network respond to, and their ablation."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convscope.core.context import Context, context_of
from convscope.core.devices import DeviceChoice
from convscope.core.machine import tuned
from convscope.core.options import AnyPath, documented, options_from
from convscope.core.progress import Reporter
from convscope.core.text import printable
from convscope.features.extraction import images_for, open_for
from convscope.images.sources.opening import DataSource
from convscope.measures.units.ablation import Chosen, measure_ablation
from convscope.measures.units.importance import (
    BUDGET_MACS,
    LEAST_IMAGES,
    agreement,
    measure_importance,
    most_important,
)
from convscope.measures.units.measuring import TOP, measure_units, unit_layers
from convscope.measures.units.patches import with_patches
from convscope.measures.units.probes import probe_stages
from convscope.measures.units.random_weights import beside_random
from convscope.measures.units.records import AblationRecord, ImportanceRecord, UnitsReport
from convscope.networks.folding import check_classifies, fold
from convscope.networks.layer_names import layer_named
from convscope.networks.model import Model
from convscope.networks.model_file import opened
from convscope.options.measure import UnitsOptions
from convscope.training.record_files import record_file

from .kept_inputs import keep_inputs

MOST_ABLATION = 1_000  # images with each unit switched off
MOST_RANDOM = 500  # images that random weights are measured on


@documented(UnitsOptions)
def units(
    model: Model | str | os.PathLike[str],
    data: DataSource,
    *,
    top: int = TOP,
    ablation: int = MOST_ABLATION,
    layer: Sequence[str] = (),
    probes: bool = True,
    seed: int = 0,
    class_depth: int | None = None,
    output: AnyPath | None = None,
    force: bool = False,
    batch: int | None = None,
    device: DeviceChoice = "auto",
    progress: bool | Reporter = False,
    context: Context | None = None,
) -> UnitsReport:
    """Return what every unit of `model` responds to on the validation or test split of `data`.

    Args:
        model: a model, or the path of a model file or run folder.
        data: what `convscope.train` takes, with classes of the model.
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
    options = options_from(UnitsOptions, locals())
    context = context_of(context, progress=progress)
    layers = tuple(options.layer)
    keep_inputs([output], models=[model], data=[data])
    target = record_file(model, "units", output, partial=not (ablation and probes) or bool(layers), force=force)
    used = opened(model, context.reporter, device=options.device)
    check_classifies(used.network, "units")
    asked = _asked(used, layers)
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
        ablated = np.random.default_rng(seed).permutation(len(evaluated))[:ablation]
        found = _importance(used, _Evaluated(evaluated, labels, ablated), asked, batch, context.reporter)
        report = dataclasses.replace(
            beside_random(
                with_patches(record, evaluated, used.preprocessing.background),
                used,
                evaluated[:MOST_RANDOM],
                labels=labels[:MOST_RANDOM],
                seed=seed,
                batch=batch,
            ),
            ablation=found[1],
            importance=found[0],
            probes=probe_stages(used, dataset, seed=seed, reporter=context.reporter)
            if probes and used.layout is not None
            else (),
            unusable=dataset.inspection.unusable,
        )
    target.write(report, context.reporter)
    return report


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """Images with their classes, and the indices of those without each unit, in random order."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    chosen: NDArray[np.int64]

    def first(self, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the images and classes of the first of those that are chosen."""
        indices = np.sort(self.chosen[:count])
        return self.images[indices], self.labels[indices]


def _asked(model: Model, names: Sequence[str]) -> Chosen | None:
    """Return all units of the layers that are asked for; None if none are."""
    graph = fold(model.network).graph
    found = [layer_named(graph, name, unit_layers(graph), "a layer with units") for name in names]
    return {index: range(graph.shapes[graph.nodes[index].name].maps) for index in found} or None


def _importance(
    model: Model, evaluated: _Evaluated, asked: Chosen | None, batch: int | None, reporter: Reporter
) -> tuple[ImportanceRecord | None, AblationRecord | None]:
    """Return the importance of all units at first look, and the ablation of all, or of those that matter most.

    Of a layout, all are ablated; of other networks those that are asked for, or as many as a budget of work allows.
    """
    if not len(evaluated.chosen):
        return None, None
    graph, macs = fold(model.network).graph, model.network.plan.macs
    count, chosen = len(evaluated.chosen), asked
    looked = evaluated.first(max(LEAST_IMAGES, BUDGET_MACS // max(1, 3 * macs)))
    importance = measure_importance(model, *looked, batch=batch, reporter=reporter)
    limited = importance is not None and asked is None and model.layout is None
    if importance is not None and limited:
        chosen, count = most_important(importance, graph, count)
    ablation = measure_ablation(model, *evaluated.first(count), chosen=chosen, batch=batch, reporter=reporter)
    if importance is not None:
        number, rank = agreement(importance, ablation)
        every = sum(len(layer.units) for layer in importance.layers)
        budget = BUDGET_MACS if limited and (number < every or count < len(evaluated.chosen)) else 0
        importance = dataclasses.replace(importance, ablated=number, agreement=rank, budget_macs=budget)
    return importance, ablation


def _subset(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images of these indices, without a copy if they are consecutive."""
    if len(indices) and indices[-1] - indices[0] + 1 == len(indices):
        return images[indices[0] : indices[-1] + 1]
    return images[indices]
