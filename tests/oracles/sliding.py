"""A network at every position of an image, window by window; and the way that everyone else converts one."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convscope.layers.kinds import Convolution, Pooling
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.graph_network import GraphNetwork


def window_by_window(network: GraphNetwork, image: Tensor, stride: int) -> Tensor:
    """Return the logits of every window, 1 K R C, from a standardized image, 1 C H W."""
    rows, columns = network.graph.image.rows, network.graph.image.columns
    tops = range(0, image.shape[2] - rows + 1, stride)
    lefts = range(0, image.shape[3] - columns + 1, stride)
    windows = torch.cat([image[:, :, top : top + rows, left : left + columns] for top in tops for left in lefts])
    for _, values in network.values(windows):  # noqa: B007  # the last ones are the output
        pass
    return values.flatten(1).T.reshape(1, -1, len(tops), len(lefts))


def random_network(graph_tensors: dict[str, tuple[int, ...]], *, seed: int = 0) -> dict[str, Tensor]:
    """Return random weights, float32, of the shapes given."""
    draw = np.random.default_rng(seed)
    return {
        name: torch.from_numpy(draw.normal(0, 1 / max(1, math.prod(shape[1:])) ** 0.5, shape).astype(np.float32))
        for name, shape in graph_tensors.items()
    }


def naive_conversion(network: GraphNetwork, image: Tensor) -> Tensor:
    """Return what the usual conversion gives at every position, 1 K R C: strides become dilation, nothing else.

    Where the window has zeros around it, this sees the pixels beside the window: another input than in training. It
    takes chains of convolutions, max pooling and fully connected layers.
    """
    values, step = image, 1
    below = network.graph.image
    for node in network.graph.nodes:
        own, layer = network.tensors_of(node), node.layer
        if isinstance(layer, Convolution):
            rows, columns = layer.rows, layer.columns
            frame = [one * step for one in (columns.before, columns.after, rows.before, rows.after)]
            values = functional.conv2d(functional.pad(values, frame), own["weight"], own["bias"], dilation=step)
            step *= rows.stride
        elif isinstance(layer, Pooling):
            whole = (below.rows, below.columns) if layer.rows is None else (layer.rows.kernel, layer.columns.kernel)
            values = functional.max_pool2d(values, whole, 1, dilation=step)
            step *= 1 if layer.rows is None else layer.rows.stride
        else:
            kernel = own["weight"].reshape(len(own["weight"]), -1, below.rows, below.columns)
            values = functional.conv2d(values, kernel, own["bias"], dilation=step)
        values = nonlinearity_of(node.nonlinearity).apply(values)
        below = network.graph.shapes[node.name]
    sides = network.graph.image
    return values[:, :, : image.shape[2] - sides.rows + 1, : image.shape[3] - sides.columns + 1]
