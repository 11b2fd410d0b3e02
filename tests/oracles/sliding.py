"""A network at every position of an image, window by window; and the way that everyone else converts one."""

import numpy as np
import torch
from torch import Tensor

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
        name: torch.from_numpy(draw.normal(0, 1 / np.sqrt(max(1, np.prod(shape[1:]))), shape).astype(np.float32))
        for name, shape in graph_tensors.items()
    }
