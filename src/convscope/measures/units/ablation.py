"""What a network loses without a unit: how many images of each class it still recognizes with the unit turned off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convscope.core.errors import DataError
from convscope.core.progress import Reporter, Silent
from convscope.core.statistics import wilson_interval
from convscope.features.layerwise import LayerFunction, layer_functions
from convscope.networks.finite import check_finite
from convscope.networks.memory import check_batch, fitting_batch
from convscope.networks.model import Model, as_tensor, evaluating

from .measuring import Images, Labels, check_images, unit_layers

BATCH_VALUES = 2**22  # of all maps of the images and of those that go without a unit, at once


@dataclass(frozen=True, kw_only=True)
class UnitAblation:
    """What the network recognizes without one unit.

    Attributes:
        unit: its place in its layer, from 0.
        correct: images of each class that are recognized while its map is 0 everywhere.
    """

    unit: int
    correct: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LayerAblation:
    """The units of one layer: its place in the plan from 1, its notation, the units."""

    layer: int
    name: str
    units: tuple[UnitAblation, ...]


@dataclass(frozen=True, kw_only=True)
class AblationRecord:
    """What the network recognizes as it is, and without each of its units.

    Attributes:
        classes: names.
        images: of each class.
        correct: of them, recognized by the whole network.
        layers: those with units of their own.
    """

    classes: tuple[str, ...]
    images: tuple[int, ...]
    correct: tuple[int, ...]
    layers: tuple[LayerAblation, ...]

    def __post_init__(self) -> None:
        """Refuse counts that no measurement gives."""
        rights = [self.correct, *(unit.correct for layer in self.layers for unit in layer.units)]
        fits = all(
            len(correct) == len(self.images) and all(0 <= a <= b for a, b in zip(correct, self.images, strict=True))
            for correct in rights
        )
        if not fits or len(self.classes) != len(self.images) or sum(self.images) < 1:
            raise DataError(
                "`correct` must be from 0 to the images of each class, in all `classes`. Got other counts. "
                "Measure it anew."
            )

    @property
    def accuracy(self) -> float:
        """Of the whole network, 0…1."""
        return sum(self.correct) / sum(self.images)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy."""
        return wilson_interval(sum(self.correct), sum(self.images))

    def loss(self, unit: UnitAblation) -> float:
        """Return by how much the accuracy is lower without a unit; below 0 if it is higher."""
        return (sum(self.correct) - sum(unit.correct)) / sum(self.images)


def measure_ablation(
    model: Model, images: Images, labels: Labels, *, batch: int | None = None, reporter: Reporter | None = None
) -> AblationRecord:
    """Return what `model` recognizes of images with each unit turned off in turn.

    The maps up to the unit's layer are computed once for all its units, and only what comes after is computed anew.

    Args:
        model: the network.
        images: uint8 N H W C of the network's size, N at least 1.
        labels: class of each, int64 N.
        batch: images and units that go through together; as memory allows if none.
        reporter: told how far it is; nobody if none.

    Raises:
        DataError: the images or labels are not such arrays.
        ParameterError: `batch` is not a whole number above 0.

    Examples:
        >>> from convscope.images.preprocessing import Preprocessing
        >>> from convscope.networks.build import Network
        >>> from convscope.networks.layout import Layout
        >>> network = Network(Layout.parse("3C3-MP2"), height=8, width=8, channels=1, classes=2)
        >>> model = Model(network=network, layout=network.layout, classes=("cat", "dog"),
        ...               preprocessing=Preprocessing(height=8, width=8, channels=1))
        >>> found = measure_ablation(model, np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]))
        >>> found.images, len(found.layers[0].units)
        ((2, 2), 3)
    """
    planned = model.network.plan
    check_images(images, labels, planned)
    wanted = planned.batch_within(BATCH_VALUES) if batch is None else check_batch(batch)
    size = fitting_batch(planned, wanted, copies=2)
    functions = layer_functions(model.network)
    places = unit_layers(planned)
    whole = torch.zeros(planned.classes, dtype=torch.int64)
    without = {place: torch.zeros(planned.layers[place].maps, planned.classes, dtype=torch.int64) for place in places}
    with (
        (reporter or Silent()).task("without each unit", len(images), "images") as task,
        evaluating(model.network),
        torch.inference_mode(),
    ):
        for start in range(0, len(images), size):
            truth = torch.from_numpy(labels[start : start + size].copy())
            maps = model.network.standardize(as_tensor(images[start : start + size]))
            for place, function in enumerate(functions):
                maps = function(maps)
                if place in without:
                    for unit, correct in _without_each(maps, functions[place + 1 :], truth, size):
                        without[place][unit] += torch.bincount(truth[correct], minlength=planned.classes)
            check_finite(torch.softmax(maps, dim=1), "in the logits")
            whole += torch.bincount(truth[maps.argmax(1) == truth], minlength=planned.classes)
            task.update(min(start + size, len(images)))
    return AblationRecord(
        classes=model.classes,
        images=tuple(np.bincount(labels, minlength=planned.classes).tolist()),
        correct=tuple(whole.tolist()),
        layers=tuple(
            LayerAblation(
                layer=place + 1,
                name=planned.layers[place].name,
                units=tuple(
                    UnitAblation(unit=unit, correct=tuple(counts))
                    for unit, counts in enumerate(without[place].tolist())
                ),
            )
            for place in places
        ),
    )


def _without_each(
    maps: Tensor, after: Sequence[LayerFunction], truth: Tensor, size: int
) -> Iterator[tuple[int, Tensor]]:
    """Give each unit, and which of the images are recognized without it.

    As many units as fill a batch go together: at the last, small batch of images, or where few are sent at once.
    """
    units = maps.shape[1]
    together = max(1, size // len(maps))
    for first in range(0, units, together):
        some = range(first, min(first + together, units))
        changed = maps.repeat(len(some), *(1 for _ in maps.shape[1:]))
        for place, unit in enumerate(some):
            changed[place * len(maps) : (place + 1) * len(maps), unit] = 0
        for function in after:
            changed = function(changed)
        correct = changed.argmax(1).view(len(some), len(maps)) == truth
        yield from zip(some, correct, strict=True)
