"""Receptive fields of the layers over an image."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convscope.layers.geometry import ReceptiveField
from convscope.layers.planned import PlannedLayer
from convscope.networks.plan import NetworkPlan, Plan

from .style import Theme, bare, drawing, figure

_MOST_BOXES = 12
_STYLES = ("-", "--", ":", "-.")
_INSET, _INSETS = 0.003, 3  # of the image's longer side, about the width of a line; as many different ones
_LARGEST_INSET = 0.05  # of the box


def draw_fields(
    planned: NetworkPlan,
    pixels: NDArray[np.uint8] | None,
    *,
    theme: Theme,
    shown: Sequence[tuple[int, str]] | None = None,
) -> Figure:
    """Return the image with the receptive field of the central activation of each layer as a box.

    Layers whose maps are one value, and the classifier, see the whole image and have no box.

    Args:
        planned: the network.
        pixels: uint8 H W C of the network's size, or None for an empty background.
        theme: the colors.
        shown: index and name of the layers that may have a box; all by default.
    """
    every = [(index, f"layer {index + 1}, {layer.name}") for index, layer in enumerate(planned.layers)]
    boxes = [
        (name, planned.layers[index])
        for index, name in (shown or every)
        if planned.layers[index].rows * planned.layers[index].columns > 1
    ]
    with drawing(theme):
        drawn = figure(7.5, max(3.6, 0.42 * len(boxes) + 1.4), theme)
        left, right = drawn.subplots(1, 2, width_ratios=(1, 0.9))
        _show(left, planned, pixels, theme)
        right.set_axis_off()
        for index, (name, layer) in enumerate(boxes):
            color, style = theme.series[index % len(theme.series)], _STYLES[index // len(theme.series) % len(_STYLES)]
            _box(left, layer, (color, style), inset=index % _INSETS * _INSET * max(planned.width, planned.height))
            y = 0.95 - index * 0.9 / max(6, len(boxes))
            right.plot([0, 0.08], [y, y], color=color, linestyle=style, linewidth=2)
            right.text(0.11, y, _words(planned, name, layer), va="center", fontsize=8)
        right.set_xlim(0, 1)
        right.set_ylim(0, 1)
        drawn.suptitle("Receptive field of the central activation of each layer", x=0.01, ha="left", fontsize=11)
    return drawn


def useful_fields(planned: NetworkPlan, shown: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return those of `shown` whose fields differ, at most twelve; of fields that hold the whole image, the first."""
    chosen: dict[tuple[object, ...], tuple[int, str]] = {}
    for index, name in shown:
        layer = planned.layers[index]
        rows, columns = layer.field_rows, layer.field_columns
        key = ("whole",) if _sees_all(planned, layer) else (rows.size, columns.size, rows.stride, columns.stride)
        chosen.setdefault(key, (index, name))
    found = list(chosen.values())
    kept = np.unique(np.linspace(0, len(found) - 1, min(_MOST_BOXES, len(found))).round().astype(int))
    return [found[place] for place in kept]


def _sees_all(planned: NetworkPlan, layer: PlannedLayer) -> bool:
    """Return whether the central field holds the whole image."""
    fields = (layer.field_rows, layer.rows, planned.height), (layer.field_columns, layer.columns, planned.width)
    return all(field.first(count // 2) <= 0 and field.ends(count // 2 + 1)[-1] >= side for field, count, side in fields)


def _show(axes: Axes, planned: NetworkPlan, pixels: NDArray[np.uint8] | None, theme: Theme) -> None:
    if pixels is not None:
        axes.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
    bare(axes, theme)
    frame = Rectangle((-0.5, -0.5), planned.width, planned.height, fill=False, edgecolor=theme.quiet)
    axes.add_patch(frame)
    edge = 0.04 * max(planned.width, planned.height)
    axes.set_xlim(-0.5 - edge, planned.width - 0.5 + edge)
    axes.set_ylim(planned.height - 0.5 + edge, -0.5 - edge)
    axes.set_aspect("equal")
    axes.set_title(f"{planned.width}×{planned.height} pixels", fontsize=8, color=theme.quiet)


def _box(axes: Axes, layer: PlannedLayer, look: tuple[str, str], *, inset: float) -> None:
    """Draw the box, smaller by at most `inset` pixels, so that boxes with a common edge are both visible."""
    top, left = _start(layer.field_rows, layer.rows), _start(layer.field_columns, layer.columns)
    inset = min(inset, _LARGEST_INSET * min(layer.field_rows.size, layer.field_columns.size))
    corner = (left - 0.5 + inset, top - 0.5 + inset)
    width, height = (field.size - 2 * inset for field in (layer.field_columns, layer.field_rows))
    color, style = look
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=color, linestyle=style, linewidth=2))


def _start(field: ReceptiveField, positions: int) -> int:
    """Return the first pixel that the central position depends on; below 0 in the padding."""
    return field.first(positions // 2)


def _words(planned: NetworkPlan, name: str, layer: PlannedLayer) -> str:
    sizes = f"{layer.field_columns.size}×{layer.field_rows.size} pixels"
    if not isinstance(planned, Plan) and _sees_all(planned, layer):
        return f"{name} and later ones: the whole image ({sizes})"
    return f"{name}: {sizes}, a value every {layer.field_columns.stride} px"
