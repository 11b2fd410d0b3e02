"""Ablation: the accuracy of a network by class without each of its units."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from convscope.core.progress import Reporter, Silent
from convscope.features.trace import LayerFunction, layer_functions
from convscope.networks.build import layout_network
from convscope.networks.finite import check_finite
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor, evaluating
from convscope.networks.plan import NetworkPlan

from .measuring import Images, Labels, check_images, unit_layers
from .records import AblationRecord, LayerAblation, UnitAblation

BATCH_VALUES = 2**22  # of all maps in a batch, with and without a unit


def measure_ablation(
    model: Model, images: Images, labels: Labels, *, batch: int | None = None, reporter: Reporter | None = None
) -> AblationRecord:
    """Return the accuracy of `model` with each unit switched off in turn.

    The maps up to the unit's layer are computed once for all its units; only the layers after it are repeated.

    Args:
        model: the network.
        images: uint8 N H W C of the network's size, N at least 1.
        labels: class of each, int64 N.
        batch: images times units in one forward pass; as memory allows by default.
        reporter: receives the progress.

    Raises:
        DataError: the images or labels are not such arrays.
        ParameterError: `batch` is not a whole number above 0.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("3C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> found = measure_ablation(model, np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]))
        >>> found.images, len(found.layers[0].units)
        ((2, 2), 3)
    """
    planned = model.network.plan
    check_images(images, labels, planned)
    largest = planned.batch_within(BATCH_VALUES) if batch is None else check_batch(batch)
    size = fitting_batch(planned, largest, copies=2)
    functions = layer_functions(layout_network(model.network))
    indices = unit_layers(planned)
    whole = torch.zeros(planned.classes, dtype=torch.int64)
    without = {index: torch.zeros(planned.layers[index].maps, planned.classes, dtype=torch.int64) for index in indices}
    with (
        (reporter or Silent()).task("without each unit", len(images), "images") as task,
        evaluating(model.network),
        torch.inference_mode(),
    ):
        for start in range(0, len(images), size):
            truth = torch.from_numpy(labels[start : start + size].copy())
            maps = model.network.standardize(as_tensor(images[start : start + size]))
            for index, function in enumerate(functions):
                maps = function(maps)
                if index in without:
                    for unit, correct in _without_each(maps, functions[index + 1 :], truth, size):
                        without[index][unit] += torch.bincount(truth[correct], minlength=planned.classes)
            check_finite(torch.softmax(maps, dim=1), "in the logits")
            whole += torch.bincount(truth[maps.argmax(1) == truth], minlength=planned.classes)
            task.update(min(start + size, len(images)))
    layers = (_layer(planned, index, counts.tolist()) for index, counts in without.items())
    return AblationRecord(
        classes=model.classes,
        images=tuple(np.bincount(labels, minlength=planned.classes).tolist()),
        correct=tuple(whole.tolist()),
        layers=tuple(layers),
    )


def _layer(planned: NetworkPlan, index: int, counts: list[list[int]]) -> LayerAblation:
    """Return the record of a layer from the correct predictions, units × classes."""
    units = (UnitAblation(unit=unit, correct=tuple(correct)) for unit, correct in enumerate(counts))
    return LayerAblation(layer=index + 1, name=planned.layers[index].name, units=tuple(units))


def _without_each(
    maps: Tensor, after: Sequence[LayerFunction], truth: Tensor, size: int
) -> Iterator[tuple[int, Tensor]]:
    """Give each unit, and which of the images are predicted correctly without it.

    As many units as fill a batch share a forward pass.
    """
    units = maps.shape[1]
    together = max(1, size // len(maps))
    for first in range(0, units, together):
        switched = range(first, min(first + together, units))
        changed = maps.repeat(len(switched), *(1 for _ in maps.shape[1:]))
        for index, unit in enumerate(switched):
            changed[index * len(maps) : (index + 1) * len(maps), unit] = 0
        for function in after:
            changed = function(changed)
        correct = changed.argmax(1).view(len(switched), len(maps)) == truth
        yield from zip(switched, correct, strict=True)
