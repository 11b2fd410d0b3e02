"""Times of the layers of a network on this machine, forward and backward."""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from convscope.core.draws import Draws
from convscope.core.errors import ParameterError
from convscope.core.numeric import at_least
from convscope.core.progress import Reporter, Silent
from convscope.layers.instance_based import ExemplarClassifier, Exemplars
from convscope.layers.nonlinearity import NONLINEARITIES
from convscope.networks.build import ConvolutionModule, Network
from convscope.networks.layout import Layout
from convscope.networks.memory import check_batch
from convscope.networks.plan import LARGEST_VALUES, Plan, PlanSizes, plan
from convscope.networks.stages import ConvolutionStage

from .cost import BYTES, CostRecord, LayoutCost, count_costs

BATCH, REPEATS = 64, 5
LARGEST_BYTES = 2**30  # of weights with their gradients, and of a batch's maps with theirs
LARGEST_MACS = 2 * 10**11  # of all timed batches of one network: about ten seconds

Times = tuple[float, float]
LayerFunction = Callable[[Tensor], Tensor]


def measure_cost(
    layout: Layout,
    sizes: PlanSizes,
    *,
    batch: int = BATCH,
    repeats: int = REPEATS,
    exemplars: Exemplars | None = None,
    classifier: str = "",
    reporter: Reporter | None = None,
) -> CostRecord:
    """Return the cost of an untrained `layout` and its variants: counted, and timed unless they are too large.

    Args:
        layout: the stages.
        sizes: height, width and channels of the images, and the number of classes.
        batch: images at once, at least 2, for timing.
        repeats: batches that are timed after one that warms up, for the median; 0 times nothing.
        exemplars: stored by an instance-based classifier.
        classifier: its name, if it is not that of the layout.
        reporter: receives the progress.

    Raises:
        LayoutError: the layout does not fit the image.
        ParameterError: a size, `batch` or `repeats` is out of range.

    Examples:
        >>> found = measure_cost(
        ...     Layout.parse("8C3-MP2"), {"height": 8, "width": 8, "channels": 1, "classes": 10}, repeats=1
        ... )
        >>> all(cost.forward_ms > 0 for cost in found.costs)
        True
    """
    if check_batch(batch) < 2:
        raise ParameterError("`batch` must be at least 2, as training normalizes over the images. Got 1.")
    repeats = at_least(0, "repeats", repeats)
    costs = count_costs(layout, **sizes, exemplars=exemplars, classifier=classifier)
    if repeats:
        planned = plan(layout, **sizes)
        timed = []
        with (reporter or Silent()).task("timing", len(costs), "layouts") as task:
            for cost in costs:
                task.advance(0, note=f"{cost.layout or layout} ({cost.variant})")
                timed.append(_timed(cost, planned, batch, repeats, exemplars))
                task.advance()
        costs = tuple(timed)
    return CostRecord(
        **sizes,
        batch=batch,
        threads=torch.get_num_threads(),
        costs=costs,
        exemplars=exemplars,
    )


def why_not_timed(cost: LayoutCost, batch: int, repeats: int) -> str:
    """Return why the network of `cost` is too large to be timed, or the empty text."""
    needed = BYTES * 2 * cost.parameters + 3 * batch * cost.training_bytes
    if needed > LARGEST_BYTES:
        return f"it needs about {needed / 2**30:,.1f} GiB of memory, of at most {LARGEST_BYTES / 2**30:.0f}"
    work = 3 * (repeats + 1) * batch * cost.macs
    if work > LARGEST_MACS:
        return f"it needs {work:.1e} MACs to be timed, of at most {LARGEST_MACS:.1e}"
    if max(layer.training_bytes for layer in cost.layers) > BYTES * LARGEST_VALUES:
        return "one of its layers has too many values for one image"
    return ""


def _timed(cost: LayoutCost, planned: Plan, batch: int, repeats: int, exemplars: Exemplars | None = None) -> LayoutCost:
    if reason := why_not_timed(cost, batch, repeats):
        return dataclasses.replace(cost, why_untimed=reason)
    network = Network(
        Layout.parse(cost.layout) if cost.layout else planned.layout,
        **planned.sizes,
    ).train()
    if exemplars is not None:
        values = network.plan.below(len(network.layout.stages)).values
        network.classifier = _without_images(exemplars, values, planned.classes)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch lacks this one
    generator = torch.Generator().manual_seed(0)
    shape = (batch, planned.height, planned.width, planned.channels)
    maps = network.standardize(torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8))
    functions = tuple(_functions(network))
    if not cost.layout:
        functions = tuple(_connected(planned, functions))
    with network.drawing_from(Draws(generator=generator)):
        times = time_layers(functions, maps, repeats)
    layers = tuple(
        dataclasses.replace(layer, forward_ms=forward, backward_ms=backward)
        for layer, (forward, backward) in zip(cost.layers, times, strict=True)
    )
    return dataclasses.replace(cost, layers=layers)


def _without_images(exemplars: Exemplars, values: int, classes: int) -> ExemplarClassifier:
    """Return the classifier with images of zeros, of all classes in turn: they do not affect its time."""
    made = exemplars.build(values, classes)
    made.scale.fill_(1)
    made.labels.copy_(torch.arange(exemplars.kept) % classes)
    return made


def _functions(network: Network) -> Iterator[LayerFunction]:
    """Give one function for each layer of the plan: a convolution before its pooling, the classifier last."""
    for module in network.stages:
        if isinstance(module, ConvolutionModule):
            yield module.convolve
            if module.pooling is not None:
                yield module.pooling
        else:
            yield module
    yield lambda maps: network.classifier(maps.flatten(1))  # N C H W -> N, C*H*W


def time_layers(functions: Sequence[LayerFunction], maps: Tensor, repeats: int) -> list[Times]:
    """Return the median milliseconds of each layer, forward and backward; `maps` is the input of the first.

    The backward pass computes the gradient of the weights and, except for the first layer, of the input.
    """
    times: list[Times] = []
    for index, function in enumerate(functions):
        inputs = maps.detach().requires_grad_(index > 0)
        times.append(medians(lambda: _once(function, inputs), repeats))  # noqa: B023  # it is called at once
        with torch.no_grad():
            maps = function(maps)
    return times


def medians(once: Callable[[], Times], repeats: int) -> Times:
    """Return the median of each time of `repeats` samples, after one that warms up."""
    samples = [once() for _ in range(repeats + 1)][1:]
    forward, backward = zip(*samples, strict=True)
    return statistics.median(forward), statistics.median(backward)


def _once(function: LayerFunction, inputs: Tensor) -> Times:
    started = time.perf_counter()
    values = function(inputs)
    between = time.perf_counter()
    if values.requires_grad:
        values.backward(torch.ones_like(values))  # type: ignore[no-untyped-call]  # torch has no types here
    ended = time.perf_counter()
    inputs.grad = None
    return 1e3 * (between - started), 1e3 * (ended - between)


class _ConnectedMaps(nn.Module):
    """Maps in which each value is a unit that sees the whole layer below."""

    def __init__(self, below: int, shape: tuple[int, int, int], nonlinearity: str) -> None:
        super().__init__()
        self.linear = nn.Linear(below, math.prod(shape))
        self.shape, self.nonlinearity = shape, NONLINEARITIES[nonlinearity]

    def forward(self, maps: Tensor) -> Tensor:
        """Return N maps rows columns."""
        values: Tensor = self.linear(maps.flatten(1))  # N C H W -> N, C*H*W
        return self.nonlinearity.apply(values.view(-1, *self.shape))


def _connected(planned: Plan, functions: Sequence[LayerFunction]) -> Iterator[LayerFunction]:
    """Give the layers, with fully connected units in place of convolutions."""
    for index, function in enumerate(functions):
        layer = planned.layers[index]
        if index < len(planned.layout.stages) and isinstance(planned.layout.stages[index], ConvolutionStage):
            shape = (layer.maps, layer.rows, layer.columns)
            yield _ConnectedMaps(planned.below(index).values, shape, planned.layout.nonlinearity)
        else:
            yield function
