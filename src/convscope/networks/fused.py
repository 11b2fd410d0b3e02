"""A convolution with the ReLU behind it in one pass over memory, by the operation that torch's own compiler uses."""

from collections.abc import Mapping

import torch
from torch import Tensor

from convscope.layers.kinds import Convolution

from .graph import Node


def is_fusing() -> bool:
    """Return whether this build of torch has the operation."""
    return bool(torch._C._has_mkldnn) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def fusable(node: Node) -> Convolution | None:
    """Return the convolution of a node with ReLU, the same zeros on both sides and nothing added to it; else None."""
    layer = node.layer
    if not isinstance(layer, Convolution) or node.nonlinearity != "relu" or len(node.inputs) != 1:
        return None
    rows, columns = layer.rows, layer.columns
    return layer if (rows.before, columns.before) == (rows.after, columns.after) else None


def fused_convolution(layer: Convolution, maps: Tensor, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return the maps of a convolution after ReLU."""
    rows, columns = layer.rows, layer.columns
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(
        maps,
        tensors["weight"],
        tensors["bias"],
        [rows.before, columns.before],
        [rows.stride, columns.stride],
        [rows.dilation, columns.dilation],
        layer.groups,
        "relu",
        [],
        None,
    )
    return result
