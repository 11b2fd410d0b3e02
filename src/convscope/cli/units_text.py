"""A report on units as text for a terminal."""

import statistics
from collections.abc import Sequence

from convscope.core.text import counted, shortened
from convscope.measures.units.ablation import LayerAblation
from convscope.measures.units.records import LayerUnits
from convscope.measures.units.report import UnitsReport
from convscope.measures.units.strokes import GaborFit


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
