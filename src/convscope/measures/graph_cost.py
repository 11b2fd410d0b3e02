"""Cost of a network that is no layout: counted by node, and timed by node on this machine."""

import dataclasses
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from convscope.core.numeric import at_least
from convscope.core.progress import Reporter, Silent
from convscope.layers.nonlinearity import nonlinearity_of
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.memory import check_batch

from .cost import BYTES, CostRecord, LayoutCost, count_graph
from .timing import BATCH, LARGEST_BYTES, LARGEST_MACS, REPEATS, Times, medians, why_not_timed


def measure_graph_cost(
    network: GraphNetwork, *, batch: int | None = None, repeats: int = REPEATS, reporter: Reporter | None = None
) -> CostRecord:
    """Return the cost of a network that is no layout: counted, and timed unless it is too large.

    Its normalization is part of the weights, and takes no time of its own.

    Args:
        network: of which nothing is changed.
        batch: images at once, for timing; by default as many as take about ten seconds in all, at most 64.
        repeats: batches that are timed after one that warms up, for the median; 0 times nothing.
        reporter: receives the progress.

    Raises:
        ParameterError: `batch` or `repeats` is out of range.

    Examples:
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.folding import fold
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("8C3-MP2"), height=8, width=8, channels=1, classes=10)
        >>> found = measure_graph_cost(fold(network), repeats=1)
        >>> [(layer.name, layer.notation, layer.forward_ms > 0) for layer in found.costs[0].layers]
        [('convolution1', '8C3', True), ('pooling1', 'MP2', True), ('classifier', '10N', True)]
    """
    repeats = at_least(0, "repeats", repeats)
    cost = count_graph(network.graph)
    images = _images_within(cost, repeats) if batch is None else check_batch(batch)
    if repeats:
        cost = _timed(network, cost, images, repeats, reporter or Silent())
    return CostRecord(**network.plan.sizes, batch=images, threads=torch.get_num_threads(), costs=(cost,))


def _images_within(cost: LayoutCost, repeats: int) -> int:
    """Return how many images at once can be timed."""
    room = max(0, LARGEST_BYTES - BYTES * 2 * cost.parameters) // (3 * cost.training_bytes)
    work = LARGEST_MACS // max(1, 3 * (repeats + 1) * cost.macs)
    return max(1, min(BATCH, room, work))


def _timed(network: GraphNetwork, cost: LayoutCost, images: int, repeats: int, reporter: Reporter) -> LayoutCost:
    """Return the cost with the times of every node."""
    if reason := why_not_timed(cost, images, repeats):
        return dataclasses.replace(cost, why_untimed=reason)
    below = network.graph.image
    shape = (images, below.maps, below.rows, below.columns)
    image = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    layers = []
    with reporter.task("timing", len(cost.layers), "layers") as task, torch.no_grad():
        for layer, (node, inputs, _) in zip(cost.layers, network.steps(image), strict=True):
            task.advance(0, note=node.name)
            tensors = network.tensors_of(node)
            forward, backward = medians(lambda: _once(node, inputs, tensors), repeats)  # noqa: B023  # called at once
            layers.append(dataclasses.replace(layer, forward_ms=forward, backward_ms=backward))
            task.advance()
    return dataclasses.replace(cost, layers=tuple(layers))


def _once(node: Node, inputs: Sequence[Tensor], tensors: dict[str, Tensor]) -> Times:
    """Return the milliseconds of a node forward, and backward to its weights and to all that it reads but the image."""
    own = {name: tensor.detach().requires_grad_(tensor.is_floating_point()) for name, tensor in tensors.items()}
    read = [maps.detach().requires_grad_(name != IMAGE) for name, maps in zip(node.inputs, inputs, strict=True)]
    with torch.enable_grad():
        started = time.perf_counter()
        values = nonlinearity_of(node.nonlinearity).apply(node.layer.compute(read, own))
        between = time.perf_counter()
        wanted = [tensor for tensor in (*own.values(), *read) if tensor.requires_grad]
        if wanted and values.requires_grad:
            torch.autograd.grad(values, wanted, torch.ones_like(values), allow_unused=True)
        ended = time.perf_counter()
    return 1e3 * (between - started), 1e3 * (ended - between)
