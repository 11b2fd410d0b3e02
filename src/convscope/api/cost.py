"""Measure the cost of a network, layer by layer, and of its variants."""

import os
from typing import TypedDict

from convscope.core.arguments import check_arguments
from convscope.core.machine import tuned
from convscope.core.progress import Reporter
from convscope.core.tables import DataTable
from convscope.core.text import counted
from convscope.measures.cost import CostRecord, LayoutCost
from convscope.measures.timing import BATCH, REPEATS, measure_cost
from convscope.networks.instance_based import Exemplars, exemplars_of
from convscope.networks.layout import Layout
from convscope.networks.model import Model, opened

from .kept import check_output, keep, run_of
from .named_layout import plan_of_layout

_LONGEST_NAME = 40


def cost(
    model: Model | Layout | str | os.PathLike[str],
    *,
    size: str | int | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: int | None = None,
    batch: int = BATCH,
    repeats: int = REPEATS,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> CostRecord:
    """Return the cost of a network and its variants: parameters, MACs, memory and time of each layer.

    Args:
        model: a model, the path of a model file or run folder; or an untrained layout, also as text.
        size: of the images in pixels, for a layout: one side, or width and height; 28 by default.
        channels: values a pixel, for a layout; 1 by default.
        classes: number of classes, for a layout; 10 by default.
        batch: images at once for timing.
        repeats: batches that are timed; 0 only counts.
        output: a JSON file for the record. By default it is saved in a run folder as ``cost.json``.
        force: replace an existing `output`; and the record of a run folder by one without times.
        reporter: receives the progress.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> found = cost("20C5v-MP2-50C5v-MP2-500N-nonorm", size=(28, 28), repeats=0)
        >>> found.costs[0].parameters, found.costs[0].macs
        (431080, 2293000)
    """
    check_arguments(locals())
    planned = plan_of_layout(model, size=size, channels=channels, classes=classes)
    read: _Read = {}
    run = run_of(model) if planned is None else None
    kept = run.cost if run else None
    path = check_output(output, kept=kept, part=not repeats, force=force)
    if planned is None:
        used = opened(model if isinstance(model, Model) else str(model))
        planned, read = used.network.plan, _read_by(used)
    with tuned():
        found = measure_cost(
            planned.layout,
            planned.sizes,
            batch=batch,
            repeats=repeats,
            reporter=reporter,
            **read,
        )
    keep(found, output=path, kept=kept, part=not repeats, force=force, reporter=reporter)
    return found


class _Read(TypedDict, total=False):
    """The classifier of a model, if it is not that of the layout."""

    exemplars: Exemplars | None
    classifier: str


def _read_by(model: Model) -> _Read:
    """Return the classifier of a model, which its record names if it was trained on features."""
    named = (model.learned.classifier or "")[:_LONGEST_NAME]
    return {"exemplars": exemplars_of(model.network.classifier), "classifier": named}


def cost_text(record: CostRecord) -> str:
    """Return the record as tables of text: the layers of the layout, then its variants."""
    notes = _about(record.exemplars)
    notes += [f"{one.variant}: not timed, {one.why_untimed}" for one in record.costs if one.why_untimed]
    where = f"bytes for one image; ms for {counted(record.batch, 'image')} on {counted(record.threads, 'thread')}"
    return "\n".join([*_layers(record.costs[0]).lines(), "", *_variants(record).lines(), "", *notes, where])


def _layers(cost: LayoutCost) -> DataTable:
    """Return one row a layer, with times if they are measured."""
    timed = cost.forward_ms is not None
    rows = [
        [
            layer.name,
            f"{layer.maps} x {layer.columns}x{layer.rows}",
            f"{layer.parameters:,}",
            f"{layer.macs:,}",
            _bytes(layer.training_bytes),
            _bytes(layer.predicting_bytes),
            f"{layer.field_columns}x{layer.field_rows}",
            *([_ms(layer.forward_ms), _ms(layer.backward_ms)] if timed else []),
        ]
        for layer in cost.layers
    ]
    rows.append(["total", "", *_totals(cost), "", *([_ms(cost.forward_ms), _ms(cost.backward_ms)] if timed else [])])
    columns = ["layer", "output", "parameters", "MACs", "training", "predicting", "field"]
    return DataTable.of(columns + (["forward", "backward"] if timed else []), rows)


def _variants(record: CostRecord) -> DataTable:
    """Return one row for the layout, and one for each variant."""
    columns = ["layout", "parameters", "MACs", "training", "predicting", "forward", "backward"]
    rows = ([_title(one), *_totals(one), _ms(one.forward_ms), _ms(one.backward_ms)] for one in record.costs)
    return DataTable.of(columns, rows)


def _about(exemplars: Exemplars | None) -> list[str]:
    """Return how an instance-based classifier is counted."""
    if exemplars is None:
        return []
    sums = " and their weighted sums" if exemplars.kind == "kernel" else ""
    return [
        f"the classifier stores the features of {counted(exemplars.kept, 'image')}: its parameters are the stored "
        f"numbers, its MACs the distances to them{sums}"
    ]


def _title(one: LayoutCost) -> str:
    return f"{one.variant}: {one.layout}" if one.layout else one.variant


def _totals(one: LayoutCost) -> list[str]:
    counts = [f"{one.parameters:,}", f"{one.macs:,}"]
    return [*counts, _bytes(one.training_bytes), _bytes(one.predicting_bytes)]


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1e3:.3g} s" if value >= 1e3 else f"{value:.3g} ms"


def _bytes(count: int) -> str:
    """Return a number of bytes in three digits.

    Examples:
        >>> _bytes(512), _bytes(2_048_000)
        ('512 B', '2.05 MB')
    """
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"
