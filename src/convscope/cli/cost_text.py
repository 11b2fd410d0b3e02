"""A cost record as text for a terminal."""

from convscope.core.tables import DataTable
from convscope.core.text import counted, size_text
from convscope.layers.instance_based import Exemplars
from convscope.measures.cost import CostRecord, LayoutCost


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
            size_text(layer.training_bytes),
            size_text(layer.predicting_bytes),
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
    return [*counts, size_text(one.training_bytes), size_text(one.predicting_bytes)]


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1e3:.3g} s" if value >= 1e3 else f"{value:.3g} ms"
