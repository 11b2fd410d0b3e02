"""What a network costs, step by step, and what its counter-facts would."""

import os
from pathlib import Path
from typing import TypedDict

from convscope.core.errors import LayoutError, ParameterError
from convscope.core.machine import tuned
from convscope.core.progress import Reporter
from convscope.core.text import columns_of, counted, printable
from convscope.images.sizes import parse_sides
from convscope.measures.cost import CostRecord, LayoutCost
from convscope.measures.timing import BATCH, REPEATS, measure_cost
from convscope.networks.exemplars import Exemplars, exemplars_of
from convscope.networks.layout import Layout
from convscope.networks.model import Model

from .kept import check_output, keep, run_of, stands

_LONGEST_NAME = 40
SIDE = 28  # of the pictures of a layout, unless said


def cost(
    model: Model | Layout | str | os.PathLike[str],
    *,
    size: str | int | tuple[int, int] | None = None,
    channels: int = 1,
    classes: int = 10,
    batch: int = BATCH,
    repeats: int = REPEATS,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    reporter: Reporter | None = None,
) -> CostRecord:
    """Return what a network costs: parameters, multiply-adds, memory and time of each step, and the counter-facts.

    Args:
        model: a model, the path of a model file or run folder; or a layout that need not be trained, as text too.
        size: of the pictures in pixels, for a layout: one side, or width and height; 28 if none; a model knows its own.
        channels: values a pixel, for a layout.
        classes: number of classes, for a layout.
        batch: pictures at once where time is measured.
        repeats: batches that are timed; 0 only counts.
        output: a JSON file for the record. If none, a run folder keeps it as ``cost.json``.
        force: replace what stands at `output`; and in the run folder with a record without times.
        reporter: told what is being timed; nobody if none.

    Raises:
        ConvscopeError: the request cannot be met; the message is one sentence.

    Examples:
        >>> found = cost("20C5v-MP2-50C5v-MP2-500N-nonorm", size=(28, 28), repeats=0)
        >>> found.costs[0].parameters, found.costs[0].multiply_adds
        (431080, 2293000)
    """
    width, height = parse_sides(size, usual=SIDE)
    layout = _layout(model, sized=size is not None)
    read: _Read = {}
    run = run_of(model) if layout is None else None
    kept = run.cost if run else None
    path = check_output(output, kept=kept, part=not repeats, force=force)
    if layout is not None:
        sizes = {"height": height, "width": width, "channels": channels, "classes": classes}
    else:
        used = model if isinstance(model, Model) else Model.load(Path(str(model)))
        layout, planned, read = used.layout, used.network.plan, _read_by(used)
        sizes = {
            "height": planned.height,
            "width": planned.width,
            "channels": planned.channels,
            "classes": planned.classes,
        }
    with tuned():
        found = measure_cost(layout, **sizes, batch=batch, repeats=repeats, reporter=reporter, **read)
    keep(found, output=path, kept=kept, part=not repeats, force=force, reporter=reporter)
    return found


class _Read(TypedDict, total=False):
    """What reads the last maps of a model, in place of what its layout says."""

    exemplars: Exemplars | None
    classifier: str


def _read_by(model: Model) -> _Read:
    """Return what reads the last maps of a model: its record names a classifier that was learned on features."""
    record = model.training.get("classifier")
    name = record.get("name") if isinstance(record, dict) else None
    named = printable(name)[:_LONGEST_NAME] if isinstance(name, str) else ""
    return {"exemplars": exemplars_of(model.network.classifier), "classifier": named}


def _layout(model: Model | Layout | str | os.PathLike[str], *, sized: bool) -> Layout | None:
    """Return the layout that `model` is; None where it is a network, or the path of one."""
    if isinstance(model, Layout):
        return model
    if isinstance(model, Model) or stands(model):
        if sized:
            raise ParameterError("`size` must be given for a layout only: a model knows its own. Leave it out.")
        return None
    try:
        return Layout.parse(str(model))
    except LayoutError:
        if sized or os.sep not in str(model):
            raise
        return None  # a path where nothing stands


def cost_text(record: CostRecord) -> str:
    """Return the record as tables of text: the steps of the layout, then the counter-facts."""
    itself = record.costs[0]
    timed = itself.forward_ms is not None
    head = ["step", "gives", "parameters", "multiply-adds", "training", "predicting", "field"]
    rows = [head + (["forward", "backward"] if timed else [])]
    for step in itself.steps:
        line = [
            step.name,
            f"{step.maps} x {step.columns}x{step.rows}",
            f"{step.parameters:,}",
            f"{step.multiply_adds:,}",
            _bytes(step.training_bytes),
            _bytes(step.predicting_bytes),
            f"{step.field_columns}x{step.field_rows}",
        ]
        rows.append(line + ([_ms(step.forward_ms), _ms(step.backward_ms)] if timed else []))
    rows.append(
        ["in all", "", *_totals(itself), "", *([_ms(itself.forward_ms), _ms(itself.backward_ms)] if timed else [])]
    )
    others = [["layout", "parameters", "multiply-adds", "training", "predicting", "forward", "backward"]]
    others += [[_title(one), *_totals(one), _ms(one.forward_ms), _ms(one.backward_ms)] for one in record.costs]
    notes = _about(record.exemplars)
    notes += [f"{one.variant}: not timed, {one.why_untimed}" for one in record.costs if one.why_untimed]
    where = f"bytes for one picture; ms for {counted(record.batch, 'picture')} on {counted(record.threads, 'thread')}"
    return "\n".join([*columns_of(rows), "", *columns_of(others), "", *notes, where])


def _about(exemplars: Exemplars | None) -> list[str]:
    """Return what is counted of a classifier that keeps pictures."""
    if exemplars is None:
        return []
    sums = " and their weighted sums" if exemplars.kind == "kernel" else ""
    return [
        f"the classifier keeps the features of {counted(exemplars.kept, 'picture')}: its parameters are the numbers "
        f"that it keeps, its multiply-adds the distances to them{sums}"
    ]


def _title(one: LayoutCost) -> str:
    return f"{one.variant}: {one.layout}" if one.layout else one.variant


def _totals(one: LayoutCost) -> list[str]:
    counts = [f"{one.parameters:,}", f"{one.multiply_adds:,}"]
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
