"""Measure what the units of a network respond to, and their ablation."""

import dataclasses
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convscope.core.arguments import check_arguments
from convscope.core.machine import tuned
from convscope.core.progress import Reporter, Silent
from convscope.core.tables import DataTable
from convscope.core.text import counted, printable, shortened
from convscope.features.extraction import images_for, open_for
from convscope.measures.units.ablation import measure_ablation
from convscope.measures.units.gabor import GaborFit, fit_filters
from convscope.measures.units.measuring import TOP, measure_units
from convscope.measures.units.patches import with_patches
from convscope.measures.units.probes import probe_stages
from convscope.measures.units.records import LayerAblation, LayerUnits, ProbeRecord, UnitsReport
from convscope.networks.build import Network
from convscope.networks.model import Model, as_tensor, opened

from .kept import check_output, keep, run_of

MOST_ABLATION = 1_000  # images with each unit switched off
MOST_RANDOM = 500  # images that random weights are measured on
_NORMALIZATION_BATCHES = 30  # that estimate the statistics of random weights


def units(
    model: Model | str | os.PathLike[str],
    data: Any,
    *,
    top: int = TOP,
    ablation: int = MOST_ABLATION,
    probes: bool = True,
    seed: int = 0,
    class_depth: int | None = None,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    batch: int | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> UnitsReport:
    """Return what every unit of `model` responds to on the validation or test split of `data`.

    Args:
        model: a model, or the path of a model file or run folder.
        data: as for `convscope.train`, with the classes of the model.
        top: patches to save for each unit.
        ablation: images on which each unit is switched off in turn, a random subset; 0 for none.
        probes: whether a linear classifier is trained on each stage.
        seed: of random subsets and random weights.
        class_depth: of a folder, how many levels of folders name a class; as in the training by default.
        output: a JSON file for the record. By default it is saved in a run folder as ``units.json``.
        force: replace an existing `output`; and the record of a run folder by one without ablation or probes.
        batch: images at once; as memory allows by default.
        data_dir: where named datasets are looked for first.
        cache_dir: of decoded images; the user's cache folder by default.
        reporter: receives the progress.

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
    check_arguments(locals())
    run, part = run_of(model), not (ablation and probes)
    kept = run.units if run else None
    path = check_output(output, kept=kept, part=part, force=force)
    used = opened(model)
    with tuned():
        source = open_for(used, data, class_depth=class_depth, data_dir=data_dir, reporter=reporter or Silent())
        dataset = images_for(used, source, cache_dir=cache_dir, reporter=reporter)
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
            reporter=reporter,
        )
        ablated = np.sort(np.random.default_rng(seed).permutation(len(evaluated))[:ablation])
        random = _random(used, evaluated[:MOST_RANDOM], seed)
        chance = measure_units(random, evaluated[:MOST_RANDOM], labels=labels[:MOST_RANDOM], top=1, batch=batch)
        report = UnitsReport(
            units=with_patches(record, evaluated, used.preprocessing.background),
            random=tuple(layer.mean_selectivity for layer in chance.layers),
            gabor_fits=fit_filters(used.network),
            random_gabor_fits=fit_filters(random.network),
            ablation=measure_ablation(used, evaluated[ablated], labels[ablated], batch=batch, reporter=reporter)
            if ablation
            else None,
            probes=probe_stages(used, dataset, seed=seed, reporter=reporter) if probes else (),
            unusable=dataset.inspection.unusable,
        )
    keep(report, output=path, kept=kept, part=part, force=force, reporter=reporter)
    return report


def _subset(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the images of these indices, without a copy if they are consecutive."""
    if len(indices) and indices[-1] - indices[0] + 1 == len(indices):
        return images[indices[0] : indices[-1] + 1]
    return images[indices]


def _random(model: Model, images: NDArray[np.uint8], seed: int) -> Model:
    """Return the model with random weights, and the normalization statistics of some of the images."""
    planned, trained = model.network.plan, model.network
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


def units_text(report: UnitsReport) -> str:
    """Return the report as text: a line for each layer, ablation, Gabor fits and probes."""
    record = report.units
    lines = [f"{shortened(record.layout, 160)} on {counted(record.images, 'image')} of {record.data}", ""]
    columns = ["layer", "units", "field", "of image", "silent", "selectivity", "random", "needs most"]
    ablations: Sequence[LayerAblation | None] = (
        report.ablation.layers if report.ablation else [None] * len(record.layers)
    )
    layers = zip(record.layers, report.random, ablations, strict=True)
    lines += DataTable.of(
        columns, (_row(layer, chance, _needed(report, ablated)) for layer, chance, ablated in layers)
    ).lines()
    if report.ablation:
        accuracy = report.ablation.accuracy
        low, high = accuracy.interval
        images = counted(accuracy.total, "image")
        lines += ["", f"accuracy {accuracy.fraction:.2%} on {images} (95 % interval {low:.2%} to {high:.2%})"]
    if report.gabor_fits:
        own, chance = (_explained(fits) for fits in (report.gabor_fits, report.random_gabor_fits))
        lines += ["", f"Gabor fits explain {own:.0%} of the first layer's weights ({chance:.0%} of random weights)"]
    lines += ["", *map(_probe_line, report.probes)] if report.probes else []
    return "\n".join(lines)


def _row(layer: LayerUnits, chance: float | None, needed: str) -> list[str]:
    silent = statistics.mean(unit.silent for unit in layer.units)
    return [
        f"{layer.layer}: {layer.name}",
        f"{len(layer.units)}",
        f"{layer.field_columns.size}x{layer.field_rows.size}",
        f"{layer.image_fraction:.0%}",
        f"{silent:.0%}",
        *("-" if value is None else f"{value:.2f}" for value in (layer.mean_selectivity, chance)),
        needed,
    ]


def _needed(report: UnitsReport, layer: LayerAblation | None) -> str:
    """Return the unit of a layer whose ablation costs most accuracy, and how much."""
    if layer is None or report.ablation is None:
        return ""
    loss, unit = max(((report.ablation.loss(unit), -unit.unit) for unit in layer.units), default=(0.0, 0))
    return f"unit {1 - unit}: {-loss:+.1%}" if loss > 0 else "none alone"


def _explained(fits: Sequence[GaborFit]) -> float:
    return statistics.mean(fit.explained for fit in fits)


def _probe_line(probe: ProbeRecord) -> str:
    what = "the pixels" if probe.stage == 0 else f"stage {probe.stage}"
    read = "" if probe.pool == "none" else f", {probe.pool}"
    values = counted(probe.values, "value")
    return f"linear probe on {what} ({values}{read}): {probe.accuracy.fraction:.2%} of {probe.total:,}"
