"""Ablation: the accuracy of a network by class without each of its units, or without some."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convscope.core.progress import Reporter, Silent
from convscope.networks.finite import check_finite
from convscope.networks.folding import fold
from convscope.networks.graph import IMAGE, Node
from convscope.networks.graph_network import GraphNetwork
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor
from convscope.networks.plan import NetworkPlan

from .measuring import Images, Labels, check_images, unit_layers
from .records import AblationRecord, LayerAblation, UnitAblation

BATCH_VALUES = 2**22  # of all maps in a batch, with and without a unit
LEAST_BATCH = 4  # of large networks: fewer take nearly twice as long an image
Chosen = Mapping[int, Sequence[int]]
"""Units by the index of their layer."""


def measure_ablation(
    model: Model,
    images: Images,
    labels: Labels,
    *,
    chosen: Chosen | None = None,
    batch: int | None = None,
    reporter: Reporter | None = None,
) -> AblationRecord:
    """Return the accuracy of `model` with each unit switched off in turn.

    All maps are computed once; of each unit, only what depends on it is computed again.

    Args:
        model: the network.
        images: uint8 N H W C of the network's size, N at least 1.
        labels: class of each, int64 N.
        chosen: units to switch off; all if none.
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
    planned, arithmetic = model.network.plan, fold(model.network)
    check_images(images, labels, planned)
    largest = max(LEAST_BATCH, planned.batch_within(BATCH_VALUES)) if batch is None else check_batch(batch)
    size = fitting_batch(planned, largest, copies=2)
    indices = unit_layers(arithmetic.graph)
    counts = {index: _Counts(planned, index, None if chosen is None else chosen.get(index, ())) for index in indices}
    whole = torch.zeros(planned.classes, dtype=torch.int64)
    predictions = len(images) * sum(len(own.units) for own in counts.values())
    with (reporter or Silent()).task("without each unit", predictions, "predictions") as task, torch.inference_mode():
        for start in range(0, len(images), size):
            truth = torch.from_numpy(labels[start : start + size].copy())
            image = arithmetic.standardize(as_tensor(images[start : start + size]))
            stored = {IMAGE: image, **{node.name: maps for node, maps in arithmetic.values(image)}}
            logits = stored[arithmetic.graph.output.name].flatten(1).cpu()
            check_finite(torch.softmax(logits, dim=1), "in the logits")
            whole += torch.bincount(truth[logits.argmax(1) == truth], minlength=planned.classes)
            for index, own in counts.items():
                for unit, changed in _without_each(arithmetic, index, own.units, stored, size):
                    own.add(unit, logits, changed, truth)
                    task.advance(len(truth))
    return AblationRecord(
        classes=model.classes,
        images=tuple(np.bincount(labels, minlength=planned.classes).tolist()),
        correct=tuple(whole.tolist()),
        layers=tuple(own.record(len(images)) for own in counts.values()),
    )


@dataclass
class _Sums:
    """Counts of one unit: correct predictions by class without it, images lost, changes of the true class's logit."""

    correct: Tensor
    lost: int = 0
    change: float = 0.0


class _Counts:
    """The sums of some units of one layer."""

    def __init__(self, planned: NetworkPlan, index: int, units: Sequence[int] | None) -> None:
        self.index, self._layer = index, planned.layers[index]
        self.units = tuple(range(self._layer.maps)) if units is None else tuple(sorted(units))
        self._sums = {unit: _Sums(torch.zeros(planned.classes, dtype=torch.int64)) for unit in self.units}

    def add(self, unit: int, logits: Tensor, changed: Tensor, truth: Tensor) -> None:
        """Add the logits N K of some images, as they are and without a unit."""
        sums = self._sums[unit]
        correct = changed.argmax(1) == truth
        sums.correct += torch.bincount(truth[correct], minlength=logits.shape[1])
        sums.lost += int(((logits.argmax(1) == truth) & ~correct).sum())
        sums.change += float((changed - logits).gather(1, truth[:, None]).double().abs().nan_to_num().sum())

    def record(self, images: int) -> LayerAblation:
        """Return the record of the layer."""
        units = (
            UnitAblation(
                unit=unit, correct=tuple(sums.correct.tolist()), logit_change=sums.change / images, lost=sums.lost
            )
            for unit, sums in self._sums.items()
        )
        return LayerAblation(layer=self.index + 1, name=self._layer.name, units=tuple(units))


def _without_each(
    network: GraphNetwork, index: int, units: Sequence[int], stored: Mapping[str, Tensor], size: int
) -> Iterator[tuple[int, Tensor]]:
    """Give each unit of a layer, and the logits N K without it.

    As many units as fill a batch share a forward pass.
    """
    node = network.graph.nodes[index]
    maps, beside = stored[node.name], read_beside(network, node)
    together = max(1, size // len(maps))
    for first in range(0, len(units), together):
        switched = units[first : first + together]
        changed = maps.repeat(len(switched), 1, 1, 1)
        for place, unit in enumerate(switched):
            changed[place * len(maps) : (place + 1) * len(maps), unit] = 0
        repeated = {name: stored[name].repeat(len(switched), 1, 1, 1) for name in beside}
        logits = network.recomputed(repeated, {node.name: changed})
        yield from zip(switched, logits.view(len(switched), len(maps), -1).cpu(), strict=True)


def read_beside(network: GraphNetwork, node: Node) -> tuple[str, ...]:
    """Return the names of what is read, beside the node, by all that depends on it."""
    after = network.graph.descendants(node.name)
    names = {name for one in network.graph.nodes if one.name in after for name in one.inputs}
    return tuple(sorted(names - after - {node.name}))
