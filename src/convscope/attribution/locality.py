"""The logits of an image without each of many patches: only values whose receptive field meets a patch are computed.

A patch changes a block of every map; the rest stays as it is without the change. A layer with a window is computed on
the block, grown by the window; from the first layer that sees everything on (fully connected, whole maps), and through
layers whose values depend on where they are, whole maps are computed; also where a block is a large part of the map.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from convscope.layers.geometry import MapShape, Window
from convscope.layers.kinds import (
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    Convolution,
    LocalResponse,
    Multiply,
    Nonlinearity,
    Pooling,
    ScaleAndShift,
    Softmax,
)
from convscope.layers.layer import Layer
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork

_POINTWISE = (
    Add,
    ChannelNormalization,
    ChannelSelection,
    ChannelShuffle,
    Concatenate,
    LocalResponse,
    Multiply,
    Nonlinearity,
    ScaleAndShift,
    Softmax,
)
_POINT = Window(kernel=1)
_LARGE_PART = 0.3  # of the positions of a map; from there on cutting blocks costs more than it saves


@dataclass(frozen=True, kw_only=True)
class _Span:
    """Positions along one side, as many for each patch.

    Attributes:
        first: int64, one a patch.
        count: how many.
    """

    first: Tensor
    count: int

    def whole(self, size: int) -> "_Span":
        """Return all positions of a side, for each patch."""
        return _Span(first=torch.zeros_like(self.first), count=size)

    def is_like(self, other: "_Span") -> bool:
        """Return whether both are the same positions."""
        return self.count == other.count and torch.equal(self.first, other.first)

    def positions(self) -> Tensor:
        """Return them, patches × count."""
        return self.first[:, None] + torch.arange(self.count, device=self.first.device)

    def through(self, window: Window, places: int) -> tuple[Tensor, Tensor]:
        """Return the first and the last of `places` whose window meets the span, one a patch."""
        lowest = self.first + window.before - window.extent + 1
        first = -(-lowest // window.stride)
        last = (self.first + self.count - 1 + window.before) // window.stride
        return first.clamp(0, places - 1), last.clamp(0, places - 1)

    def read_by(self, window: Window) -> "_Span":
        """Return the positions below that the windows at these positions read; beyond the map is padding."""
        first = self.first * window.stride - window.before
        return _Span(first=first, count=(self.count - 1) * window.stride + window.extent)


@dataclass(frozen=True, kw_only=True)
class _Changed:
    """What the patches change of one node: patches × maps × rows × columns; elsewhere its values are as they were."""

    values: Tensor
    rows: _Span
    columns: _Span

    def is_whole(self, shape: MapShape) -> bool:
        """Return whether all values of maps of this shape are there."""
        return (self.rows.count, self.columns.count) == (shape.rows, shape.columns)


def logits_without(network: GraphNetwork, stored: Mapping[str, Tensor], patches: Tensor, side: int) -> Tensor:
    """Return the logits of one image with each patch at the mean of the training images: patches × classes.

    Args:
        network: whose output is one number per class.
        stored: the values of the standardized image, 1 C H W, and of every node, by name.
        patches: row and column of the upper left pixel of each, int64 P × 2.
        side: of a patch, in pixels.
    """
    graph, image = network.graph, stored[IMAGE]
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    mean = image.new_zeros(len(patches), image.shape[1], side, side)
    rows, columns = (_Span(first=patches[:, axis], count=side) for axis in (0, 1))
    changed = {IMAGE: _Changed(values=mean, rows=rows, columns=columns)}
    for index, node in enumerate(graph.nodes):
        changed[node.name] = _through(network, node, stored, changed)
        for name in set(node.inputs):
            if last[name] <= index:
                del changed[name]
    return changed[graph.output.name].values.flatten(1)


def _through(
    network: GraphNetwork, node: Node, stored: Mapping[str, Tensor], changed: Mapping[str, _Changed]
) -> _Changed:
    """Return what the patches change of the values of `node`."""
    shape, inputs = network.graph.shapes[node.name], network.graph.inputs_of(node)
    below, layer = [changed[name] for name in node.inputs], node.layer
    windows, fill = _windows(layer, shape, inputs), 0.0
    if windows is None or all(map(_Changed.is_whole, below, inputs)):
        first = below[0].rows.first.new_zeros(len(below[0].values))
        rows, columns = _Span(first=first, count=shape.rows), _Span(first=first, count=shape.columns)
        reads = [(_Span(first=first, count=one.rows), _Span(first=first, count=one.columns)) for one in inputs]
    else:
        rows = _united([one.rows.through(down, shape.rows) for one, (down, _) in zip(below, windows, strict=True)])
        columns = _united(
            [one.columns.through(across, shape.columns) for one, (_, across) in zip(below, windows, strict=True)]
        )
        if rows.count * columns.count > _LARGE_PART * shape.rows * shape.columns:
            rows, columns = rows.whole(shape.rows), columns.whole(shape.columns)
        reads = [(rows.read_by(down), columns.read_by(across)) for down, across in windows]
        fill = -torch.inf if isinstance(layer, Pooling) else 0.0
        layer = _without_frame(layer, *windows[0])
    read = [_crop(stored[name], one, *spans, fill) for name, one, spans in zip(node.inputs, below, reads, strict=True)]
    values = network.compute(dataclasses.replace(node, layer=layer), read)
    return _Changed(values=values, rows=rows, columns=columns)


def _windows(layer: Layer, shape: MapShape, inputs: Sequence[MapShape]) -> list[tuple[Window, Window]] | None:
    """Return the windows of a layer over each input, down and across; None where it must see whole maps."""
    if isinstance(layer, Convolution):
        return [(layer.rows, layer.columns), (_POINT, _POINT)][: len(inputs)]
    if isinstance(layer, Pooling) and layer.rows is not None and layer.columns is not None:
        (rows, columns), plain = layer.windows(inputs[0]), not layer.ceil and layer.rows.before == 0
        plain = plain and layer.rows.after == layer.columns.before == layer.columns.after == 0
        return [(rows, columns)] if layer.code == "MP" or (plain and layer.code != "BP") else None
    same = all((one.rows, one.columns) == (shape.rows, shape.columns) for one in inputs)
    return [(_POINT, _POINT)] * len(inputs) if isinstance(layer, _POINTWISE) and same else None


def _without_frame(layer: Layer, rows: Window, columns: Window) -> Layer:
    """Return the layer for maps that have their padding already."""
    bare = [Window(kernel=one.kernel, stride=one.stride, dilation=one.dilation) for one in (rows, columns)]
    if isinstance(layer, Convolution):
        return dataclasses.replace(layer, rows=bare[0], columns=bare[1])
    if isinstance(layer, Pooling):
        return dataclasses.replace(layer, rows=bare[0], columns=bare[1], ceil=False)
    return layer


def _united(ends: Sequence[tuple[Tensor, Tensor]]) -> _Span:
    """Return the positions from the first to the last of several inputs, as many for each patch, within the map."""
    first = torch.stack([one for one, _ in ends]).amin(0)
    last = torch.stack([one for _, one in ends]).amax(0)
    count = int((last - first).max()) + 1
    return _Span(first=first.clamp_max(int(last.max()) + 1 - count).clamp_min(0), count=count)


def _crop(stored: Tensor, changed: _Changed, rows: _Span, columns: _Span, fill: float) -> Tensor:
    """Return patches × maps × rows × columns at these positions, `fill` beyond the map."""
    if rows.is_like(changed.rows) and columns.is_like(changed.columns):
        return changed.values
    maps, height, width = stored.shape[1:]
    down, across = rows.positions(), columns.positions()  # patches × rows, patches × columns
    own_down, own_across = down - changed.rows.first[:, None], across - changed.columns.first[:, None]
    is_block = _within(own_down, changed.rows.count)[:, :, None] & _within(own_across, changed.columns.count)[:, None]
    is_map = _within(down, height)[:, :, None] & _within(across, width)[:, None]
    # one table of all values, a row per position: those of the map, then those of each patch, then beyond the map
    own = changed.values.permute(0, 2, 3, 1).reshape(-1, maps)
    table = torch.cat([stored[0].flatten(1).T, own, own.new_full((1, maps), fill)])
    patch = torch.arange(len(down), device=down.device)[:, None] * changed.rows.count
    in_block = height * width + ((patch + own_down) * changed.columns.count)[:, :, None] + own_across[:, None]
    in_map = (down * width)[:, :, None] + across[:, None]
    index = torch.where(is_map, torch.where(is_block, in_block, in_map), len(table) - 1)
    return table[index].permute(0, 3, 1, 2)  # patches, rows, columns, maps -> patches, maps, rows, columns


def _within(positions: Tensor, count: int) -> Tensor:
    return (positions >= 0) & (positions < count)
