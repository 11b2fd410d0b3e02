"""What the units of a network respond to, and what it loses without them, in a set of images."""

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
from convscope.core.text import counted, printable, shortened
from convscope.features.extraction import images_for, open_for
from convscope.measures.units.ablation import LayerAblation, measure_ablation
from convscope.measures.units.measuring import TOP, measure_units
from convscope.measures.units.patches import with_patches
from convscope.measures.units.probes import probe_stages
from convscope.measures.units.records import LayerUnits
from convscope.measures.units.report import UnitsReport
from convscope.measures.units.strokes import GaborFit, fit_strokes
from convscope.networks.build import Network
from convscope.networks.model import Model, as_tensor
from convscope.networks.model_file import opened

from .kept import check_output, keep, run_of

MOST_ABLATION = 1_000  # images that are sent through without each unit
MOST_RANDOM = 500  # images that random weights are measured on
_SETTLING = 30  # batches after which the normalization of random weights knows their maps


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
    """Return what every unit of `model` responds to in the images of `data` that it was evaluated on.

    Args:
        model: a model, or the path of a model file or run folder.
        data: what `convscope.train` takes, with the classes of the model.
        top: patches to keep for each unit.
        ablation: images on which units are turned off one after another, drawn by `seed`; 0 for none.
        probes: whether a linear classifier is trained on each stage.
        seed: of what is drawn, and of random weights.
        class_depth: of a folder, how many levels of folders name a class; as the model was trained if none.
        output: a JSON file for the record. If none, a run folder keeps it as ``units.json``.
        force: replace what stands at `output`; and in the run folder with a record without worth or probes.
        batch: images at once; as memory allows if none.
        data_dir: where named sets are looked for first.
        cache_dir: where decoded images are kept; the user's cache folder if none.
        reporter: told how far it is; nobody if none.

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
            reporter=reporter,
        )
        some = np.sort(np.random.default_rng(seed).permutation(len(evaluated))[:ablation])
        random = _random(used, evaluated[:MOST_RANDOM], seed)
        chance = measure_units(random, evaluated[:MOST_RANDOM], labels=labels[:MOST_RANDOM], top=1, batch=batch)
        report = UnitsReport(
            units=with_patches(record, evaluated, used.preprocessing.background),
            random=tuple(layer.mean_selectivity for layer in chance.layers),
            strokes=fit_strokes(used.network),
            random_strokes=fit_strokes(random.network),
            ablation=measure_ablation(used, evaluated[some], labels[some], batch=batch, reporter=reporter)
            if ablation
            else None,
            probes=probe_stages(used, dataset, seed=seed, reporter=reporter) if probes else (),
            unusable=dataset.inspection.unusable,
        )
    keep(report, output=path, kept=kept, part=part, force=force, reporter=reporter)
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


def units_text(report: UnitsReport) -> str:
    """Return the report as text: a line for each layer, the worth of its units, strokes and probes."""
    record = report.units
    lines = [f"{shortened(record.layout, 160)} on {counted(record.images, 'image')} of {record.data}", ""]
    rows = [["layer", "units", "field", "of image", "silent", "selectivity", "random", "needs most"]]
    ablations: Sequence[LayerAblation | None] = (
        report.ablation.layers if report.ablation else [None] * len(record.layers)
    )
    for layer, chance, ablation in zip(record.layers, report.random, ablations, strict=True):
        rows.append(_row(layer, chance, _needed(report, ablation)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if report.ablation:
        low, high = report.ablation.interval
        images = counted(sum(report.ablation.images), "image")
        lines += ["", f"accuracy {report.ablation.accuracy:.2%} on {images} (95 % interval {low:.2%} to {high:.2%})"]
    if report.strokes:
        own, chance = (_explained(fits) for fits in (report.strokes, report.random_strokes))
        lines += ["", f"strokes: Gabor waves explain {own:.0%} of the first filters' weights ({chance:.0%} if random)"]
    lines += ["", *(_probe_line(report, place) for place in range(len(report.probes)))] if report.probes else []
    return "\n".join(lines)


def _row(layer: LayerUnits, chance: float | None, needed: str) -> list[str]:
    silent = statistics.mean(unit.silent for unit in layer.units)
    return [
        f"{layer.layer}: {layer.name}",
        f"{len(layer.units)}",
        f"{layer.field_columns.size}x{layer.field_rows.size}",
        f"{layer.image_share:.0%}",
        f"{silent:.0%}",
        *("-" if value is None else f"{value:.2f}" for value in (layer.mean_selectivity, chance)),
        needed,
    ]


def _needed(report: UnitsReport, layer: LayerAblation | None) -> str:
    """Return the unit of a layer without which the accuracy falls most, and by how much."""
    if layer is None or report.ablation is None:
        return ""
    loss, unit = max(((report.ablation.loss(one), -one.unit) for one in layer.units), default=(0.0, 0))
    return f"unit {1 - unit}: {-loss:+.1%}" if loss > 0 else "none alone"


def _explained(fits: Sequence[GaborFit]) -> float:
    return statistics.mean(fit.explained for fit in fits)


def _probe_line(report: UnitsReport, place: int) -> str:
    probe = report.probes[place]
    what = "the pixels" if probe.stage == 0 else f"stage {probe.stage}"
    read = "" if probe.pool == "none" else f", {probe.pool}"
    return f"linear probe on {what} ({counted(probe.values, 'value')}{read}): {probe.accuracy:.2%} of {probe.total:,}"
