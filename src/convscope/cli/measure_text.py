"""Robustness, invariance and equivariance of a network as text for a terminal."""

from collections.abc import Iterable

from convscope.core.tables import DataTable
from convscope.core.text import counted, percent_cell, shortened
from convscope.measures.distortions.family import title_of, way_of
from convscope.measures.invariance_record import Curve, Invariance, Point
from convscope.measures.robustness import Limit


def measure_text(invariance: Invariance) -> str:
    """Return the limits of robustness, the predictions by strength, and the sensitivity of each layer."""
    low, high = invariance.accuracy.interval
    lines = [
        f"{shortened(invariance.layout, 160)} on {counted(invariance.images, 'image')} of {invariance.data} "
        f"({invariance.split})",
        f"clean accuracy {invariance.accuracy.fraction:.2%} (95 % interval {low:.2%} to {high:.2%})",
        "",
        *_limits(invariance),
        "",
        "Predictions by strength: accuracy with its 95 % interval; the fraction that stays the same, of all images and",
        "of those correct when clean; the change of the probability of that class; the fraction outside the image.",
        "",
    ]
    for curve in invariance.curves:
        lines += [f"{title_of(curve.distortion)} ({curve.distortion}, {curve.unit})", *_by_strength(curve).lines(), ""]
    lines += [
        f"Sensitivity of each layer{_compared(invariance)}. Distances of maps: 1 is that between two different images.",
        "changed: distance to the maps on clean images; moved along: the fraction of the squared change that is",
        "movement (equivariance); really changed: distance to the clean maps moved along with the image. Inside: where",
        "no edge is seen.",
        *_about_blocks(invariance),
        "",
    ]
    for curve in invariance.curves:
        point = invariance.shown(curve)
        outside = point.fraction_outside
        gone = f"; {outside:.0%} of the image is outside" if outside > 0.005 else ""
        lines += [curve.at(point) + gone, *_sensitivity(invariance, point), ""]
    return "\n".join(lines).rstrip()


def _compared(invariance: Invariance) -> str:
    return "" if invariance.compared is None else f" on {counted(invariance.compared, 'image')}"


def _about_blocks(invariance: Invariance) -> list[str]:
    """Return what the rows are where not every layer has one."""
    rows, layers = len(invariance.shown_layers), len(invariance.layers)
    if rows == layers:
        return []
    return [f"The {layers} layers are shown by block, each by its last layer."]


def _limits(invariance: Invariance) -> list[str]:
    if not invariance.above_chance:
        return [
            f"The clean accuracy is not above chance ({invariance.chance:.2%}): limits as fractions of it are",
            "meaningless and omitted.",
        ]
    return [
        "The strength at which accuracy falls below a fraction of the clean accuracy; in brackets, where the ends of "
        "its",
        "95 % interval do:",
        "",
        *_limit_table(invariance).lines(),
    ]


def _by_strength(curve: Curve) -> DataTable:
    points = curve.points
    intervals = [point.accuracy.interval for point in points]
    rows = [
        ["  accuracy", *(f"{point.accuracy.fraction:.1%}" for point in points)],
        ["    at least", *(f"{low:.1%}" for low, _ in intervals)],
        ["    at most", *(f"{high:.1%}" for _, high in intervals)],
        ["  same class", *(f"{point.consistency:.1%}" for point in points)],
        ["    of correct", *(percent_cell(point.consistency_of_correct) for point in points)],
        ["  probability", *(f"{point.probability_change:+.0%}" for point in points)],
    ]
    if any(point.fraction_outside > 0.0005 for point in points):
        rows.append(["  outside", *(f"{point.fraction_outside:.1%}" for point in points)])
    return DataTable.of(["", *(f"{point.strength:g}" for point in points)], rows)


def _limit_table(invariance: Invariance) -> DataTable:
    every = invariance.limits()
    units = {curve.distortion: curve.unit for curve in invariance.curves}
    rows = []
    for name, sign in dict.fromkeys((limit.distortion, limit.sign) for limit in every):
        own = [limit for limit in every if (limit.distortion, limit.sign) == (name, sign)]
        rows.append([f"{way_of(name, sign)} ({units[name]})", *map(_limit_cell, own)])
    return DataTable.of(["", "95 %", "90 %", "50 %"], rows)


def _limit_cell(limit: Limit) -> str:
    """Return where accuracy falls, with the interval unless both are beyond the measured strengths."""
    beyond = f"beyond {limit.farthest:g}"
    ends = (limit.strength, limit.nearest, limit.latest)
    strength, low, high = (beyond if end is None else f"{end:.3g}" for end in ends)
    return strength if low == beyond else f"{strength} ({low} to {high})"


def _distance(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _sensitivity(invariance: Invariance, point: Point) -> Iterable[str]:
    rows = []
    for shown in invariance.shown_layers:
        layer = point.layers[shown.index]
        values = (layer.changed, layer.moved, layer.really_changed, layer.changed_inside, layer.residual_inside)
        name = f"{shown.stage or '-'}: {shown.name}" if invariance.is_layout else shortened(shown.name, 48)
        cells = [percent_cell(value) if at == 1 else _distance(value) for at, value in enumerate(values)]
        rows.append([f"  {name}", *cells])
    first = "stage" if invariance.is_layout else "layer"
    columns = [f"  {first}", "changed", "moved along", "really changed", "changed inside", "really changed inside"]
    verdicts = ["", *(point.layers[shown.index].verdict for shown in invariance.shown_layers)]
    lines = DataTable.of(columns, rows).lines()
    return (f"{line}  {verdict}".rstrip() for line, verdict in zip(lines, verdicts, strict=True))
