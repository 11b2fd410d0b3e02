"""A graph for inference whose convolutions compute what follows them in the same pass over memory, as oneDNN can."""

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional

from convscope.core.machine import machine
from convscope.layers.kinds import Convolution

from .graph import Node
from .graph_network import GraphNetwork

_FUSED: dict[str, tuple[str, list[float]]] = {
    "linear": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
}
"""Nonlinearities by their names in oneDNN, with their numbers."""
_ADDED = {"linear": None, "relu": "relu"}  # those that may follow the sum with another input


@final
class FusedGraph(GraphNetwork):
    """The layers of a graph, convolutions fused with what follows them: the input added, ReLU or ReLU6.

    The values are those of the graph, to rounding.

    Examples:
        >>> from convscope.networks.graph import Graph
        >>> from convscope.layers.geometry import Window
        >>> from convscope.layers.geometry import MapShape
        >>> layer = Convolution(units=2, rows=Window(kernel=3), columns=Window(kernel=3))
        >>> node = Node(name="conv", layer=layer, inputs=("image",), nonlinearity="relu6")
        >>> graph = Graph(nodes=(node,), image=MapShape(maps=1, rows=5, columns=5))
        >>> network = GraphNetwork(graph, {"conv.weight": torch.ones(2, 1, 3, 3), "conv.bias": torch.zeros(2)})
        >>> with torch.inference_mode():
        ...     fuse(network)(torch.ones(1, 1, 5, 5)).unique().tolist()
        [6.0]
    """

    def compute(self, node: Node, inputs: Sequence[Tensor]) -> Tensor:
        """Return the values of one node, N C h w, from those that it reads."""
        layer, added = node.layer, len(inputs) == 2
        able = _ADDED if added else _FUSED
        if not isinstance(layer, Convolution) or node.nonlinearity not in able or (added and inputs[0].shape[1] == 1):
            return super().compute(node, inputs)
        maps, settings = _settings(layer, inputs[0])
        own = self.tensors_of(node)
        weights = own["weight"], own["bias"]
        values: Tensor
        if added:
            follows = _ADDED[node.nonlinearity]
            fused_add = torch.ops.mkldnn._convolution_pointwise.binary
            values = fused_add(maps, inputs[1], *weights, *settings, "add", 1.0, follows, [], None)
        else:
            name, numbers = _FUSED[node.nonlinearity]
            values = torch.ops.mkldnn._convolution_pointwise(maps, *weights, *settings, name, numbers, None)
        return values

    def compute_into(self, out: Tensor, node: Node, inputs: Sequence[Tensor], part: tuple[slice, slice]) -> None:
        """Write some rows and columns of the values of one node into `out`, with the fewest copies."""
        if isinstance(node.layer, Convolution):
            out.copy_(self.compute(node, inputs)[:, :, *part])
        else:
            super().compute_into(out, node, inputs, part)


def is_fusing(dtype: torch.dtype = torch.float32) -> bool:
    """Return whether this build of torch has the operation, and this processor computes it in `dtype`."""
    has_operation = bool(torch._C._has_mkldnn) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    return has_operation and (dtype == torch.float32 or machine().bfloat16)


def fuse(network: GraphNetwork) -> GraphNetwork:
    """Return a copy of `network` that computes faster and only predicts; without oneDNN the network itself."""
    if not is_fusing(network.precision) or network.device.type != "cpu":
        return network
    copied = FusedGraph.calibrated_as(network, network.graph, network.tensors)
    copied.precision, copied.only_predicts = network.precision, True
    return copied.requires_grad_(requires_grad=False)


def _settings(layer: Convolution, maps: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the maps, with zeros around them if they are not the same on both sides, and what oneDNN is told."""
    rows, columns = layer.rows, layer.columns
    padding = [rows.before, columns.before]
    if padding != [rows.after, columns.after]:
        maps = functional.pad(maps, (columns.before, columns.after, rows.before, rows.after))
        padding = [0, 0]
    strides, dilations = [rows.stride, columns.stride], [rows.dilation, columns.dilation]
    return maps, (padding, strides, dilations, layer.groups)
