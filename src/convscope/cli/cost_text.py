"""A cost record as text for a terminal."""

from convscope.core.text import columns_of, counted
from convscope.measures.cost import CostRecord, LayoutCost
from convscope.networks.instance_based import Exemplars


def cost_text(record: CostRecord) -> str:
    """Return the record as tables of text: the layers of the layout, then the counter-facts."""
    itself = record.costs[0]
    timed = itself.forward_ms is not None
    head = ["layer", "gives", "parameters", "MACs", "training", "predicting", "field"]
    rows = [head + (["forward", "backward"] if timed else [])]
    for layer in itself.layers:
        line = [
            layer.name,
            f"{layer.maps} x {layer.columns}x{layer.rows}",
            f"{layer.parameters:,}",
            f"{layer.macs:,}",
            _bytes(layer.training_bytes),
            _bytes(layer.predicting_bytes),
            f"{layer.field_columns}x{layer.field_rows}",
        ]
        rows.append(line + ([_ms(layer.forward_ms), _ms(layer.backward_ms)] if timed else []))
    rows.append(
        ["in all", "", *_totals(itself), "", *([_ms(itself.forward_ms), _ms(itself.backward_ms)] if timed else [])]
    )
    others = [["layout", "parameters", "MACs", "training", "predicting", "forward", "backward"]]
    others += [[_title(one), *_totals(one), _ms(one.forward_ms), _ms(one.backward_ms)] for one in record.costs]
    notes = _about(record.exemplars)
    notes += [f"{one.variant}: not timed, {one.why_untimed}" for one in record.costs if one.why_untimed]
    where = f"bytes for one image; ms for {counted(record.batch, 'image')} on {counted(record.threads, 'thread')}"
    return "\n".join([*columns_of(rows), "", *columns_of(others), "", *notes, where])


def _about(exemplars: Exemplars | None) -> list[str]:
    """Return what is counted of a classifier that keeps images."""
    if exemplars is None:
        return []
    sums = " and their weighted sums" if exemplars.kind == "kernel" else ""
    return [
        f"the classifier keeps the features of {counted(exemplars.kept, 'image')}: its parameters are the numbers "
        f"that it keeps, its MACs the distances to them{sums}"
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
