"""A cost record as text for a terminal."""

from convscope.core.tables import DataTable
from convscope.core.text import counted, size_text
from convscope.layers.instance_based import Exemplars
from convscope.measures.cost import CostRecord, LayoutCost


def cost_text(record: CostRecord) -> str:
    """Return the record as tables of text: the layers of the network, then the variants of a layout."""
    notes = _about(record.exemplars)
    notes += [f"{cost.variant}: not timed, {cost.why_untimed}" for cost in record.costs if cost.why_untimed]
    timed = any(cost.forward_ms is not None for cost in record.costs)
    where = f"; ms for {counted(record.batch, 'image')} on {counted(record.threads, 'thread')}" if timed else ""
    variants = ["", *_variants(record).lines()] if record.costs[0].layout else []
    return "\n".join([*_layers(record.costs[0]).lines(), *variants, "", *notes, f"bytes for one image{where}"])


def _layers(cost: LayoutCost) -> DataTable:
    """Return one row per layer, with times if they are measured."""
    timed, named = cost.forward_ms is not None, any(layer.notation for layer in cost.layers)
    rows = [
        [
            layer.name,
            *([layer.notation] if named else []),
            f"{layer.maps} x {layer.columns}x{layer.rows}",
            f"{layer.parameters:,}",
            f"{layer.macs:,}",
            size_text(layer.training_bytes),
            size_text(layer.predicting_bytes),
            f"{layer.field_columns}x{layer.field_rows}",
            *([_ms(layer.forward_ms), _ms(layer.backward_ms)] if timed else []),
        ]
        for layer in cost.layers
    ]
    empty = ["", ""] if named else [""]
    rows.append(
        ["total", *empty, *_totals(cost), "", *([_ms(cost.forward_ms), _ms(cost.backward_ms)] if timed else [])]
    )
    columns = ["layer", *(["kind"] if named else []), "output", "parameters", "MACs", "training", "predicting", "field"]
    return DataTable.of(columns + (["forward", "backward"] if timed else []), rows)


def _variants(record: CostRecord) -> DataTable:
    """Return one row for the layout, and one for each variant."""
    columns = ["layout", "parameters", "MACs", "training", "predicting", "forward", "backward"]
    rows = ([_title(cost), *_totals(cost), _ms(cost.forward_ms), _ms(cost.backward_ms)] for cost in record.costs)
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


def _title(cost: LayoutCost) -> str:
    return f"{cost.variant}: {cost.layout}" if cost.layout else cost.variant


def _totals(cost: LayoutCost) -> list[str]:
    counts = [f"{cost.parameters:,}", f"{cost.macs:,}"]
    return [*counts, size_text(cost.training_bytes), size_text(cost.predicting_bytes)]


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1e3:.3g} s" if value >= 1e3 else f"{value:.3g} ms"
