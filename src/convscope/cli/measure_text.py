"""How a network takes distorted images, as text."""

from collections.abc import Iterable

from convscope.core.text import columns_of, counted, shortened
from convscope.measures.invariance_record import Curve, Invariance, Limit, Point, limits


def measure_text(found: Invariance) -> str:
    """Return the record as text: the limits, the answers by strength, and the ledger of layers for each distortion."""
    low, high = found.interval
    lines = [
        f"{shortened(found.layout, 160)} on {counted(found.images, 'image')} of {found.data} ({found.part})",
        f"accuracy {found.accuracy:.2%} undistorted (95 % interval {low:.2%} to {high:.2%})",
        "",
        *_limits(found),
        "",
        "The answers by strength: accuracy with its 95 % interval; the part that keeps its class, of all images and",
        "of those right undistorted; the change of the probability of that class; what left the canvas.",
        "",
    ]
    for curve in found.curves:
        lines += [f"{curve.distortion} ({curve.unit})", *columns_of(_by_strength(curve)), ""]
    lines += [
        "The ledger: what each layer's maps make of it, as a part of the distance between two different images.",
        "changed: how far the maps are from what they were; left: how far when they are moved along with the image;",
        "moved: the part of the change that is movement (equivariance). Inside: where no edge is seen.",
        "",
    ]
    for curve in found.curves:
        point = found.shown(curve)
        gone = f"; {point.left_canvas:.0%} of the image left the canvas" if point.left_canvas > 0.005 else ""
        lines += [curve.at(point) + gone, *_ledger(found, point), ""]
    return "\n".join(lines).rstrip()


def _limits(found: Invariance) -> list[str]:
    if not found.above_chance:
        return [
            f"The accuracy undistorted is not above chance ({found.chance:.2%}): at which strength it falls below",
            "a part of it means nothing, and is left out.",
        ]
    return [
        "The strength at which accuracy falls below a part of the undistorted one; in brackets, where the ends of its",
        "95 % interval do:",
        "",
        *columns_of(_limit_rows(found)),
    ]


def _by_strength(curve: Curve) -> list[list[str]]:
    points = curve.points
    rows = [
        ["", *(f"{point.strength:g}" for point in points)],
        ["  correct", *(f"{point.accuracy:.1%}" for point in points)],
        ["    at least", *(f"{point.interval[0]:.1%}" for point in points)],
        ["    at most", *(f"{point.interval[1]:.1%}" for point in points)],
        ["  same class", *(f"{point.consistency:.1%}" for point in points)],
        ["    of correct", *(_percent(point.consistency_of_correct) for point in points)],
        ["  probability", *(f"{point.probability_change:+.0%}" for point in points)],
    ]
    if any(point.left_canvas > 0.0005 for point in points):
        rows.append(["  left canvas", *(f"{point.left_canvas:.1%}" for point in points)])
    return rows


def _limit_rows(found: Invariance) -> list[list[str]]:
    rows = [["", "95 %", "90 %", "50 %"]]
    every = limits(found)
    units = {curve.distortion: curve.unit for curve in found.curves}
    for name, sign in dict.fromkeys((one.distortion, one.sign) for one in every):
        mine = [one for one in every if (one.distortion, one.sign) == (name, sign)]
        rows.append([f"  {name} ({units[name]})", *map(_limit_cell, mine)])
    return rows


def _limit_cell(one: Limit) -> str:
    """Return where accuracy falls, with the interval where it is not beyond all that was measured itself."""
    beyond = f"beyond {one.farthest:g}"
    middle, low, high = (beyond if at is None else f"{at:.3g}" for at in (one.strength, one.nearest, one.latest))
    return middle if low == beyond else f"{middle} ({low} to {high})"


def _ledger(found: Invariance, point: Point) -> Iterable[str]:
    rows = [["  stage", "changed", "left", "moved", "changed inside", "left inside"]]
    verdicts = [""]
    for stage, name, layer in zip(found.stages, found.layers, point.layers, strict=True):
        values = (layer.changed, layer.left, layer.moved, layer.changed_inside, layer.left_inside)
        rows.append([f"  {stage or '-'}: {name}", *map(_percent, values)])
        verdicts.append(layer.verdict)
    return (f"{line}  {verdict}".rstrip() for line, verdict in zip(columns_of(rows), verdicts, strict=True))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
