"""A report on units as text for a terminal."""

import statistics
from collections.abc import Sequence

from convscope.core.tables import DataTable
from convscope.core.text import counted, shortened
from convscope.measures.units.records import ImportanceRecord, LayerAblation, LayerUnits, ProbeRecord, UnitsReport


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
    if report.importance:
        lines += ["", *_importance_lines(report.importance)]
    if report.ablation:
        accuracy = report.ablation.accuracy
        low, high = accuracy.interval
        images = counted(accuracy.total, "image")
        lines += ["", f"accuracy {accuracy.fraction:.2%} on {images} (95 % interval {low:.2%} to {high:.2%})"]
    if report.gabor:
        own, chance = report.gabor
        lines += ["", f"Gabor fits explain {own:.0%} of the first layer's weights ({chance:.0%} of random weights)"]
    lines += ["", *map(_probe_line, report.probes)] if report.probes else []
    return "\n".join(lines)


def _row(layer: LayerUnits, chance: float | None, needed: str) -> list[str]:
    silent = statistics.mean(unit.silent for unit in layer.units)
    return [
        shortened(f"{layer.layer}: {layer.name}", 48),
        f"{len(layer.units)}",
        f"{layer.field_columns.size}x{layer.field_rows.size}",
        f"{layer.image_fraction:.0%}",
        f"{silent:.0%}",
        *("-" if value is None else f"{value:.2f}" for value in (layer.mean_selectivity, chance)),
        needed,
    ]


def _importance_lines(importance: ImportanceRecord) -> list[str]:
    """Return how the importance of units at first look agrees with their ablation."""
    every = sum(len(layer.units) for layer in importance.layers)
    where = f"{counted(every, 'unit')} on {counted(importance.images, 'image')}"
    lines = [f"importance at first look (gradient × activation): {where}"]
    if importance.budget_macs:
        lines.append(
            f"ablated: the {importance.ablated:,} most important, within {importance.budget_macs:.0e} MACs "
            "(--layer NAME: all of a layer)"
        )
    if importance.agreement is not None:
        lines.append(
            f"agreement with the change of the logit by ablation, {counted(importance.ablated, 'unit')}: rank "
            f"correlation {importance.agreement:.2f} (Spearman)"
        )
    return lines


def _needed(report: UnitsReport, layer: LayerAblation | None) -> str:
    """Return the unit of a layer whose ablation costs most accuracy, and how much."""
    if layer is None or report.ablation is None:
        return ""
    if not layer.units:
        return "not ablated"
    loss, unit = max(((report.ablation.loss(unit), -unit.unit) for unit in layer.units), default=(0.0, 0))
    return f"unit {1 - unit}: {-loss:+.1%}" if loss > 0 else "none alone"


def _probe_line(probe: ProbeRecord) -> str:
    what = "the pixels" if probe.stage == 0 else probe.layer or f"stage {probe.stage}"
    read = "" if probe.pool == "none" else f", {probe.pool}"
    values = counted(probe.values, "value")
    return f"linear probe on {what} ({values}{read}): {probe.accuracy.fraction:.2%} of {probe.total:,}"
